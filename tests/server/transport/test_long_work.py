"""Long work on the polling thread is done chunk by chunk: between any two the thread looks for others' calls."""

from collections.abc import Callable
from typing import Any

import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.server.chunks import CHUNK_ITEMS
from creditd.server.transport.queue_server import QueueServer
from tests.support.customer import Customer

BATCH, ACCOUNTS = 1_000, 100
"""As many as one request may hold."""


def batch(customer: Customer) -> tuple[Any, Any]:
    """Return a call that holds credits a thousand times."""
    customer.top_up(BATCH)
    requests = [customer.reserving(1) for _ in range(BATCH)]
    return customer.app.credit.BatchReserve, credit.BatchReserveRequest(requests=requests)


def balances(customer: Customer) -> tuple[Any, Any]:
    """Return a call that asks for a hundred accounts."""
    customer.top_up(1)
    request = credit.BatchGetBalancesRequest(account_ids=[customer.account_id] * ACCOUNTS)
    return customer.app.credit.BatchGetBalances, request


@pytest.mark.requirement("J5")
@pytest.mark.parametrize(("ask", "chunks"), [(batch, BATCH // CHUNK_ITEMS), (balances, ACCOUNTS // CHUNK_ITEMS)])
def test_the_thread_looks_for_calls_between_two_chunks(
    customer: Customer, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Customer], tuple[Any, Any]], chunks: int
) -> None:
    call, request = ask(customer)
    server = customer.service.server._server
    assert isinstance(server, QueueServer)
    looked, looks_at_chunk = 0, []
    next_event, post = server._core.next_event, server.post

    def looking(seconds: float | None) -> Any:
        nonlocal looked
        looked += 1
        return next_event(seconds)

    def posting(function: Callable[[], object]) -> None:
        if getattr(function, "__name__", "") == "_go_on":
            looks_at_chunk.append(looked)
        post(function)

    monkeypatch.setattr(server._core, "next_event", looking)
    monkeypatch.setattr(server, "post", posting)
    call(request)
    assert len(looks_at_chunk) >= chunks
    assert len(set(looks_at_chunk)) == len(looks_at_chunk)
