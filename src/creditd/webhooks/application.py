"""The routes: one for each provider, and one for health."""

import asyncio
import contextlib
import ipaddress
import logging
import random
import time
import traceback
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router

from creditd.webhooks import limits
from creditd.webhooks.address_limit import AddressLimit
from creditd.webhooks.answers import NOT_STORED, RATE_LIMITED, Answer
from creditd.webhooks.body import TurnedAway, body_of
from creditd.webhooks.ingestion import Arrived, Ingestion
from creditd.webhooks.places import Places
from creditd.webhooks.senders import SENDERS

log = logging.getLogger(__name__)

_HEADERS: Final = {
    HTTPStatus.TOO_MANY_REQUESTS: {"retry-after": str(limits.RETRY_AFTER_SECONDS)},
    HTTPStatus.SERVICE_UNAVAILABLE: {"retry-after": str(limits.RETRY_AFTER_SECONDS)},
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: {"accept-encoding": "identity"},
    # The rest of the body is not waited for.
    HTTPStatus.REQUEST_TIMEOUT: {"connection": "close"},
}


class Application:
    """Answers HTTP. ``routes`` is the ASGI application."""

    def __init__(self, service: Ingestion, address_calls_per_minute: int = 0) -> None:
        """Pass webhooks on to a service; so many of one address may be turned down in a minute, 0: any number."""
        self._service = service
        self._address_limit = AddressLimit(address_calls_per_minute, time.monotonic)
        self._reading = Places(limits.MAX_READING, limits.MAX_READING_EACH)
        self._under_way = 0
        self._requests = 0
        self._draining = asyncio.Event()
        self._drained = asyncio.Event()
        webhooks = [Route(f"/webhooks/{name}", self._endpoint(name), methods=["POST"]) for name in SENDERS]
        # A provider takes a redirection for a failure; a path with a slash too many is better not there.
        self.routes = Router([*webhooks, Route("/healthz", self._health)], redirect_slashes=False)

    async def _health(self, request: Request) -> Response:
        """Say 200 while this process answers, also while the service is away: it is to live on; 503 as it stops."""
        del request
        if self._draining.is_set():
            return JSONResponse({"service": "stopping"}, NOT_STORED)
        return JSONResponse({"service": "reachable" if self._service.is_reachable else "unreachable"})

    async def drain(self, seconds: float) -> None:
        """Turn away who comes from now on, and return when what is under way is answered, or after ``seconds``."""
        self._draining.set()
        if self._requests:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._drained.wait()

    def _endpoint(self, provider: str) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            started = time.perf_counter()
            correlation_id = f"{random.getrandbits(64):016x}"
            line: dict[str, Any] = {"provider": provider, "size": 0, "remote_address": _address_of(request)}
            answer = await self._answer(request, correlation_id, line)
            line |= {"status": int(answer.status), "reason": answer.reason, "correlation_id": correlation_id}
            line["seconds"] = round(time.perf_counter() - started, 6)
            is_ours = answer.status is NOT_STORED or answer.reason == RATE_LIMITED
            log.log(logging.WARNING if is_ours else logging.INFO, "webhook", extra=line)
            return PlainTextResponse(f"{answer.status.phrase}\n", answer.status, _headers(answer))

        return endpoint

    async def _answer(self, request: Request, correlation_id: str, line: dict[str, Any]) -> Answer:
        if self._draining.is_set():
            return Answer(NOT_STORED, "SHUTTING_DOWN")
        address = line["remote_address"]
        if refusal := self._address_limit.take(address):
            return refusal
        self._requests += 1
        try:
            answer = await self._answer_taken(request, correlation_id, line)
            self._address_limit.note(address, answer)
            return answer
        finally:
            self._requests -= 1
            if self._draining.is_set() and not self._requests:
                self._drained.set()

    async def _answer_taken(self, request: Request, correlation_id: str, line: dict[str, Any]) -> Answer:
        try:
            body = await body_of(request, self._reading)
            line["size"] = len(body)
            sender = SENDERS[line["provider"]]
            arrived = Arrived(sender, body, request.headers.items(), line["remote_address"])
            return await self._pass_on(arrived, correlation_id)
        except TurnedAway as refusal:
            return refusal.answer
        except Exception as error:  # noqa: BLE001 - whatever fails here, the webhook is not stored.
            _complain(error, correlation_id)
            return Answer(NOT_STORED, "UNEXPECTED")

    async def _pass_on(self, arrived: Arrived, correlation_id: str) -> Answer:
        if self._under_way >= limits.MAX_AT_ONCE:
            return Answer(NOT_STORED, "TOO_MANY_AT_ONCE")
        self._under_way += 1
        try:
            return await self._service.ingest(arrived, correlation_id)
        finally:
            self._under_way -= 1


def _headers(answer: Answer) -> dict[str, str] | None:
    if answer.retry_seconds:
        return {"retry-after": str(answer.retry_seconds)}
    return _HEADERS.get(answer.status)


def _address_of(request: Request) -> str:
    """Return the sender's IP address; empty if a proxy names none that is one."""
    try:
        return str(ipaddress.ip_address(request.client.host)) if request.client else ""
    except ValueError:
        return ""


def _complain(error: Exception, correlation_id: str) -> None:
    # Its text may hold what the sender wrote, or the token.
    where = "".join(traceback.format_tb(error.__traceback__))
    said = {"error": type(error).__name__, "where": where, "correlation_id": correlation_id}
    log.error("a webhook could not be passed on", extra=said)
