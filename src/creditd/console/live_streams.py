"""Pages that follow what happens: a stream of server-sent events says that an account has moved, and they ask anew.

Nothing of the account is in the stream: what a page shows is read as all pages are.
"""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import grpc
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from credit.v1.credit_service_pb2 import GetBalanceRequest, WatchBalanceRequest
from creditd.console import limits
from creditd.console.visit import Visit

_HEADERS = {"x-accel-buffering": "no"}
"""So that a proxy before the console passes each event on as it comes."""


class LiveStreams:
    """The streams that are open, limits.MAX_LIVE_STREAMS at most: each holds a connection and some calls."""

    def __init__(self) -> None:
        """Have none open."""
        self._open = 0
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End all of them; their pages ask again, of another console or of this one once it is back."""
        self._stopping.set()

    async def account(self, visit: Visit) -> Response:
        """Say each time that a wallet of an account moves. Raises ServiceRefusal."""
        account_id = visit.parts["account_id"]
        answer = await visit.ask(visit.stubs.credit.GetBalance, GetBalanceRequest(account_id=account_id))
        used = [wallet.balance for wallet in answer.account_balance.wallets if wallet.balance.version]
        if self._open >= limits.MAX_LIVE_STREAMS:
            return PlainTextResponse("", HTTPStatus.SERVICE_UNAVAILABLE)
        requests = [
            WatchBalanceRequest(account_id=account_id, credit_type=balance.credit_type, after_version=balance.version)
            for balance in used[: limits.LIVE_WALLETS]
        ]
        return StreamingResponse(self._events(visit, requests), media_type="text/event-stream", headers=_HEADERS)

    async def _events(self, visit: Visit, requests: list[WatchBalanceRequest]) -> AsyncIterator[str]:
        """Yield an event for what has moved since the last one; a remark in between, by which a dead peer is found."""
        moved, over = asyncio.Event(), asyncio.Event()
        watches = [asyncio.create_task(_watch(visit, request, moved, over)) for request in requests]
        deadline = asyncio.get_running_loop().time() + limits.LIVE_SECONDS
        self._open += 1
        try:
            yield f"retry: {limits.LIVE_RETRY_MILLISECONDS}\n\n"
            while not over.is_set() and asyncio.get_running_loop().time() < deadline:
                await _first_of(moved, over, self._stopping)
                if self._stopping.is_set():
                    return
                yield "event: moved\ndata:\n\n" if moved.is_set() else ": still here\n\n"
                moved.clear()
                # A busy account moves a thousand times a second; its page need not be asked for as often.
                await asyncio.sleep(limits.LIVE_PAUSE_SECONDS)
        finally:
            self._open -= 1
            for watch in watches:
                watch.cancel()


async def _watch(visit: Visit, request: WatchBalanceRequest, moved: asyncio.Event, over: asyncio.Event) -> None:
    """Set ``moved`` at each movement of a wallet; ``over`` once the service says no more of it."""
    call: Any = visit.stubs.credit.WatchBalance(request, timeout=limits.LIVE_SECONDS, metadata=visit.metadata)
    try:
        async for _ in call:
            moved.set()
    except grpc.aio.AioRpcError:
        # The page asks again, and is told then what is wrong.
        pass
    finally:
        over.set()
        call.cancel()


async def _first_of(*events: asyncio.Event) -> None:
    """Wait until one is set, for limits.LIVE_REMARK_SECONDS at most."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=limits.LIVE_REMARK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
