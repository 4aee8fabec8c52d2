"""A suspended account refuses spending; a closed one refuses all but reads (C1)."""

from typing import Any

import grpc
import pytest

from credit.v1 import account_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from creditd.domain.resource_names import account_name
from tests.contract.at_once import at_once
from tests.support.customer import Customer
from tests.support.refusals import RefusedCall, refused

ACTIVE, SUSPENDED, CLOSED = (
    account_pb2.ACCOUNT_STATUS_ACTIVE,
    account_pb2.ACCOUNT_STATUS_SUSPENDED,
    account_pb2.ACCOUNT_STATUS_CLOSED,
)


@pytest.mark.requirement("C1")
def test_a_suspended_one_refuses_spending(customer: Customer) -> None:
    customer.top_up(100)
    name = customer.hold(10)
    customer.become(SUSPENDED)
    spending: list[tuple[Any, Any]] = [
        (customer.app.credit.Reserve, customer.reserving(1)),
        (customer.app.credit.Deduct, customer.deducting(1)),
        (customer.app.credit.ExtendReservation, customer.extending(name, 600)),
        (customer.app.credit.Confirm, customer.confirming(name, 11, allow_excess=True)),
    ]
    for call, request in spending:
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ACCOUNT_SUSPENDED")
        assert refusal.metadata["account_id"] == customer.account_id
    assert customer.figures() == (90, 10)


@pytest.mark.requirement("C1")
def test_a_suspended_one_takes_top_ups_and_refunds_and_settles_what_was_held(customer: Customer) -> None:
    customer.top_up(100)
    spent, held, returned = customer.deduct(10).reservation.name, customer.hold(10), customer.hold(10)
    customer.become(SUSPENDED)
    customer.top_up(5)
    customer.refund(spent)
    customer.refund(returned)
    customer.confirm(held)
    customer.remove(1)
    assert customer.figures() == (94, 0)
    customer.become(ACTIVE)
    assert customer.deduct(94).balance.available == 0


def closing_refusals(customer: Customer, held: str) -> list[RefusedCall]:
    """Return how a closed account refuses every mutation."""
    app, staff = customer.app.credit, customer.staff.admin
    add = admin.AddCreditsRequest(
        account_id=customer.account_id,
        amounts=[admin.CreditAmount(credit_type="chat", amount=1)],
        reason="test",
        request_id=customer.request_id(),
    )
    return [
        refused(app.Reserve, customer.reserving(1)),
        refused(app.Deduct, customer.deducting(1)),
        refused(app.Confirm, customer.confirming(held)),
        refused(app.Refund, customer.refunding(held)),
        refused(app.ExtendReservation, customer.extending(held, 60)),
        refused(staff.AddCredits, add),
        refused(staff.RemoveCredits, customer.removing(1)),
        refused(staff.SetPlan, customer.planning(account_pb2.PLAN_KIND_UNLIMITED)),
    ]


@pytest.mark.requirement("C1")
def test_a_closed_one_refuses_all_but_reads(customer: Customer) -> None:
    customer.top_up(100)
    name = customer.hold(10)
    customer.become(CLOSED, allow_balance=True)
    for refusal in closing_refusals(customer, name):
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ACCOUNT_CLOSED")
    found = customer.account_balance("chat")
    assert (found.status, found.wallets[0].balance.available, found.wallets[0].balance.reserved) == (CLOSED, 90, 10)
    assert customer.kinds() == ["RESERVE", "ADMIN_ADD"]
    assert customer.reservation(name).amount == 10
    listed = credit.ListReservationsRequest(account_id=customer.account_id)
    assert len(customer.app.credit.ListReservations(listed).reservations) == 1


@pytest.mark.requirement("C1")
def test_closing_needs_a_zero_balance_or_an_explicit_word(customer: Customer) -> None:
    """Credits that are held count as well."""
    customer.deduct(1, credit_type="spec")
    customer.top_up(10)
    name = customer.hold(10)
    for step in ("a hold", "credits"):
        refusal = refused(customer.staff.admin.SetAccountStatus, customer.becoming(CLOSED))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ACCOUNT_NOT_EMPTY"), step
        if step == "a hold":
            customer.refund(name)
    customer.deduct(10)
    assert customer.become(CLOSED).status == CLOSED


@pytest.mark.requirement("C1")
def test_what_has_expired_keeps_no_account_from_being_closed(customer: Customer) -> None:
    customer.deduct(1, credit_type="spec")
    customer.top_up(10, seconds=60)
    customer.service.clock.advance(60)
    assert customer.become(CLOSED).status == CLOSED


@pytest.mark.requirement("C1")
def test_a_closed_one_can_be_opened_again_with_all_that_it_had(customer: Customer) -> None:
    customer.top_up(10)
    customer.become(CLOSED, allow_balance=True)
    customer.become(ACTIVE)
    assert customer.deduct(10).balance.available == 0


@pytest.mark.requirement("B3", "C1")
def test_nothing_is_spent_once_a_suspension_was_answered(customer: Customer) -> None:
    """Whatever copies of the account a server keeps, also under concurrency."""
    customer.top_up(1_000)
    for _ in range(5):
        customer.deduct(1)
        calls: list[tuple[Any, Any]] = [(customer.app.credit.Deduct, customer.deducting(1)) for _ in range(10)]
        calls.append((customer.staff.admin.SetAccountStatus, customer.becoming(SUSPENDED)))
        at_once(lambda one: one[0](one[1]), calls)
        outcomes = at_once(customer.app.credit.Deduct, [customer.deducting(1) for _ in range(5)])
        assert [outcome.reason for outcome in outcomes] == ["ACCOUNT_SUSPENDED"] * 5
        customer.become(ACTIVE)


@pytest.mark.requirement("C1")
def test_staff_see_status_and_version(customer: Customer) -> None:
    """Each change raises the account's version."""
    customer.balance()
    request = admin.GetAccountRequest(name=account_name(customer.account_id))
    opened = customer.staff.admin.GetAccount(request).account_overview.account
    assert (opened.status, opened.version, opened.create_time) == (ACTIVE, 1, opened.update_time)
    suspended = customer.become(SUSPENDED)
    assert (suspended.status, suspended.version, suspended.create_time) == (SUSPENDED, 2, opened.create_time)
    assert customer.staff.admin.GetAccount(request).account_overview.account == suspended


@pytest.mark.requirement("A11", "C1")
def test_an_account_that_was_never_seen_is_opened_by_a_change_of_its_status(customer: Customer) -> None:
    """As by one of its plan (A11): who is to be kept out need not have come in before."""
    suspended = customer.become(SUSPENDED)
    assert (suspended.status, suspended.version) == (SUSPENDED, 2)
    assert refused(customer.app.credit.Reserve, customer.reserving(1)).reason == "ACCOUNT_SUSPENDED"
    assert customer.figures("spec") == (1, 0)


def test_accounts_are_listed_by_id_in_pages_filtered_by_prefix_and_status(customer: Customer) -> None:
    for number in range(5):
        other = customer.another(str(number))
        other.balance()
        if number % 2:
            other.become(SUSPENDED)

    def listed(**fields: Any) -> tuple[list[str], str]:
        request = admin.ListAccountsRequest(account_id_prefix=f"{customer.account_id}.", **fields)
        page = customer.staff.admin.ListAccounts(request)
        return [one.account.account_id.rpartition(".")[2] for one in page.account_overviews], page.next_page_token

    assert listed() == (["0", "1", "2", "3", "4"], "")
    assert listed(status=SUSPENDED) == (["1", "3"], "")
    first, token = listed(page_size=3)
    assert (first, listed(page_size=3, page_token=token)) == (["0", "1", "2"], (["3", "4"], ""))
    assert refused(lambda _: listed(page_token=token, status=ACTIVE), None).reason == "PAGE_TOKEN_INVALID"
