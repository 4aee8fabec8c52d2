"""Each committed movement raises a wallet's version by exactly one, and the ledger shows the same number (B1)."""

import random
from typing import Any

import pytest

from tests.contract.at_once import at_once
from tests.support.customer import Customer

pytestmark = pytest.mark.requirement("B1")


@pytest.mark.requirement("A6", "A8")
def test_versions_have_no_gap_and_no_repeat_under_concurrency(customer: Customer) -> None:
    """Three hundred calls of every kind at once; each row continues from the one before it."""
    customer.top_up(300)
    chance = random.Random(1)
    credit = customer.app.credit

    def spend(number: int) -> Any:
        amount = chance.randint(1, 20)
        if number % 3 == 0:
            return credit.Deduct(customer.deducting(amount))
        name = credit.Reserve(customer.reserving(amount)).reservation.name
        if number % 3 == 1:
            return credit.Refund(customer.refunding(name))
        return credit.Refund(customer.refunding(credit.Confirm(customer.confirming(name, 1)).reservation.name))

    for _ in range(3):
        at_once(spend, range(40))
    entries = customer.entries()[::-1]
    assert [entry.version for entry in entries] == list(range(1, len(entries) + 1))
    available = reserved = 0
    for entry in entries:
        available += entry.available_delta
        reserved += entry.reserved_delta
        assert (entry.available_after, entry.reserved_after) == (available, reserved)
        assert min(available, reserved) >= 0
    times = [(entry.create_time.seconds, entry.create_time.nanos) for entry in entries]
    assert times == sorted(times)
    assert customer.figures() == (available, reserved)
    assert customer.balance().version == len(entries)


def test_a_refused_call_raises_no_version(customer: Customer) -> None:
    customer.top_up(10)
    at_once(customer.app.credit.Reserve, [customer.reserving(11) for _ in range(10)])
    assert customer.balance().version == 1


def test_a_repeated_call_raises_no_version(customer: Customer) -> None:
    customer.top_up(10)
    request = customer.reserving(1)
    at_once(customer.app.credit.Reserve, [request] * 10)
    assert customer.balance().version == 2


def test_each_wallet_counts_by_itself(customer: Customer) -> None:
    customer.top_up(10)
    customer.top_up(10, credit_type="THB")
    customer.deduct(1)
    assert [customer.balance(code).version for code in ("chat", "spec", "THB", "quiz_gen")] == [2, 1, 1, 0]
