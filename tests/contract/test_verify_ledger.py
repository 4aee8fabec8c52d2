"""VerifyLedger folds the ledger and reports every difference from what is stored (D7)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import source_pb2
from tests.support.customer import Customer
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("D7")


def verified(customer: Customer, account_id: str) -> tuple[list[admin.LedgerDifference], admin.LedgerSummary]:
    """Return the differences found, and the summary that ends the stream."""
    answers = list(customer.staff.admin.VerifyLedger(admin.VerifyLedgerRequest(account_id=account_id)))
    assert [answer.WhichOneof("outcome") for answer in answers] == ["difference"] * (len(answers) - 1) + ["summary"]
    return [answer.difference for answer in answers[:-1]], answers[-1].summary


@pytest.fixture
def busy(customer: Customer) -> Customer:
    """Return a customer to whom all has happened that can happen to a wallet."""
    customer.top_up(100, source_pb2.SOURCE_FREE, seconds=100)
    customer.top_up(100)
    customer.confirm(customer.hold(30), 20)
    customer.refund(customer.deduct(90).reservation.name, 45)
    customer.extend(customer.hold(10), 200)
    customer.refund(customer.hold(10))
    customer.confirm(customer.hold(5), 9, allow_excess=True)
    customer.hold(7, seconds=50)
    customer.remove(3)
    customer.service.clock.advance(110)
    customer.go_unlimited()
    customer.deduct(1_000)
    customer.go_standard()
    customer.hold(6)
    return customer


def test_a_sound_ledger_has_no_differences(busy: Customer) -> None:
    differences, summary = verified(busy, busy.account_id)
    assert not differences
    entries = len(busy.entries()) + len(busy.entries("spec"))
    assert (summary.wallets, summary.entries, summary.differences) == (2, entries, 0)


def test_all_accounts_are_verified_in_one_call(busy: Customer) -> None:
    """While they move."""
    differences, summary = verified(busy, "")
    assert not differences
    assert summary.wallets >= 2


@contextmanager
def tampered(customer: Customer, change: LiteralString, undo: LiteralString) -> Iterator[None]:
    """Change a wallet behind the service's back, until the block ends."""
    with psycopg.connect(customer.service.config.database_url, autocommit=True) as connection:
        connection.execute(change, [customer.account_id])
        try:
            yield
        finally:
            connection.execute(undo, [customer.account_id])


def test_a_changed_balance_shows(busy: Customer) -> None:
    """With what the ledger adds up to, and what is stored instead."""
    available = busy.balance().available
    with tampered(
        busy,
        "UPDATE wallets SET available = available + 1 WHERE account_id = %s AND credit_type = 'chat'",
        "UPDATE wallets SET available = available - 1 WHERE account_id = %s AND credit_type = 'chat'",
    ):
        differences, summary = verified(busy, busy.account_id)
    (difference,) = differences
    assert (difference.account_id, difference.credit_type, difference.field) == (busy.account_id, "chat", "available")
    assert (difference.expected, difference.actual, difference.version) == (available, available + 1, 0)
    assert summary.differences == 1


def test_a_changed_grant_shows(busy: Customer) -> None:
    with tampered(
        busy,
        "UPDATE grants SET amount = amount + 5, remaining = remaining + 5 WHERE account_id = %s AND source = 3",
        "UPDATE grants SET amount = amount - 5, remaining = remaining - 5 WHERE account_id = %s AND source = 3",
    ):
        differences, _ = verified(busy, busy.account_id)
    assert [(found.field, found.actual - found.expected) for found in differences] == [("grants.PURCHASED", 5)]


def test_an_account_that_was_never_seen_has_nothing_to_verify(customer: Customer) -> None:
    differences, summary = verified(customer, customer.account_id)
    assert (differences, summary) == ([], admin.LedgerSummary())


def test_it_is_for_those_who_may_see_financial_reports(customer: Customer) -> None:
    for role, allowed in (("FINANCE", True), ("SUPER_ADMIN", True), ("SUPPORT", False), ("USER", False)):
        staff = customer.service.as_caller("somebody", role, mfa_time=round(customer.service.seconds))
        request = admin.VerifyLedgerRequest(account_id=customer.account_id)
        if allowed:
            assert len(list(staff.admin.VerifyLedger(request))) == 1
        else:
            assert refused(staff.admin.VerifyLedger, request).reason == "PERMISSION_DENIED"
