"""Who has no token, or asks for what there is not, costs the event loop no task."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.server.connections import STRANGE_CALLS
from tests.support.raw_http2 import RawConnection
from tests.support.service import RunningService
from tests.support.tokens import bearer

OK, UNIMPLEMENTED, UNAUTHENTICATED = 0, 12, 16
HISTORY = "/credit.v1.CreditService/ListTransactions"
REQUEST = credit.ListTransactionsRequest(account_id="owner").SerializeToString()
REFUSED = {
    HISTORY: UNAUTHENTICATED,
    "/credit.v1.CreditService/WatchBalance": UNAUTHENTICATED,
    "/credit.v1.AdminService/AddCredits": UNAUTHENTICATED,
    "/credit.v1.PaymentService/CreatePurchase": UNAUTHENTICATED,
    "/credit.v1.WebhookService/IngestWebhook": UNAUTHENTICATED,
    "/credit.v1.CreditService/Nothing": UNIMPLEMENTED,
}


@contextmanager
def counted_tasks(service: RunningService) -> Iterator[Counter[str]]:
    """Count the tasks that the event loop makes until the block ends, by the name of what they run."""
    made: Counter[str] = Counter()

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        made[coroutine.__qualname__] += 1
        return asyncio.Task(coroutine, loop=loop, **options)

    async def use(factory: Any) -> None:
        asyncio.get_running_loop().set_task_factory(factory)

    asyncio.run_coroutine_threadsafe(use(make), service.loop).result(20)
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(use(None), service.loop).result(20)


@pytest.mark.requirement("J5")
@pytest.mark.parametrize("token", ["", "no such token"], ids=["no token", "a bad token"])
def test_a_stranger_costs_the_event_loop_no_task(queue_service: RunningService, token: str) -> None:
    with counted_tasks(queue_service) as made:
        for path, status in REFUSED.items():
            with RawConnection(queue_service.address, token) as stranger:
                ends = stranger.ends()
                for _ in range(STRANGE_CALLS - 1):
                    stranger.begin(path)
                    assert next(ends)[1] == status
        assert "LoopCall._run" not in made
        with RawConnection(queue_service.address, bearer("owner", ["USER"])) as owner:
            owner.call(HISTORY, REQUEST)
            assert next(owner.ends())[1] == OK
        assert made["LoopCall._run"] == 1
