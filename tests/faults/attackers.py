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
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict

from creditd.open_files import raise_open_files
from tests.faults.attack import BALANCE, TRANSACTIONS, WATCH, Attack, Crowd, Target, until
from tests.faults.connection_attacks import idle_crowd, rapid_resets, untaken_answers
from tests.faults.probe import READY
from tests.support.http2 import Connection
from tests.support.raw_http2 import LARGEST_FRAME, RawConnection, half_a_call

COMMAND = (sys.executable, "-m", "tests.faults.attackers")
END_SECONDS = 20.0


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

    for _ in until(target):
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
    for _ in until(target):
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
    for number, _ in enumerate(until(target)):
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
        for _ in until(target):
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
    opened = 0
    with ExitStack() as stack, selectors.DefaultSelector() as selector:

        def open_one() -> None:
            connection = stack.enter_context(RawConnection(target.server, target.token))
            for _ in range(100):
                connection.call(WATCH, message)
            selector.register(connection.socket, selectors.EVENT_READ, connection.frames())

        for _ in until(target):
            # So many refused at once may end a connection: there is always another one.
            while len(selector.get_map()) < 20:
                open_one()
                opened += 1
            for key, _ in selector.select(0.1):
                frame = next(key.data, None)
                if frame is None:
                    selector.unregister(key.fileobj)
                else:
                    kinds[frame.kind] += 1
    return f"{100 * opened} streams begun on {opened} connections, frames seen by kind {dict(kinds)}"


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
    "5,000 resets a second, no token": (lambda target: rapid_resets(target, ""), 60),
    "5,000 resets a second, a USER's token": (lambda target: rapid_resets(target, target.token), 60),
    "answers that one USER does not take": (untaken_answers, 60),
    "1,200 idle connections and half calls at 1,024 files": (idle_connections, 100),
    "one USER's watch streams": (watch_streams, 100),
    "half requests for metrics": (half_requests_for_metrics, 60),
    "slow connections to the adapter": (slow_webhooks, 60),
}
"""What can be sent, and by how many megabytes the processes attacked may grow together at most."""

IDLE_CROWD = "10,000 idle connections, half of them with a token"

_ALL = {name: attack for name, (attack, _) in ATTACKS.items()} | {IDLE_CROWD: idle_crowd}

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
    attack = _ALL[told["attack"]]
    raise_open_files()
    print(READY, flush=True)
    print(attack(Target(**told["target"])), flush=True)


if __name__ == "__main__":
    main()
