"""A channel that blocks: follows the course of calls by gRPC's blocking channel. Safe to use by several threads."""

import time
from contextlib import closing
from threading import Lock
from typing import Any

import grpc
from google.protobuf.message import Message

from credit_client.connection import Tls, credentials_for, options
from credit_client.failure import Failure, failure_of
from credit_client.methods import Method, serialized
from credit_client.tokens import EXCHANGE, ApiKey, Token, bearer
from credit_client.tries import Course, Manner, Pause, Result, Send


class Channel:
    """Connections to the servers of a target, and the token that calls carry."""

    def __init__(self, target: str, token: Token, manner: Manner, *, tls: Tls | bool | None) -> None:
        """Connect at the first call."""
        credentials = credentials_for(target, tls=tls)
        if credentials is None:
            self._channel = grpc.insecure_channel(target, options=options())
        else:
            self._channel = grpc.secure_channel(target, credentials, options=options())
        self._token = token
        self._manner = manner
        self._calls: dict[str, Any] = {}
        self._exchanging = Lock()

    def run(self, course: Course[Result]) -> Result:
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
                    time.sleep(next_.seconds)
                    outcome = None
                else:
                    outcome = self._send(next_)

    def close(self) -> None:
        """End the connections, with what is under way."""
        self._channel.close()

    def _send(self, send: Send) -> Message | Failure:
        metadata = (*self._authorization(send.method), *send.metadata)
        try:
            answer: Message = self._call_of(send.method)(send.request, timeout=send.seconds, metadata=metadata)
        except grpc.RpcError as error:
            return failure_of(error)
        return answer

    def _authorization(self, method: Method) -> tuple[tuple[str, str], ...]:
        if method.path == EXCHANGE:
            return ()
        token = self._token
        if isinstance(token, ApiKey):
            return bearer(token.token or self._exchange(token))
        return bearer(token if isinstance(token, str) else token())

    def _exchange(self, key: ApiKey) -> str:
        with self._exchanging:
            # Whoever was here before may have got it.
            return key.token or self.run(key.exchange(self._manner))

    def _call_of(self, method: Method) -> Any:
        if method.path not in self._calls:
            self._calls[method.path] = self._channel.unary_unary(
                method.path, request_serializer=serialized, response_deserializer=method.answer.FromString
            )
        return self._calls[method.path]
