"""A call that runs on the event loop: streams, health, reflection, and every method that is not hot."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, NoReturn

import grpc

from creditd.server.contexts import Admitted
from creditd.server.transport import core, departures
from creditd.server.transport.hot_call import PollingThread

log = logging.getLogger(__name__)


class _Aborted(Exception):
    """The handler has ended the call with a status."""


class LoopCall:
    """One call on the event loop, and what its handler has as its context, as in ``grpc.aio.ServicerContext``."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        thread: PollingThread,
        event: core.Event,
        handler: Any,
        admitted: Admitted | None,
    ) -> None:
        """Begin it on ``loop``. For the polling thread, which may have authenticated its caller: ``admitted``."""
        self._loop = loop
        self._thread = thread
        self._call = event.call
        self._deadline: float = event.call_details.deadline
        self._metadata = event.invocation_metadata
        self._handler = handler
        self.admitted = admitted
        self.answer_bytes = 0
        self._serialize: Callable[[Any], bytes] = bytes
        self._deserialize: Callable[[bytes], Any] = bytes
        self._trailing: core.Trailing = None
        self._status: tuple[grpc.StatusCode, str] | None = None
        self._has_begun = self._has_ended = self._is_over = False
        self._task: asyncio.Task[None] | None = None
        loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._run())
        core.watch_end(self._call, self._take_end)

    def _take_end(self, event: core.Event) -> None:
        self._is_over = True
        self._thread.departures.expect_no_more(self)
        self._loop.call_soon_threadsafe(self._hear_of_end, event)

    @property
    def subject(self) -> str:
        """Who calls; empty for a stranger, and where nobody is asked."""
        return self.admitted.caller.subject if self.admitted else ""

    def reset(self) -> None:
        """End it, whatever becomes of its answer."""
        core.reset(self._call)

    def _on_loop(self, hear: Callable[[Any], None]) -> core.Tag:
        """Return a tag for what is to be heard on the event loop."""
        return lambda event: self._loop.call_soon_threadsafe(hear, event)

    def _hear_of_end(self, event: core.Event) -> None:
        if core.is_cancelled(event) and self._task is not None and not self._has_ended:
            self._task.cancel()

    def invocation_metadata(self) -> Any:
        """Return what the caller sent along."""
        return self._metadata

    def time_remaining(self) -> float | None:
        """Return the seconds to the deadline, less than 0 once it has passed; None without one."""
        return core.seconds_to(self._deadline)

    def peer(self) -> str:
        """Return where the caller is."""
        return core.peer_of(self._call)

    def auth_context(self) -> core.AuthContext:
        """Return what TLS says of the caller."""
        return core.auth_context(self._call)

    def set_trailing_metadata(self, trailing: core.Trailing) -> None:
        """Send this with the status."""
        self._trailing = trailing

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing: core.Trailing = None) -> NoReturn:
        """End the call with a status; raises, so that the handler goes no further."""
        self._status = code, details
        self._trailing = trailing or self._trailing
        raise _Aborted

    async def read(self) -> Any:
        """Receive one message; ``grpc.aio.EOF`` when there are no more."""
        message = await self._done(lambda tag: core.receive_message(self._call, tag), core.message_of)
        return grpc.aio.EOF if message is None else self._deserialize(message)

    async def write(self, message: Any) -> None:
        """Send one message of a stream."""
        data, is_first = self._serialize(message), not self._has_begun
        self._has_begun = True
        lateness = self._loop.call_later(departures.TAKEN_SECONDS, self.reset)
        try:
            is_taken = await self._done(lambda tag: core.send(self._call, data, tag, is_first=is_first), _succeeded)
        finally:
            lateness.cancel()
        if not is_taken:
            # The caller has gone.
            raise asyncio.CancelledError

    async def _done(self, start: Callable[[core.Tag], None], result: Callable[[core.Event], Any]) -> Any:
        """Start an operation, and return the ``result`` of its event."""
        future = self._loop.create_future()

        def hear(event: core.Event) -> None:
            if not future.done():
                future.set_result(result(event))

        start(self._on_loop(hear))
        return await future

    async def _run(self) -> None:
        answer: bytes | None = None
        try:
            answer = await self._behave()
        except _Aborted:
            pass
        except asyncio.CancelledError:
            self._status = grpc.StatusCode.CANCELLED, ""
        except Exception:
            log.exception("a handler failed")
            self._status = grpc.StatusCode.INTERNAL, "internal error"
        self._has_ended = True
        message = None if self._status else answer
        self._thread.post(lambda: self._end(message))

    def _end(self, message: bytes | None) -> None:
        """Answer, on the polling thread."""
        if not self._is_over:
            self.answer_bytes = len(message) if message else 0
            self._thread.departures.expect(self)
        core.end(self._call, message, self._status, self._trailing, _hear_nothing, is_first=not self._has_begun)

    async def _behave(self) -> bytes | None:
        handler = self._handler
        self._deserialize = handler.request_deserializer or bytes
        self._serialize = handler.response_serializer or bytes
        argument = self._requests() if handler.request_streaming else await self.read()
        if argument is grpc.aio.EOF:
            self._status = grpc.StatusCode.UNIMPLEMENTED, "exactly one request message is required"
            return None
        if not handler.response_streaming:
            behavior = handler.stream_unary if handler.request_streaming else handler.unary_unary
            answer = await behavior(argument, self)
            return None if answer is None else self._serialize(answer)
        behavior = handler.stream_stream if handler.request_streaming else handler.unary_stream
        responses = behavior(argument, self)
        if hasattr(responses, "__aiter__"):
            async for response in responses:
                await self.write(response)
        else:
            await responses
        return None

    async def _requests(self) -> AsyncIterator[Any]:
        while (message := await self.read()) is not grpc.aio.EOF:
            yield message


def _hear_nothing(event: core.Event) -> None:
    """Hear that the status is sent: nothing is left to be done."""


def _succeeded(event: core.Event) -> bool:
    return bool(event.success)
