"""GetHistoricalBalance says of every moment what GetBalance said then (C3)."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from credit.v1 import balance_pb2, source_pb2
from credit.v1 import credit_service_pb2 as credit
from tests.support.customer import Customer
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("C3")

EXAMPLES = count()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service that writes down nothing that ends, unless a command comes by or a test says so."""
    folder: Path = tmp_path_factory.mktemp("unswept")
    with running_service(folder, sweep_interval_seconds=3_600.0) as service:
        yield service


def at(customer: Customer, instant: Timestamp, credit_type: str = "chat") -> balance_pb2.Balance:
    """Return a balance of the past by its time."""
    return asked(customer, credit_type=credit_type, as_of_time=instant)[0]


def after(customer: Customer, version: int) -> balance_pb2.Balance:
    """Return a balance of the past by its version."""
    return asked(customer, credit_type="chat", version=version)[0]


def asked(customer: Customer, **fields: Any) -> list[balance_pb2.Balance]:
    """Return balances of the past."""
    request = credit.GetHistoricalBalanceRequest(account_id=customer.account_id, **fields)
    return list(customer.app.credit.GetHistoricalBalance(request).balances)


def write_down(service: RunningService) -> None:
    """Have all that has ended written into the ledger, with nothing after it."""
    while service.core.sweep.sweep_once():
        pass


def _end_a_hold(customer: Customer, holds: list[str], end: Callable[[str], Any]) -> None:
    if holds and (name := holds.pop()) and customer.reservation(name).state == 1:
        end(name)


STEPS: dict[str, Callable[[Customer, list[str], int], Any]] = {
    "buy": lambda customer, _, amount: customer.top_up(amount),
    "give": lambda customer, _, amount: customer.top_up(amount, source_pb2.SOURCE_FREE, seconds=amount * 10),
    "hold": lambda customer, holds, amount: holds.append(customer.hold(amount, seconds=amount * 15)),
    "deduct": lambda customer, _, amount: customer.deduct(amount),
    "confirm": lambda customer, holds, _: _end_a_hold(customer, holds, customer.confirm),
    "refund": lambda customer, holds, _: _end_a_hold(customer, holds, customer.refund),
    "wait": lambda customer, _, amount: customer.service.clock.advance(amount * 20),
}


@pytest.mark.requirement("A13")
@settings(max_examples=15, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(1, 9)), min_size=1, max_size=12))
def test_it_says_of_every_instant_what_was_said_then(
    service: RunningService, app: Any, staff: Any, steps: list[tuple[str, int]]
) -> None:
    """Whatever ends meanwhile, and whether or not it has been written down since."""
    customer = Customer(service, app, staff, f"historical-{next(EXAMPLES)}")
    customer.top_up(30)
    holds: list[str] = []
    said: list[tuple[Timestamp, balance_pb2.Balance]] = []
    for name, amount in steps:
        if name not in {"hold", "deduct"} or customer.balance().available >= amount:
            STEPS[name](customer, holds, amount)
        said.append((customer.after(0), customer.balance()))
        service.clock.advance(1)
    assert [at(customer, instant) for instant, _ in said] == [balance for _, balance in said]
    service.clock.advance(50)
    write_down(service)
    assert [at(customer, instant) for instant, _ in said] == [balance for _, balance in said]
    customer.top_up(1)
    assert [at(customer, instant) for instant, _ in said] == [balance for _, balance in said]


def test_what_had_ended_counts_from_its_end_on(customer: Customer) -> None:
    """Of three ends the last is not in the ledger yet; it comes while the others' time is asked about."""
    customer.top_up(10, source_pb2.SOURCE_FREE, seconds=40)
    customer.top_up(100)
    customer.hold(10, seconds=30)
    customer.hold(5, seconds=50)
    said = []
    for seconds in (29, 2, 10, 10):
        customer.service.clock.advance(seconds)
        said.append((customer.after(0), customer.balance()))
    assert [balance.version for _, balance in said] == [4, 5, 6, 7]
    assert customer.page().entries[0].version == 4
    assert [at(customer, instant) for instant, _ in said] == [balance for _, balance in said]
    write_down(customer.service)
    assert customer.page().entries[0].version == 7
    assert [at(customer, instant) for instant, _ in said] == [balance for _, balance in said]
    customer.service.clock.advance(1)
    customer.deduct(1)
    assert [at(customer, instant) for instant, _ in said] == [balance for _, balance in said]


def test_it_says_of_every_version_what_the_movement_said(customer: Customer) -> None:
    customer.top_up(9)
    for balance in [customer.reserve(amount).balance for amount in (1, 2, 3)]:
        assert after(customer, balance.version) == balance


def test_before_the_first_movement_there_is_nothing(customer: Customer) -> None:
    before = customer.after(-3_600)
    customer.top_up(5)
    nothing = balance_pb2.Balance(account_id=customer.account_id, credit_type="chat")
    assert at(customer, before) == after(customer, 0) == nothing
    assert at(customer.another("unseen"), before).version == 0


def test_all_credit_types_are_shown_unless_one_is_named(customer: Customer) -> None:
    customer.top_up(5)
    customer.top_up(7, credit_type="THB")
    service = customer.service
    service.clock.advance(1)
    instant = customer.after(0)
    service.clock.advance(1)
    customer.top_up(1)
    found = {balance.credit_type: balance.available for balance in asked(customer, as_of_time=instant)}
    assert (found["chat"], found["THB"]) == (5, 7)
    assert set(found) == {wallet.balance.credit_type for wallet in customer.account_balance().wallets}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"credit_type": "chat", "version": 2}, "VERSION_AHEAD"),
        ({"version": 1}, "INVALID_FIELD"),
        ({"credit_type": "chat", "version": -1}, "INVALID_FIELD"),
        ({"credit_type": "chat"}, "INVALID_FIELD"),
        ({"credit_type": "nothing", "version": 0}, "CREDIT_TYPE_NOT_FOUND"),
        ({"as_of_time": Timestamp(seconds=4_000_000_000)}, "INVALID_FIELD"),
        ({"as_of_time": Timestamp(seconds=-70_000_000_000_000)}, "INVALID_FIELD"),
    ],
)
def test_what_cannot_be_told_is_refused(customer: Customer, fields: dict[str, Any], reason: str) -> None:
    customer.top_up(1)
    request = credit.GetHistoricalBalanceRequest(account_id=customer.account_id, **fields)
    assert refused(customer.app.credit.GetHistoricalBalance, request).reason == reason
    assert customer.balance().version == 1


def test_a_look_opens_no_account(customer: Customer) -> None:
    assert at(customer, customer.after(-1)).version == 0
    assert not customer.page().entries
