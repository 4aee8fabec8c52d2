"""A lawful call with much in it lets other calls have their turn: only so much of it is done between two turns."""

from collections.abc import Callable
from typing import Any

import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.server import chunks
from creditd.server.chunks import CHUNK_ITEMS
from creditd.server.handlers import balance_handlers, batch_handlers
from tests.support.customer import Customer

pytestmark = pytest.mark.requirement("J5")


class Turns:
    """Counts how often a function is called between two turns of others, whatever the transport."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.most = self.calls = self._in_this_turn = 0

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call the function, and count it."""
        self.calls += 1
        self._in_this_turn += 1
        self.most = max(self.most, self._in_this_turn)
        return self.function(*arguments, **options)

    def begin(self) -> None:
        """Note that others have had their turn."""
        self._in_this_turn = 0


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> Turns:
    """Count the calls of a module's function."""
    turns = Turns(getattr(module, name))
    give = chunks._turn

    async def turn() -> None:
        await give()
        turns.begin()

    monkeypatch.setattr(chunks, "_turn", turn)
    monkeypatch.setattr(module, name, turns)
    return turns


@pytest.mark.parametrize("credit_types", [["spec"], ["spec", "chat", "quiz_gen", "THB"]], ids=len)
def test_many_balances_are_written_a_few_at_a_time(
    customer: Customer, monkeypatch: pytest.MonkeyPatch, credit_types: list[str]
) -> None:
    written = counted(monkeypatch, balance_handlers, "write_wallet")
    ids = [f"{customer.account_id}.{number}" for number in range(200)]
    request = credit.BatchGetBalancesRequest(account_ids=ids, credit_types=credit_types)
    found = customer.app.credit.BatchGetBalances(request).account_balances
    assert [one.account_id for one in found] == ids
    assert written.calls == 200 * len(credit_types)
    assert written.most <= CHUNK_ITEMS


def test_a_batch_is_read_and_answered_a_few_at_a_time(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    customer.top_up(1_000)
    read = counted(monkeypatch, batch_handlers, "validate")
    written = counted(monkeypatch, batch_handlers, "write_movement")
    request = credit.BatchReserveRequest(requests=[customer.reserving(1) for _ in range(300)])
    results = customer.app.credit.BatchReserve(request).results
    assert [result.response.entry.request_id for result in results] == [one.request_id for one in request.requests]
    assert (read.calls, written.calls) == (300, 300)
    assert max(read.most, written.most) <= CHUNK_ITEMS
