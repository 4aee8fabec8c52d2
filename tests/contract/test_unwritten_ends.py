"""What has ended and is not written down yet: figures, version and time that are shown are of one moment (A14)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from credit.v1 import balance_pb2, reservation_pb2, source_pb2
from credit.v1 import credit_service_pb2 as credit
from credit.v1.admin_service_pb2 import VerifyLedgerRequest
from tests.support.customer import Customer, kind_of, state_of
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service

PATIENCE_SECONDS = 30


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service that writes down nothing that ends, unless a command comes by."""
    folder: Path = tmp_path_factory.mktemp("unswept")
    with running_service(folder, sweep_interval_seconds=3_600.0) as service:
        yield service


@pytest.fixture
def lapsed(customer: Customer) -> Customer:
    """Return a customer of whose wallet two holds and two grants have ended, the last after 50 seconds.

    Five movements are written; a live hold and 75 purchased credits are left.
    """
    customer.top_up(10, source_pb2.SOURCE_FREE, seconds=40)
    customer.top_up(100)
    customer.hold(10, seconds=30)
    customer.hold(5, seconds=50)
    customer.hold(25, seconds=600)
    customer.service.clock.advance(51)
    assert customer.page().entries[0].version == 5
    return customer


ENDS = 3
"""The first hold comes back to the free credits, these expire, and the second hold comes back."""


@pytest.mark.requirement("A14")
def test_the_next_command_may_state_the_version_that_is_shown(lapsed: Customer) -> None:
    shown = lapsed.balance()
    assert (shown.available, shown.reserved, shown.version) == (75, 25, 5 + ENDS)
    held = lapsed.reserve(75, expected_version=shown.version)
    assert (held.balance.available, held.balance.version) == (0, shown.version + 1)
    kinds = [kind_of(entry) for entry in lapsed.entries()]
    assert kinds[: ENDS + 1] == ["RESERVE", "RELEASE", "EXPIRE", "RELEASE"]


@pytest.mark.requirement("A14")
@pytest.mark.parametrize("method", ["Deduct", "Confirm", "Refund"])
def test_so_may_every_command_that_takes_a_version(lapsed: Customer, method: str) -> None:
    (live,) = lapsed.app.credit.ListReservations(
        credit.ListReservationsRequest(account_id=lapsed.account_id, state=reservation_pb2.RESERVATION_STATE_PENDING)
    ).reservations
    asking: Callable[[int], Any] = {
        "Deduct": lambda version: lapsed.deducting(1, expected_version=version),
        "Confirm": lambda version: lapsed.confirming(live.name, expected_version=version),
        "Refund": lambda version: lapsed.refunding(live.name, expected_version=version),
    }[method]
    shown = lapsed.balance().version
    refusal = refused(getattr(lapsed.app.credit, method), asking(5))
    assert (refusal.reason, refusal.metadata["current"]) == ("VERSION_MISMATCH", str(shown))
    assert getattr(lapsed.app.credit, method)(asking(shown)).balance.version == shown + 1


@pytest.mark.requirement("A13")
def test_every_read_shows_the_same_until_it_is_written(lapsed: Customer) -> None:
    shown = lapsed.balance()
    many = credit.BatchGetBalancesRequest(account_ids=[lapsed.account_id], credit_types=["chat"])
    in_a_batch = lapsed.app.credit.BatchGetBalances(many).account_balances[0].wallets[0].balance
    assert shown == in_a_batch == lapsed.balance()
    ended = [one for one in listed(lapsed) if state_of(one) == "EXPIRED"]
    assert shown.update_time == max((one.expire_time for one in ended), key=lambda at: at.ToNanoseconds())


@pytest.mark.requirement("A13", "B1")
def test_written_down_it_has_the_version_that_was_shown(lapsed: Customer) -> None:
    shown = lapsed.balance()
    refused(lapsed.app.credit.Reserve, lapsed.reserving(1_000))
    written = lapsed.balance()
    entry = lapsed.page().entries[0]
    assert (entry.version, entry.create_time) == (written.version, written.update_time)
    shown.update_time.CopyFrom(written.update_time)
    assert written == shown
    answers = list(lapsed.staff.admin.VerifyLedger(VerifyLedgerRequest(account_id=lapsed.account_id)))
    assert len(answers) == 1


@pytest.mark.requirement("A14")
def test_if_more_ends_before_the_command_it_is_told_so(lapsed: Customer) -> None:
    shown = lapsed.balance()
    lapsed.service.clock.advance(600)
    refusal = refused(lapsed.app.credit.Reserve, lapsed.reserving(1, expected_version=shown.version))
    assert (refusal.reason, refusal.metadata["current"]) == ("VERSION_MISMATCH", str(shown.version + 1))
    assert lapsed.balance().version == shown.version + 1


def test_a_bound_that_came_too_early_is_no_movement(customer: Customer) -> None:
    customer.top_up(10)
    customer.confirm(customer.hold(5, seconds=30))
    before = customer.balance()
    customer.service.clock.advance(31)
    assert customer.balance() == before
    assert customer.reserve(1, expected_version=before.version).balance.version == before.version + 1


@pytest.mark.requirement("A2")
def test_reservations_are_shown_as_changed_when_they_ended(lapsed: Customer) -> None:
    ended = [one for one in listed(lapsed) if state_of(one) == "EXPIRED"]
    assert len(ended) == 2
    for one in ended:
        assert one.update_time == one.expire_time
        assert lapsed.reservation(one.name) == one


@pytest.mark.requirement("A13", "B1")
def test_a_stream_begins_with_what_is_shown_and_goes_on_without_gap_or_repeat(lapsed: Customer) -> None:
    shown = lapsed.balance()
    request = credit.WatchBalanceRequest(account_id=lapsed.account_id, credit_type="chat")
    stream = lapsed.app.credit.WatchBalance(request, timeout=PATIENCE_SECONDS)
    first: balance_pb2.Balance = next(stream).balance
    assert (first.available, first.reserved, first.version) == (shown.available, shown.reserved, shown.version)
    # Whatever comes next comes after it: the version is that of an entry, and no other can take its place.
    assert lapsed.page().entries[0].version == first.version
    spent = lapsed.deduct(1)
    assert next(stream).entry == spent.entry
    assert spent.entry.version == shown.version + 1
    stream.cancel()


@pytest.mark.requirement("A13", "B1")
def test_a_stream_after_the_version_that_was_shown_goes_on_without_gap_or_repeat(lapsed: Customer) -> None:
    shown = lapsed.balance().version
    request = credit.WatchBalanceRequest(account_id=lapsed.account_id, credit_type="chat", after_version=shown)
    stream = lapsed.app.credit.WatchBalance(request, timeout=PATIENCE_SECONDS)
    spent = lapsed.deduct(1)
    assert next(stream).entry == spent.entry
    stream.cancel()


def listed(customer: Customer) -> list[reservation_pb2.Reservation]:
    """Return the customer's reservations, newest first."""
    request = credit.ListReservationsRequest(account_id=customer.account_id)
    return list(customer.app.credit.ListReservations(request).reservations)
