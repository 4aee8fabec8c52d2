"""Crowds that connect and say little: the provider's webhook and the probe get through all the same."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from creditd.webhooks import limits
from creditd.webhooks.places import Places
from tests.support.patience import eventually
from tests.support.webhook_adapter import SECONDS, Adapter, everything, running_adapter

PLACES, PLACES_EACH = 6, 4

HEAD = b"POST /webhooks/stripe HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n"

STRANGER, ANOTHER = "127.0.0.2", "127.0.0.3"


class Crowd:
    """Connections that say what they are told to, and no more."""

    def __init__(self, adapter: Adapter, open_ones: ExitStack) -> None:
        """Begin with nobody."""
        self._adapter = adapter
        self._open = open_ones

    def comes(self, count: int, says: bytes, address: str = STRANGER) -> list[socket.socket]:
        """Open so many connections from an address."""
        coming = []
        for _ in range(count):
            to = ("127.0.0.1", self._adapter.port)
            coming.append(self._open.enter_context(socket.create_connection(to, SECONDS, (address, 0))))
            coming[-1].sendall(says)
        return coming


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Adapter]:
    """Run an adapter that has few places and all the time in the world."""
    monkeypatch.setattr(limits, "MAX_WAITING", PLACES)
    monkeypatch.setattr(limits, "MAX_WAITING_EACH", PLACES_EACH)
    monkeypatch.setattr(limits, "MAX_READING", PLACES)
    monkeypatch.setattr(limits, "MAX_READING_EACH", PLACES_EACH)
    monkeypatch.setattr(limits, "HEAD_SECONDS", SECONDS)
    monkeypatch.setattr(limits, "BODY_SECONDS", SECONDS)
    with running_adapter() as adapter:
        yield adapter


@pytest.fixture
def crowd(adapter: Adapter) -> Iterator[Crowd]:
    """Return what opens connections; all are closed at the end."""
    with ExitStack() as open_ones:
        yield Crowd(adapter, open_ones)


@pytest.mark.requirement("J5")
@pytest.mark.parametrize("says", [b"", b"POST /webh", HEAD, HEAD + b"x" * 50], ids=["nothing", "start", "head", "body"])
def test_a_crowd_keeps_nobody_out(adapter: Adapter, crowd: Crowd, says: bytes) -> None:
    """Ten times as many as there are places, from two addresses."""
    for address in (STRANGER, ANOTHER):
        crowd.comes(PLACES * 5, says, address)
    assert adapter.post().status_code == 200
    assert adapter.http.get("/healthz").status_code == 200
    assert len(adapter.service.taken) == 1


def test_who_waits_longest_gives_way(crowd: Crowd) -> None:
    """An address loses its own first; those of others stay."""
    (other,) = crowd.comes(1, b"", ANOTHER)
    first, *rest = crowd.comes(PLACES_EACH + 1, b"")
    assert everything(first) == b""
    for staying in (other, *rest):
        staying.settimeout(0.0)
        with pytest.raises(BlockingIOError):
            staying.recv(1)


def test_a_body_that_gives_way_is_told_so(crowd: Crowd) -> None:
    first, *_ = crowd.comes(PLACES_EACH + 1, HEAD)
    assert first.recv(12) == b"HTTP/1.1 408"


def test_a_request_under_way_has_its_connection_for_itself(adapter: Adapter, crowd: Crowd) -> None:
    """It waits for us, not we for it: no crowd takes its place."""
    adapter.hold()
    (caller,) = crowd.comes(1, HEAD + b"x" * 100)
    eventually(lambda: adapter.service.taken, SECONDS)
    crowd.comes(PLACES * 5, b"")
    adapter.release()
    assert caller.recv(12) == b"HTTP/1.1 200"


def test_places_are_given_back() -> None:
    lost: list[str] = []
    places = Places(2, 2)
    for _ in range(100):
        places.take("a", "ann", lambda: lost.append("a"))
        places.leave("a")
        places.leave("a")
    assert (len(places), lost) == (0, [])
    places.take("a", "ann", lambda: lost.append("a"))
    places.take("b", "bob", lambda: lost.append("b"))
    places.take("c", "cid", lambda: lost.append("c"))
    assert (len(places), lost) == (2, ["a"])
