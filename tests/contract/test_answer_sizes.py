"""No lawful answer is larger than a client with default limits takes: 4 MiB. Most end at one."""

from types import SimpleNamespace
from typing import Any

import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import entry_pb2, reservation_pb2
from creditd.ledger.ids import uuid7
from tests.support.customer import CHAT, Customer
from tests.support.refusals import refused
from tests.support.service import RunningService

MIB = 1024 * 1024
GRANTS = 600
LABELS = {"k": "v" * 4_090}
REASON = "\U0001f600" * 500
"""As long as it may be, of characters of four bytes."""


def grant_many(customer: Customer, number: int) -> None:
    """Bring in as many grants of one credit each."""
    customer.balance()
    for _ in range(number):
        customer.top_up(1)


@pytest.fixture(scope="module")
def rich(service: RunningService, app: SimpleNamespace, staff: SimpleNamespace) -> Customer:
    """Return a customer with many grants, all of which were held and given back 20 times."""
    customer = Customer(service, app, staff, "answer_sizes.rich")
    grant_many(customer, GRANTS)
    for _ in range(20):
        customer.refund(customer.hold(customer.balance().available))
    return customer


@pytest.fixture(scope="module")
def talkative(service: RunningService, app: SimpleNamespace, staff: SimpleNamespace) -> Customer:
    """Return a customer of whom each movement carries as much as it may: labels, a reason, and a hundred slices."""
    customer = Customer(service, app, staff, "answer_sizes.talkative")
    grant_many(customer, 110)
    for _ in range(60):
        name = customer.reserve(110, metadata=LABELS, reason=REASON).reservation.name
        customer.refund(name, metadata=LABELS, reason=REASON)
    return customer


def pages(call: Any, request: Any, items: str) -> list[Any]:
    """Return all pages."""
    found = [call(request)]
    while found[-1].next_page_token:
        assert len(getattr(found[-1], items)) >= 1
        request.page_token = found[-1].next_page_token
        found.append(call(request))
    return found


@pytest.mark.requirement("H3")
def test_a_page_of_movements_with_many_slices_is_small(rich: Customer) -> None:
    rich.refund(rich.hold(rich.balance().available))
    page = rich.page(page_size=100, credit_type=CHAT)
    assert page.ByteSize() < MIB
    newest = page.entries[0]
    assert (len(newest.slices), newest.slice_count) == (100, GRANTS)


@pytest.mark.requirement("C2", "H3")
def test_a_page_ends_at_a_mebibyte_and_goes_on(talkative: Customer) -> None:
    request = credit.ListTransactionsRequest(account_id=talkative.account_id, page_size=100, include_total_size=True)
    found = pages(talkative.app.credit.ListTransactions, request, "entries")
    assert len(found[0].entries) < 100
    assert all(page.ByteSize() < MIB + 16_384 for page in found)
    keys = [(entry.credit_type, entry.version) for page in found for entry in page.entries]
    assert len(keys) == len(set(keys)) == found[0].total_size


@pytest.mark.requirement("H3")
def test_a_page_of_reservations_ends_at_a_mebibyte_and_goes_on(talkative: Customer) -> None:
    request = credit.ListReservationsRequest(account_id=talkative.account_id, page_size=100)
    found = pages(talkative.app.credit.ListReservations, request, "reservations")
    assert all(page.ByteSize() < MIB + 16_384 for page in found)
    assert sum(len(page.reservations) for page in found) == 60


def test_one_reservation_shows_all_that_a_list_leaves_out(rich: Customer) -> None:
    name = rich.hold(rich.balance().available)
    shown = rich.reservation(name)
    assert (len(shown.slices), shown.slice_count) == (GRANTS, GRANTS)
    request = credit.ListReservationsRequest(
        account_id=rich.account_id, state=reservation_pb2.RESERVATION_STATE_PENDING
    )
    (listed,) = rich.app.credit.ListReservations(request).reservations
    assert (len(listed.slices), listed.slice_count) == (100, GRANTS)
    assert listed.slices == shown.slices[:100]
    answer = rich.app.credit.Refund(rich.refunding(name))
    assert answer.ByteSize() < 16_384
    assert answer.entry.slice_count == GRANTS


@pytest.mark.requirement("A13")
def test_a_balance_shows_the_grants_that_are_spent_first(rich: Customer) -> None:
    wallet = rich.wallet()
    assert (len(wallet.grants), wallet.grant_count) == (100, GRANTS)


@pytest.mark.requirement("H3")
def test_a_watched_movement_is_small(rich: Customer) -> None:
    version = rich.balance().version
    rich.refund(rich.hold(rich.balance().available))
    request = credit.WatchBalanceRequest(account_id=rich.account_id, credit_type=CHAT, after_version=version)
    stream = rich.app.credit.WatchBalance(request)
    first = next(stream)
    stream.cancel()
    assert first.entry.slice_count == GRANTS
    assert first.ByteSize() < 16_384


@pytest.mark.requirement("A13", "H3")
def test_the_balances_of_a_thousand_accounts_fit(rich: Customer) -> None:
    request = credit.BatchGetBalancesRequest(account_ids=[rich.account_id] * 1_000, credit_types=[CHAT])
    answer = rich.app.credit.BatchGetBalances(request)
    assert answer.ByteSize() < 2 * MIB
    first = answer.account_balances[0].wallets[0]
    assert (len(first.grants), first.grant_count) == (10, GRANTS)


@pytest.mark.requirement("H3")
def test_more_balances_than_fit_are_refused_before_any_is_read(service: RunningService, rich: Customer) -> None:
    del service
    codes = [f"answer_sizes_{number}" for number in range(11)]
    for code in codes:
        request = admin.CreateCreditTypeRequest(request_id=uuid7())
        request.credit_type.code = code
        rich.staff.admin.CreateCreditType(request)
    many = credit.BatchGetBalancesRequest(account_ids=[rich.account_id] * 1_000, credit_types=codes)
    refusal = refused(rich.app.credit.BatchGetBalances, many)
    assert (refusal.reason, refusal.violations) == ("INVALID_FIELD", ["account_ids"])


def test_a_batch_of_confirmations_does_not_repeat_what_the_holds_came_with(talkative: Customer) -> None:
    """1,000 of 6 kB each, which 1,000 small requests would bring back."""
    other = talkative.another("batch")
    other.top_up(1_000)
    names = [other.reserve(1, metadata=LABELS, reason=REASON).reservation.name for _ in range(20)]
    requests = [other.confirming(name) for name in names]
    results = other.app.credit.BatchConfirm(credit.BatchConfirmRequest(requests=requests)).results
    assert [result.response.entry.reservation for result in results] == names
    assert max(result.ByteSize() for result in results) < 1_024
    assert dict(other.reservation(names[0]).metadata) == LABELS


def test_the_slices_of_a_batch_are_shared_among_its_results(rich: Customer) -> None:
    requests = [rich.reserving(2, validate_only=True) for _ in range(999)]
    held = rich.reserving(200)
    results = rich.app.credit.BatchReserve(credit.BatchReserveRequest(requests=[held, *requests])).results
    entry = results[0].response.entry
    assert (len(entry.slices), entry.slice_count) == (5, 200)
    rich.refund(results[0].response.reservation.name)


def test_a_thousand_wrong_requests_are_told_so_in_an_answer_that_fits(rich: Customer) -> None:
    bad = credit.ReserveRequest(
        account_id="?" * 100,
        credit_type="?" * 100,
        metadata={f"{number:03}{'x' * 70}": "" for number in range(5)},
    )
    answer = rich.app.credit.BatchReserve(credit.BatchReserveRequest(requests=[bad] * 1_000))
    assert all(result.HasField("error") for result in answer.results)
    assert answer.ByteSize() < 4 * MIB


@pytest.mark.requirement("C2")
def test_a_rare_kind_is_found_and_a_page_that_finds_nothing_may_go_on(rich: Customer) -> None:
    added = rich.page(kinds=[entry_pb2.ENTRY_KIND_ADMIN_ADD], page_size=1, include_total_size=True)
    assert (added.total_size, added.total_size_is_minimum) == (GRANTS, False)
    assert len(added.entries) == 1
