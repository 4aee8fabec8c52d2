"""What an attack needs: whom it is for, how long it goes on, and connections without end."""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

BALANCE = "/credit.v1.CreditService/GetBalance"
TRANSACTIONS = "/credit.v1.CreditService/ListTransactions"
WATCH = "/credit.v1.CreditService/WatchBalance"


@dataclass(frozen=True)
class Target:
    """What is attacked: addresses as ``host:port``, and the token of one USER whose account is his own subject."""

    server: str
    metrics: str
    adapter: str
    token: str
    account_id: str
    seconds: float


Attack = Callable[[Target], str]
"""Goes on for the target's seconds, and returns what came of it in short."""


def until(target: Target) -> Iterator[None]:
    """Yield again and again until the target's seconds are over."""
    end = time.monotonic() + target.seconds
    while time.monotonic() < end:
        yield


OPENINGS_A_SECOND = 1_000
"""Beside those that a crowd begins with. Without a limit an attacker takes 12,000 a second on two cores, and the
processor with them, from everybody on the machine: that is no matter of places."""


class Crowd:
    """Connections that are opened again when the other side has closed them."""

    def __init__(
        self, size: int, address: str, opened: Callable[[socket.socket], object], *, at_first: int | None = None
    ) -> None:
        """Keep ``size`` connections to ``host:port``; ``opened`` sends on each what it begins with.

        ``at_first`` of them are opened at once, or else all.
        """
        host, _, port = address.rpartition(":")
        self._address = host, int(port)
        self._size = size
        self._at_first = size if at_first is None else at_first
        self._opened = opened
        self.number = 0
        self._selector = selectors.DefaultSelector()
        self.count: Counter[str] = Counter()

    def go_on(self, target: Target, pause_seconds: float = 0.02) -> str:
        """Keep at it for the target's seconds."""
        began = time.monotonic()
        for _ in until(target):
            allowed = self._at_first + OPENINGS_A_SECOND * (time.monotonic() - began)
            while len(self._selector.get_map()) < self._size and self.number < allowed and self._open():
                pass
            for key, _ in self._selector.select(pause_seconds):
                self._read(key.fileobj)
        held = len(self._selector.get_map())
        return f"{self.count['opened']} connections opened, {self.count['closed']} of them closed on us, {held} held"

    def _open(self) -> bool:
        connection = socket.socket()
        connection.settimeout(1.0)
        try:
            connection.connect(self._address)
            self.number += 1
            self._opened(connection)
        except OSError:
            connection.close()
            self.count["refused"] += 1
            return False
        connection.settimeout(0)
        self._selector.register(connection, selectors.EVENT_READ)
        self.count["opened"] += 1
        return True

    def _read(self, connection: object) -> None:
        assert isinstance(connection, socket.socket)
        try:
            if connection.recv(65_536):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._selector.unregister(connection)
        connection.close()
        self.count["closed"] += 1
