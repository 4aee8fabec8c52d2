"""Those who mean harm: what somebody without a token, or with one of a USER's, can send.

Each attack runs in a process of its own (`python -m tests.faults.attackers`), so that it slows nobody else's down.
"""

import json
import os
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass

from tests.faults.probe import READY
from tests.support.http2 import Connection
from tests.support.raw_http2 import LARGEST_FRAME, RawConnection, half_a_call

COMMAND = (sys.executable, "-m", "tests.faults.attackers")
END_SECONDS = 20.0

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


def _until(target: Target) -> Iterator[None]:
    end = time.monotonic() + target.seconds
    while time.monotonic() < end:
        yield


@contextmanager
def attacked(attack: str, target: Target) -> Iterator[list[str]]:
    """Begin an attack; when the block ends it has come to its end as well, and what came of it is in the list."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        COMMAND, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"attack": attack, "target": asdict(target)}) + "\n")
        process.stdin.flush()
        assert process.stdout.readline().strip() == READY
        evidence: list[str] = []
        try:
            yield evidence
            process.wait(target.seconds + END_SECONDS)
        finally:
            process.kill()
        evidence.append(process.stdout.read().strip())
        assert process.returncode == 0


OPENINGS_A_SECOND = 1_000
"""Beside those that a crowd begins with. Without a limit an attacker takes 12,000 a second on two cores, and the
processor with them, from everybody on the machine: that is no matter of places."""


class Crowd:
    """Connections that are opened again when the other side has closed them."""

    def __init__(self, size: int, address: str, opened: Callable[[socket.socket], object]) -> None:
        """Keep ``size`` connections to ``host:port``; ``opened`` sends on each what it begins with."""
        host, _, port = address.rpartition(":")
        self._address = host, int(port)
        self._size = size
        self._opened = opened
        self.number = 0
        self._selector = selectors.DefaultSelector()
        self.count: Counter[str] = Counter()

    def go_on(self, target: Target, pause_seconds: float = 0.02) -> str:
        """Keep at it for the target's seconds."""
        began = time.monotonic()
        for _ in _until(target):
            allowed = self._size + OPENINGS_A_SECOND * (time.monotonic() - began)
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


def flood(target: Target, connections: int, calls: int, token: str = "", path: str = BALANCE) -> str:
    """Keep so many calls outstanding on each of so many connections, and open those again that are closed."""
    ended: Counter[str] = Counter()
    selector = selectors.DefaultSelector()
    port = int(target.server.rpartition(":")[2])

    def begin() -> None:
        connection: Connection[int] = Connection(port, token.removeprefix("Bearer "), "10S")
        selector.register(connection, selectors.EVENT_READ, connection)
        for number in range(calls):
            connection.call(path, b"", number)
        connection.flush()

    def go_on(connection: "Connection[int]") -> None:
        for answer in connection.receive():
            ended[str(answer.status)] += 1
            connection.call(path, b"", answer.caller)
        connection.flush()

    for _ in _until(target):
        with suppress(OSError):
            while len(selector.get_map()) < connections:
                begin()
        for key, _ in selector.select(0.1):
            try:
                go_on(key.data)
            except OSError:
                ended["closed"] += 1
                selector.unregister(key.data)
                key.data.close()
    return f"calls ended {dict(ended)}"


def validation_bomb(target: Target) -> str:
    """A request whose every element is wrong, of a megabyte and of what the method takes, again and again."""
    ended: Counter[int] = Counter()
    for _ in _until(target):
        with suppress(OSError), RawConnection(target.server, target.token) as connection:
            ends = connection.ends()
            account = b"\x0a" + bytes((len(target.account_id),)) + target.account_id.encode()
            for size in (15_000, 1_000_000):
                # Field 3, packed: `kinds`, each a number that is none of the enumeration.
                kinds = b"\x1a" + _varint(size) + b"\x63" * size
                connection.call(TRANSACTIONS, account + kinds)
                ended[next(ends)[1]] += 1
    return f"calls ended {dict(ended)}"


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*encoded, number))


def megabytes_of_headers(target: Target) -> str:
    """Headers of three megabytes, and of what is allowed but ever new, without a token."""
    ended: Counter[int] = Counter()
    for number, _ in enumerate(_until(target)):
        with suppress(OSError, StopIteration), RawConnection(target.server) as connection:
            ends = connection.ends()
            for size in (3_000_000, 15_000, 15_000, 15_000):
                connection.begin(BALANCE, more=[(b"accept-language", str(number).encode() + b"th," * (size // 3))])
                ended[next(ends)[1]] += 1
    return f"calls ended {dict(ended)}"


def unfinished_messages(target: Target) -> str:
    """Messages of up to 8 MB on 20 connections, without their last byte, with a token and without."""
    with ExitStack() as stack:
        begun = 0
        for number in range(20):
            connection = stack.enter_context(RawConnection(target.server, target.token if number % 2 else ""))
            connection.socket.settimeout(0)
            # Until the server takes no more of it.
            with suppress(OSError):
                for size in [8_000_000, 1_000_000, 15_000] * 60:
                    connection.say(connection.begin(BALANCE), size, bytes(min(size - 1, 8 * LARGEST_FRAME)))
                    begun += 1
        for _ in _until(target):
            time.sleep(0.1)
    return f"{begun} messages begun"


def idle_connections(target: Target) -> str:
    """As many connections as a process can have files: some silent, some with half a call."""

    def opened(connection: socket.socket) -> None:
        if crowd.number % 2:
            connection.sendall(begun)

    begun = half_a_call(target.server, BALANCE)
    crowd = Crowd(1_200, target.server, opened)
    return crowd.go_on(target)


def watch_streams(target: Target) -> str:
    """More watch streams of one USER than a server has."""
    message = b"\x0a" + bytes((len(target.account_id),)) + target.account_id.encode() + b"\x12\x04spec"
    kinds: Counter[int] = Counter()
    with ExitStack() as stack:
        connections = [stack.enter_context(RawConnection(target.server, target.token)) for _ in range(20)]
        selector = selectors.DefaultSelector()
        for connection in connections:
            for _ in range(100):
                connection.call(WATCH, message)
            selector.register(connection.socket, selectors.EVENT_READ, connection.frames())
        for _ in _until(target):
            for key, _ in selector.select(0.1):
                kinds[next(key.data).kind] += 1
    return f"{100 * len(connections)} streams begun, frames seen by kind {dict(kinds)}"


def half_requests_for_metrics(target: Target) -> str:
    """Requests for metrics that never end."""
    crowd = Crowd(900, target.metrics, lambda connection: connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n"))
    return crowd.go_on(target)


def slow_webhooks(target: Target) -> str:
    """Connections to the adapter that are silent, that dribble a head, and that dribble a body."""

    def opened(connection: socket.socket) -> None:
        connection.sendall(beginnings[crowd.number % len(beginnings)])

    head = b"POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\n"
    beginnings = (b"", head, head + b"Content-Length: 1000\r\n\r\n{")
    crowd = Crowd(900, target.adapter, opened)
    return crowd.go_on(target)


ATTACKS: dict[str, tuple[Attack, float]] = {
    "a million wrong elements, a USER's token": (validation_bomb, 60),
    "megabytes of headers, no token": (megabytes_of_headers, 120),
    "a flood of calls on 2 connections, no token": (lambda target: flood(target, 2, 256), 60),
    "unfinished messages on 20 connections": (unfinished_messages, 100),
    "1,200 idle connections and half calls at 1,024 files": (idle_connections, 100),
    "one USER's watch streams": (watch_streams, 100),
    "half requests for metrics": (half_requests_for_metrics, 60),
    "slow connections to the adapter": (slow_webhooks, 60),
}
"""What can be sent, and by how many megabytes the processes attacked may grow together at most."""

NOTICED = {
    "1,200 idle connections and half calls at 1,024 files",
    "one USER's watch streams",
    "half requests for metrics",
}
"""Attacks during which no call of others fails and memory stays, and yet some calls wait longer than they should
(docs/decisions/0029)."""


def main() -> None:
    """Attack what the first line of standard input says."""
    told = json.loads(sys.stdin.readline())
    attack, _ = ATTACKS[told["attack"]]
    print(READY, flush=True)
    print(attack(Target(**told["target"])), flush=True)


if __name__ == "__main__":
    main()
