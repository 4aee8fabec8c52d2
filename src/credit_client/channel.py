"""A channel that blocks: follows the course of calls by gRPC's blocking channel. Safe to use by several threads."""

import time
from contextlib import closing
from threading import Lock
from typing import Any

import grpc
from google.protobuf.message import Message

from credit_client.connection import Tls, credentials_for, options
from credit_client.errors import CreditError
from credit_client.failure import Failure, failure_of
from credit_client.methods import Method, serialized
from credit_client.tokens import EXCHANGE, ApiKey, Token, bearer, is_refused, no_token
from credit_client.tries import Course, Manner, Pause, Result, Send, seconds_until


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
        with closing(course):
            try:
                next_ = course.send(None)
                while True:
                    try:
                        outcome = self._follow(next_)
                    except Exception as error:  # noqa: BLE001 - the course decides, and raises what it does not take.
                        next_ = course.throw(error)
                    else:
                        next_ = course.send(outcome)
            except StopIteration as done:
                result: Result = done.value
                return result

    def close(self) -> None:
        """End the connections, with what is under way."""
        self._channel.close()

    def _follow(self, next_: Send | Pause) -> Message | Failure | None:
        if isinstance(next_, Pause):
            time.sleep(next_.seconds)
            return None
        return self._send(next_)

    def _send(self, send: Send) -> Message | Failure:
        """Make a try. What keeps it from having a token is a failure of it, as any other."""
        end = time.monotonic() + send.seconds
        try:
            token = self._token_for(send.method, end)
            outcome = self._try(send, token, end)
            if is_refused(self._token, token, outcome) and (other := self._token_for(send.method, end)) != token:
                outcome = self._try(send, other, end)
        except CreditError as error:
            return error.failure
        return outcome

    def _try(self, send: Send, token: str, end: float) -> Message | Failure:
        metadata = (*bearer(token), *send.metadata)
        call = self._call_of(send.method)
        try:
            answer: Message = call(send.request, timeout=seconds_until(end), metadata=metadata)
        except grpc.RpcError as error:
            return failure_of(error)
        return answer

    def _token_for(self, method: Method, end: float) -> str:
        source = self._token
        if method.path == EXCHANGE:
            return ""
        if isinstance(source, ApiKey):
            return source.token or self._exchange(source, end)
        return source if isinstance(source, str) else source()

    def _exchange(self, key: ApiKey, end: float) -> str:
        # While the last one lives, nobody waits for whoever is getting another one.
        if self._exchanging.locked() and (last := key.last):
            return last
        if not self._exchanging.acquire(timeout=seconds_until(end)):
            raise no_token()
        try:
            # Whoever was here before may have got it.
            return key.token or self.run(key.exchange(self._manner.observer, seconds_until(end)))
        finally:
            self._exchanging.release()

    def _call_of(self, method: Method) -> Any:
        if method.path not in self._calls:
            self._calls[method.path] = self._channel.unary_unary(
                method.path, request_serializer=serialized, response_deserializer=method.answer.FromString
            )
        return self._calls[method.path]
