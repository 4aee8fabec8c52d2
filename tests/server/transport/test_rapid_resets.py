"""Calls that are reset at once, by the thousand: their connection is ended, and nothing of them stays."""

import asyncio
import gc
import time

import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.server import arrivals
from tests.support.patience import eventually, patience
from tests.support.raw_http2 import RawConnection
from tests.support.service import RunningService
from tests.support.tokens import bearer

SERVICE = "/credit.v1.CreditService"
BALANCE, HISTORY, WATCH = f"{SERVICE}/GetBalance", f"{SERVICE}/ListTransactions", f"{SERVICE}/WatchBalance"
OK = 0
AT_ONCE = 100
SECONDS = patience(20.0)
"""For what takes some tenths of a second."""

OWNER = bearer("restless", ["USER"])
REQUEST = credit.GetBalanceRequest(account_id="restless").SerializeToString()

KEPT = 8
"""Objects of a call: the bell's."""


def reset_until_ended(service: RunningService, token: str, path: str) -> None:
    """Begin calls and reset them until the connection is ended, which it has to be."""
    end = time.monotonic() + SECONDS
    with RawConnection(service.address, token) as connection:
        while time.monotonic() < end:
            try:
                connection.flood(path, AT_ONCE)
            except ConnectionError:
                return
    raise AssertionError("it was never ended")


def calls_kept() -> int:
    """Count what there is of calls."""
    kinds = {"HotCall", "LoopCall", "Exchange"}
    return sum(type(each).__name__ in kinds for each in gc.get_objects())


def tasks(service: RunningService) -> int:
    """Count the tasks of the event loop."""

    async def count() -> int:
        return len(asyncio.all_tasks())

    return asyncio.run_coroutine_threadsafe(count(), service.loop).result(20)


@pytest.mark.requirement("J5")
@pytest.mark.parametrize("token", [OWNER, ""], ids=["owner", "stranger"])
@pytest.mark.parametrize("path", [BALANCE, HISTORY, WATCH])
def test_a_connection_of_calls_that_are_reset_at_once_is_ended(
    queue_service: RunningService, path: str, token: str
) -> None:
    """With a token, too. The caller's other connection goes on, and nothing is left of the calls.

    gRPC's asyncio server keeps some calls until Python looks for cycles, and the core refuses all others meanwhile.
    """
    with RawConnection(queue_service.address, OWNER) as patient:
        ends = patient.ends()
        patient.call(BALANCE, REQUEST)
        assert next(ends)[1] == OK
        before = tasks(queue_service)
        reset_until_ended(queue_service, token, path)
        for _ in range(2 * arrivals.MESSAGES_OF_AN_OWNER):
            patient.call(BALANCE, REQUEST)
            assert next(ends)[1] == OK
    gate = queue_service.server._gate
    eventually(lambda: not gate.calls)
    eventually(lambda: tasks(queue_service) <= before)
    gc.collect()
    eventually(lambda: calls_kept() <= KEPT)


def test_a_few_calls_may_be_reset(service: RunningService) -> None:
    """A caller may change its mind, now and then."""
    with RawConnection(service.address, OWNER) as caller:
        ends = caller.ends()
        for _ in range(3):
            caller.call_and_reset(BALANCE, arrivals.MESSAGES_OF_AN_OWNER // 2)

            def is_answered() -> bool:
                stream = caller.call(BALANCE, REQUEST)
                return next(status for ended, status in ends if ended == stream) == OK

            eventually(is_answered)
