"""A provider's API that fails: on demand it errs, is busy, talks nonsense, is slow or cuts the connection."""

import asyncio
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOK_SECONDS: Final = 0.02
"""Between two looks whether a late answer is wanted now."""


class How(StrEnum):
    """How an API misbehaves."""

    ERROR = "error"
    """Answers 500."""
    BUSY = "busy"
    """Answers 429, and asks with Retry-After to come back in so many seconds."""
    HTML = "html"
    """Answers 200 with a page for people, as a proxy on the way does."""
    TRUNCATED = "truncated"
    """Answers with the first half of the JSON."""
    SLOW = "slow"
    """Answers as it should, so many seconds late, or as soon as it is told to behave."""
    CUT = "cut"
    """Cuts the connection in the middle of its answer."""


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One way to misbehave. With ``after_work`` the request has its effect first: the outcome that nobody knows.

    ``seconds`` is the time that SLOW takes, and what BUSY asks for in whole seconds.
    """

    how: How
    after_work: bool = False
    seconds: float = 0.0


class Misbehaving:
    """An ASGI application around an API. It meets calls with an Authorization header alone: payers send none."""

    def __init__(self, app: ASGIApp) -> None:
        """Behave, until told otherwise."""
        self._app = app
        self._misbehaviour = Misbehaviour(How.ERROR)
        self._left: float = 0
        self._told_to_behave = 0

    def misbehave(self, how: str, *, times: int | None = None, after_work: bool = False, seconds: float = 0.0) -> None:
        """Misbehave for the next so many calls, or until told to behave. Raises ValueError for an unknown ``how``."""
        self._misbehaviour = Misbehaviour(How(how), after_work, seconds)
        self._left = float("inf") if times is None else times

    def behave(self) -> None:
        """Misbehave no more; what is late is answered now."""
        self._left = 0
        self._told_to_behave += 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or misbehave."""
        if self._left < 1 or scope["type"] != "http" or "authorization" not in Headers(scope=scope):
            await self._app(scope, receive, send)
            return
        self._left -= 1
        misbehaviour = self._misbehaviour
        answer = _Answer()
        if misbehaviour.after_work or misbehaviour.how is How.TRUNCATED:
            await self._app(scope, receive, answer.take)
        if misbehaviour.how is How.SLOW:
            await self._be_late(misbehaviour.seconds)
            await (answer.send(send) if misbehaviour.after_work else self._app(scope, receive, send))
        elif misbehaviour.how is How.CUT:
            await send(_PROMISE)
        elif misbehaviour.how is How.TRUNCATED:
            await answer.send(send, share=0.5)
        else:
            await _refusal(misbehaviour)(scope, receive, send)

    async def _be_late(self, seconds: float) -> None:
        # Looked at again and again, as it may be told so on any thread.
        end, told = time.monotonic() + seconds, self._told_to_behave
        while told == self._told_to_behave and (left := end - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, LOOK_SECONDS))


_PROMISE: Final[Message] = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
"""The server closes the connection when the application ends before it has sent what it promised."""


def _refusal(misbehaviour: Misbehaviour) -> Response:
    match misbehaviour.how:
        case How.BUSY:
            wait = {"retry-after": str(round(misbehaviour.seconds))}
            return JSONResponse({"message": "too many requests"}, 429, wait)
        case How.HTML:
            return HTMLResponse("<!DOCTYPE html><title>We will be back soon</title>")
        case _:
            return JSONResponse({"message": "something went wrong"}, 500)


@dataclass
class _Answer:
    """What the application answered, kept back."""

    start: Message = field(default_factory=dict)
    body: bytes = b""

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.body += message.get("body", b"")

    async def send(self, send: Send, share: float = 1.0) -> None:
        body = self.body[: int(len(self.body) * share)]
        kept = [(name, value) for name, value in self.start["headers"] if name.lower() != b"content-length"]
        await send({**self.start, "headers": [*kept, (b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})
