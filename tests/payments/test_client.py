"""A provider that is slow, endless or talks nonsense keeps nobody waiting for ever."""

import asyncio
from collections.abc import AsyncIterator

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
