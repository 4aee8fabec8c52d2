"""A channel of asyncio: follows the same course as one that blocks. For one event loop, that of the first call."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import closing
from typing import Any

import grpc
from google.protobuf.message import Message

from credit_client.connection import Tls, credentials_for, options
from credit_client.errors import CreditError
from credit_client.failure import Failure, failure_of
from credit_client.methods import Method, serialized
from credit_client.tokens import EXCHANGE, ApiKey, AsyncToken, bearer, is_refused, no_token
from credit_client.tries import Course, Manner, Pause, Result, Send, seconds_until


class AsyncChannel:
    """Connections to the servers of a target, and the token that calls carry."""

    def __init__(self, target: str, token: AsyncToken, manner: Manner, *, tls: Tls | bool | None) -> None:
        """Connect at the first call: until then there need be no event loop."""
        self._target = target
        self._credentials = credentials_for(target, tls=tls)
        self._token = token
        self._manner = manner
        self._channel: grpc.aio.Channel | None = None
        self._calls: dict[str, Any] = {}
        self._exchanging = asyncio.Lock()

    async def run(self, course: Course[Result]) -> Result:
        """Follow a course to its end, and return its result. Raises CreditError."""
        with closing(course):
            try:
                next_ = course.send(None)
                while True:
                    try:
                        outcome = await self._follow(next_)
                    except Exception as error:  # noqa: BLE001 - the course decides, and raises what it does not take.
                        next_ = course.throw(error)
                    else:
                        next_ = course.send(outcome)
            except StopIteration as done:
                result: Result = done.value
                return result

    async def close(self) -> None:
        """End the connections, with what is under way."""
        if self._channel is not None:
            await self._channel.close()

    async def _follow(self, next_: Send | Pause) -> Message | Failure | None:
        if isinstance(next_, Pause):
            await asyncio.sleep(next_.seconds)
            return None
        return await self._send(next_)

    async def _send(self, send: Send) -> Message | Failure:
        """Make a try. What keeps it from having a token is a failure of it, as any other."""
        end = time.monotonic() + send.seconds
        try:
            token = await self._token_for(send.method, end)
            outcome = await self._try(send, token, end)
            if is_refused(self._token, token, outcome) and (other := await self._token_for(send.method, end)) != token:
                outcome = await self._try(send, other, end)
        except CreditError as error:
            return error.failure
        return outcome

    async def _try(self, send: Send, token: str, end: float) -> Message | Failure:
        metadata = (*bearer(token), *send.metadata)
        call = self._call_of(send.method)
        try:
            answer: Message = await call(send.request, timeout=seconds_until(end), metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return failure_of(error)
        return answer

    async def _token_for(self, method: Method, end: float) -> str:
        source = self._token
        if method.path == EXCHANGE:
            return ""
        if isinstance(source, ApiKey):
            return source.token or await _within(end, self._exchange(source, end))
        given = source if isinstance(source, str) else source()
        return given if isinstance(given, str) else await _within(end, given)

    async def _exchange(self, key: ApiKey, end: float) -> str:
        # While the last one lives, nobody waits for whoever is getting another one.
        if self._exchanging.locked() and (last := key.last):
            return last
        async with self._exchanging:
            # Whoever was here before may have got it.
            return key.token or await self.run(key.exchange(self._manner.observer, seconds_until(end)))

    def _call_of(self, method: Method) -> Any:
        if method.path not in self._calls:
            self._calls[method.path] = self._connected().unary_unary(
                method.path, request_serializer=serialized, response_deserializer=method.answer.FromString
            )
        return self._calls[method.path]

    def _connected(self) -> grpc.aio.Channel:
        if self._channel is None:
            if self._credentials is None:
                self._channel = grpc.aio.insecure_channel(self._target, options=options())
            else:
                self._channel = grpc.aio.secure_channel(self._target, self._credentials, options=options())
        return self._channel


async def _within(end: float, token: Awaitable[str]) -> str:
    """Return a token that comes before an instant. Raises NoAnswer."""
    try:
        async with asyncio.timeout(seconds_until(end)):
            return await token
    except TimeoutError:
        raise no_token() from None
