"""Bodies and heads: byte for byte within the limits, and turned away beyond them without being held."""

import gzip
import select
import socket
import time
from collections.abc import Iterator

import pytest

from creditd.webhooks import limits
from tests.support.patience import eventually
from tests.support.webhook_adapter import Adapter, everything

MAX = limits.MAX_BODY_BYTES

HEAD = b"POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\n"


def is_readable(sender: socket.socket, milliseconds: int) -> bool:
    """Wait until something has come, for so long at most. Unlike select, poll takes a descriptor of any number."""
    poll = select.poll()
    poll.register(sender, select.POLLIN)
    return bool(poll.poll(milliseconds))


def chunks(count: int, size: int) -> Iterator[bytes]:
    """Give a body that httpx sends in chunks, without saying how long it is."""
    return (b"x" * size for _ in range(count))


@pytest.mark.requirement("E2")
@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00 no text", gzip.compress(b"{}", mtime=0), b"x" * MAX])
def test_any_bytes_pass_as_they_are(adapter: Adapter, body: bytes) -> None:
    assert adapter.post(content=body).status_code == 200
    assert adapter.service.taken[0].request.body == body


@pytest.mark.requirement("E7")
def test_a_chunked_body_passes_up_to_the_limit(adapter: Adapter) -> None:
    assert adapter.post(content=chunks(4, MAX // 4)).status_code == 200
    assert len(adapter.service.taken[0].request.body) == MAX
    assert adapter.post(content=chunks(5, MAX // 4)).status_code == 413
    assert len(adapter.service.taken) == 1


@pytest.mark.requirement("E7")
def test_one_byte_too_many_is_too_many(adapter: Adapter) -> None:
    assert adapter.post(content=b"x" * (MAX + 1)).status_code == 413
    # The rest of it is thrown away, and the connection goes on.
    assert adapter.post().status_code == 200
    assert len(adapter.service.taken) == 1


@pytest.mark.requirement("E7")
def test_a_body_said_to_be_too_large_is_not_waited_for(adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    # Time enough to send a head on a machine that is busy; what comes after the answer is waited for as long.
    monkeypatch.setattr(limits, "HEAD_SECONDS", 1.0)
    answer = adapter.talk(HEAD + b"Content-Length: 99999999999999999999\r\nExpect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.requirement("E7")
def test_an_endless_body_is_answered_while_it_comes(adapter: Adapter) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = 0
    with adapter.connection(HEAD + b"Transfer-Encoding: chunked\r\n\r\n") as sender:
        while not is_readable(sender, 0):
            sender.sendall(chunk)
            sent += len(chunk)
            assert sent < 64 * MAX
        assert sender.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "deflate"])
def test_a_compressed_body_is_refused_with_what_would_do(adapter: Adapter, coding: str) -> None:
    response = adapter.post(content=gzip.compress(b"{}", mtime=0), headers={"content-encoding": coding})
    assert (response.status_code, response.headers["accept-encoding"]) == (415, "identity")
    assert adapter.service.taken == []


@pytest.mark.parametrize("coding", ["Identity", ""])
def test_a_body_that_says_it_is_not_compressed_passes(adapter: Adapter, coding: str) -> None:
    assert adapter.post(headers={"content-encoding": coding}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: x\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 1\r\nContent-Length: 2\r\n",
        b"Content-Length: 1" + b"0" * 5_000 + b"\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"no colon\r\n",
    ],
)
def test_a_head_that_is_no_http_is_a_bad_request(adapter: Adapter, headers: bytes) -> None:
    answer = adapter.talk(HEAD + headers + b"\r\n{}")
    assert answer.split(b" ", 2)[1] in {b"400", b"501"}
    assert adapter.service.taken == []


def test_a_body_shorter_than_it_says_is_not_passed_on(adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(limits, "BODY_SECONDS", 0.2)
        assert adapter.talk(HEAD + b"Content-Length: 9\r\n\r\n{}").startswith(b"HTTP/1.1 408 ")
    with adapter.connection(HEAD + b"Content-Length: 9\r\n\r\n{}"):
        pass
    assert adapter.post().status_code == 200
    assert len(adapter.service.taken) == 1


def test_what_follows_a_body_is_no_part_of_it(adapter: Adapter) -> None:
    answer = adapter.talk(HEAD + b"Content-Length: 2\r\n\r\n{}and more\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 400 " in answer
    assert [taken.request.body for taken in adapter.service.taken] == [b"{}"]


def test_a_body_that_dribbles_in_ends_in_time(adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.3)
    started = time.monotonic()
    with adapter.connection(HEAD + b"Content-Length: 1000\r\n\r\n") as sender:
        while not is_readable(sender, 10):
            sender.sendall(b"x")
            assert time.monotonic() - started < 20
        answer = everything(sender)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer


def test_a_head_that_dribbles_in_ends_in_time(adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter.hold()
    whole = HEAD + b"Content-Length: 2\r\n\r\n{}"
    with adapter.connection(whole + HEAD) as second:
        eventually(lambda: adapter.service.taken)
        monkeypatch.setattr(limits, "HEAD_SECONDS", 0.2)
        assert adapter.talk(b"") == b""
        assert adapter.talk(HEAD) == b""
        adapter.release()
        # Nor does a first request buy time for the second.
        assert everything(second).count(b"HTTP/1.1 ") == 1


def test_a_request_under_way_outlasts_the_wait_for_a_head(adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 1.0)
    adapter.service.delay_seconds = 1.5
    assert adapter.post().status_code == 200


def test_too_large_a_head_is_turned_away(adapter: Adapter) -> None:
    assert adapter.post(headers={"x-padding": "x" * limits.MAX_HEADERS_BYTES}).status_code in {400, 431}
    assert adapter.talk(HEAD + b"X: " + b"x" * 10 * limits.MAX_HEADERS_BYTES).startswith(b"HTTP/1.1 400 ")
    assert adapter.service.taken == []
