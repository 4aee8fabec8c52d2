"""A provider that is slow, endless or talks nonsense keeps nobody waiting for ever."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from creditd.payments import client
from creditd.payments.client import MAX_ANSWER_BYTES, Client
from creditd.payments.provider import CallFailed


def read(answer: httpx.AsyncByteStream) -> dict[str, object]:
    """Call an API whose answers have this body."""

    async def call() -> dict[str, object]:
        api = Client(
            "https://api.example", {}, transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=answer))
        )
        try:
            return await api.get("/thing")
        finally:
            await api.close()

    return asyncio.run(call())


class Body(httpx.AsyncByteStream):
    """A body that comes in pieces, and counts how many were asked for."""

    def __init__(self, piece: bytes, pause_seconds: float = 0.0) -> None:
        """Repeat a piece without end."""
        self.asked = 0
        self._piece = piece
        self._pause_seconds = pause_seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give piece after piece."""
        while True:
            self.asked += 1
            await asyncio.sleep(self._pause_seconds)
            yield self._piece


def test_an_answer_that_comes_byte_by_byte_ends_with_the_time_for_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CALL_SECONDS", 0.05)
    monkeypatch.setattr(client, "FIRST_PAUSE_SECONDS", 0.0)
    with pytest.raises(CallFailed, match="TimeoutError"):
        read(Body(b" ", pause_seconds=0.001))


def test_no_more_is_read_than_an_answer_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE_SECONDS", 0.0)
    body = Body(b"x" * 1024 * 1024)
    with pytest.raises(CallFailed, match="without a JSON object"):
        read(body)
    assert body.asked <= client.TRIES * (MAX_ANSWER_BYTES // (1024 * 1024) + 1)


def test_an_answer_that_leads_elsewhere_is_not_followed() -> None:
    """It would be handed the key."""
    with socket.create_server(("127.0.0.1", 0)) as provider, socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0)
        answer = f"HTTP/1.1 302 Found\r\nLocation: {url_of(elsewhere)}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(answer_once, provider, answer)
            assert get(provider, {"x-version": "7"}, auth=("key", "")) == {}
            request = asked.result()
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    assert request.startswith(b"GET /v1/thing HTTP/1.1\r\n")
    assert b"x-version: 7\r\n" in request.lower()
    assert b"authorization: basic a2v5og==\r\n" in request.lower()


def test_who_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the system takes the connection: a provider that hangs."""
    monkeypatch.setattr(client, "READ_SECONDS", 0.05)
    monkeypatch.setattr(client, "FIRST_PAUSE_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(CallFailed, match="ReadTimeout"):
        get(silent)


def test_who_takes_no_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CONNECT_SECONDS", 0.05)
    monkeypatch.setattr(client, "FIRST_PAUSE_SECONDS", 0.0)
    with full_listener() as full, pytest.raises(CallFailed, match="ConnectTimeout"):
        get(full)


def get(listener: socket.socket, headers: dict[str, str] | None = None, **options: Any) -> dict[str, Any]:
    """Read something from an API behind a socket that listens."""

    async def call() -> dict[str, Any]:
        api = Client(f"{url_of(listener)}/v1", headers or {}, **options)
        try:
            return await api.get("/thing")
        finally:
            await api.close()

    return asyncio.run(call())


def url_of(listener: socket.socket) -> str:
    """Return where a socket listens."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def answer_once(listener: socket.socket, answer: bytes) -> bytes:
    """Answer one request, and return it."""
    caller, _ = listener.accept()
    with caller:
        request = caller.recv(65_536)
        caller.sendall(answer)
        return request


@contextmanager
def full_listener() -> Iterator[socket.socket]:
    """Provide a listener that has no place for another connection: the system drops whoever knocks."""
    with ExitStack() as held:
        listener = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):
            one = held.enter_context(socket.socket())
            one.settimeout(0)
            one.connect_ex(listener.getsockname())
        yield listener
