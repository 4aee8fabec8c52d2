"""A channel of asyncio: follows the same course as one that blocks. For one event loop, that of the first call."""

import asyncio
from contextlib import closing
from typing import Any

import grpc
from google.protobuf.message import Message

from credit_client.connection import Tls, credentials_for, options
from credit_client.failure import Failure, failure_of
from credit_client.methods import Method, serialized
from credit_client.tokens import EXCHANGE, ApiKey, AsyncToken, bearer
from credit_client.tries import Course, Manner, Pause, Result, Send


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
        outcome: Message | Failure | None = None
        with closing(course):
            while True:
                try:
                    next_ = course.send(outcome)
                except StopIteration as done:
                    result: Result = done.value
                    return result
                if isinstance(next_, Pause):
                    await asyncio.sleep(next_.seconds)
                    outcome = None
                else:
                    outcome = await self._send(next_)

    async def close(self) -> None:
        """End the connections, with what is under way."""
        if self._channel is not None:
            await self._channel.close()

    async def _send(self, send: Send) -> Message | Failure:
        metadata = (*await self._authorization(send.method), *send.metadata)
        try:
            answer: Message = await self._call_of(send.method)(send.request, timeout=send.seconds, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return failure_of(error)
        return answer

    async def _authorization(self, method: Method) -> tuple[tuple[str, str], ...]:
        if method.path == EXCHANGE:
            return ()
        token = self._token
        if isinstance(token, ApiKey):
            return bearer(token.token or await self._exchange(token))
        given = token if isinstance(token, str) else token()
        return bearer(given if isinstance(given, str) else await given)

    async def _exchange(self, key: ApiKey) -> str:
        async with self._exchanging:
            # Whoever was here before may have got it.
            return key.token or await self.run(key.exchange(self._manner))

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
