"""ListReservations shows an account's reservations, newest first; GetReservation shows one."""

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import reservation_pb2
from tests.support.answers import lasting
from tests.support.customer import Customer, state_of
from tests.support.refusals import refused


def listed(customer: Customer, **fields: object) -> credit.ListReservationsResponse:
    """Return a page of reservations."""
    request = credit.ListReservationsRequest(account_id=customer.account_id, **fields)  # type: ignore[arg-type]
    page: credit.ListReservationsResponse = customer.app.credit.ListReservations(request)
    return page


@pytest.fixture
def busy(customer: Customer) -> Customer:
    """Return a customer with a reservation in each state, the newest of them a Deduct."""
    customer.top_up(100)
    customer.top_up(10, credit_type="THB")
    customer.hold(1, seconds=60)
    customer.service.clock.advance(61)
    customer.refund(customer.hold(2))
    customer.confirm(customer.hold(3))
    customer.reserve(4, credit_type="THB")
    customer.hold(5)
    customer.deduct(6)
    return customer


def test_they_come_newest_first_each_in_its_state(busy: Customer) -> None:
    found = [(reservation.amount, state_of(reservation)) for reservation in listed(busy).reservations]
    assert found == [
        (6, "CONFIRMED"),
        (5, "PENDING"),
        (4, "PENDING"),
        (3, "CONFIRMED"),
        (2, "REFUNDED"),
        (1, "EXPIRED"),
    ]


def test_each_is_the_same_as_by_its_name(busy: Customer) -> None:
    found = list(listed(busy).reservations)
    named = [busy.reservation(reservation.name) for reservation in found]
    assert list(map(lasting, named)) == list(map(lasting, found))
    assert len(found) == 6


def test_they_are_filtered_by_state_and_credit_type(busy: Customer) -> None:
    amounts = {
        state: [reservation.amount for reservation in listed(busy, state=state).reservations]
        for state in reservation_pb2.ReservationState.values()
    }
    assert amounts == {0: [6, 5, 4, 3, 2, 1], 1: [5, 4], 2: [6, 3], 3: [2], 4: [1]}
    assert [reservation.amount for reservation in listed(busy, credit_type="THB").reservations] == [4]
    assert not listed(busy, credit_type="quiz_gen").reservations


def test_they_come_in_pages(busy: Customer) -> None:
    first = listed(busy, page_size=4)
    second = listed(busy, page_size=4, page_token=first.next_page_token)
    assert [reservation.amount for reservation in first.reservations] == [6, 5, 4, 3]
    assert [reservation.amount for reservation in second.reservations] == [2, 1]
    assert not second.next_page_token


def test_a_page_token_goes_with_its_query_alone(busy: Customer) -> None:
    token = listed(busy, page_size=4).next_page_token
    of_entries = busy.page(page_size=1).next_page_token
    for request in (
        credit.ListReservationsRequest(account_id=busy.account_id, credit_type="chat", page_token=token),
        credit.ListReservationsRequest(account_id=busy.another("x").account_id, page_token=token),
        credit.ListReservationsRequest(account_id=busy.account_id, page_token=of_entries),
    ):
        refusal = refused(busy.app.credit.ListReservations, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


def test_20_come_unless_stated_otherwise_and_100_at_most(customer: Customer) -> None:
    customer.top_up(25)
    customer.app.credit.BatchReserve(credit.BatchReserveRequest(requests=[customer.reserving(1) for _ in range(25)]))
    assert len(listed(customer).reservations) == 20
    assert len(listed(customer, page_size=100).reservations) == 25
    request = credit.ListReservationsRequest(account_id=customer.account_id, page_size=101)
    assert refused(customer.app.credit.ListReservations, request).violations == ["page_size"]


def test_an_unknown_reservation_is_not_found(busy: Customer) -> None:
    name = listed(busy).reservations[0].name
    for other in (name.replace("/chat/", "/THB/"), name[:-12] + "0" * 12):
        refusal = refused(busy.app.credit.GetReservation, credit.GetReservationRequest(name=other))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "RESERVATION_NOT_FOUND")
        assert refusal.metadata["reservation"] == other
