"""A connection to Redis: one command and one answer at a time, each within a time and a size.

What it speaks is the part of RESP2 that a login and a script need (https://redis.io/docs/latest/develop/reference/protocol-spec/).
"""

import socket
import ssl
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from creditd.addresses import is_loopback
from creditd.certificates import CIPHERS

USUAL_PORT: Final = 6_379

MAX_DATABASES: Final = 65_536
"""Redis has 16 unless it is told otherwise."""

ANSWER_SECONDS: Final = 1.0
"""For a connection, and for each answer as a whole: one that arrives byte by byte ends, too. Redis answers in less than
a millisecond, and stands still for some hundred while it forks to save a large set of data."""

MAX_ANSWER_BYTES: Final = 262_144
"""What is known of a thousand callers takes at most 100 kB."""

MAX_LINE_BYTES: Final = 1_024
"""The head of an answer, or what Redis has against a command: it quotes some of it."""

READ_BYTES: Final = 65_536

_LOGIN_CODES: Final = frozenset({b"NOAUTH", b"WRONGPASS", b"NOPERM"})


class RedisFailure(Exception):
    """Redis did not do what it was asked for; another try may get past it."""


class LoginRefused(RedisFailure):
    """Redis wants another user name or password, or the user may not do this."""


class CommandRefused(RedisFailure):
    """Redis has something against a command: it is loading, a replica, or out of memory."""


class UnreadableAnswer(RedisFailure):
    """What answered is no Redis, or says what was not asked for."""


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """Where a Redis is, and as whom to log in there; without a password as nobody."""

    host: str
    port: int
    is_encrypted: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    database: int = 0


def redis_place(url: str) -> RedisPlace:
    """Return what ``redis://`` or ``rediss://user:password@host:port/database`` says; the latter speaks TLS.

    Raises ValueError, which quotes nothing, also for one without TLS that is not on this machine.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or USUAL_PORT
    except ValueError:
        # It would quote what it could not read, such as a password with a character that is none of a URL.
        raise ValueError("a URL") from None
    database = parts.path.removeprefix("/") or "0"
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("a URL")
    if not database.isdecimal() or int(database) >= MAX_DATABASES:
        raise ValueError("a database")
    is_encrypted = parts.scheme == "rediss"
    if not is_encrypted and not is_loopback(f"{parts.hostname}:0"):
        raise ValueError("TLS")
    return RedisPlace(
        parts.hostname,
        port,
        is_encrypted,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        int(database),
    )


class RedisConnection:
    """A connection that is logged in. Used by one thread."""

    def __init__(self, place: RedisPlace, ca_file: str = "", answer_seconds: float = ANSWER_SECONDS) -> None:
        """Connect and log in; ``ca_file``, in PEM, says whose certificate is believed, else the system does.

        Blocks, for ``answer_seconds`` for each address of the host and each step of the login. Raises OSError,
        RedisFailure.
        """
        self._answer_seconds = answer_seconds
        self._end = 0.0
        self._received = bytearray()
        self._socket = socket.create_connection((place.host, place.port), answer_seconds)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if place.is_encrypted:
                # Made for each connection: a file that was renewed is read again.
                self._socket = _context(ca_file).wrap_socket(self._socket, server_hostname=place.host)
            self._log_in(place)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Return itself, to be closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        del kind, error, traceback
        self.close()

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def ask(self, *words: bytes) -> bytes:
        """Send a command, and return what its answer says, which is one value.

        Blocks, for ``answer_seconds`` at most. Raises OSError, RedisFailure; the connection is of no use after that.
        """
        self._end = time.monotonic() + self._answer_seconds
        self._send(b"".join((b"*%d\r\n" % len(words), *(b"$%d\r\n%b\r\n" % (len(word), word) for word in words))))
        head = self._line()
        kind, rest = head[:1], head[1:]
        if kind == b"-":
            raise (LoginRefused if rest.partition(b" ")[0] in _LOGIN_CODES else CommandRefused)
        if kind == b"+":
            return rest
        if kind != b"$" or not rest.isdigit() or int(rest) > MAX_ANSWER_BYTES:
            raise UnreadableAnswer
        return self._text(int(rest))

    def _log_in(self, place: RedisPlace) -> None:
        if place.password:
            words = (place.username, place.password) if place.username else (place.password,)
            try:
                self.ask(b"AUTH", *(word.encode() for word in words))
            except CommandRefused:
                # Older versions have no code of their own for it.
                raise LoginRefused from None
        if place.database:
            self.ask(b"SELECT", b"%d" % place.database)

    def _send(self, command: bytes) -> None:
        left = memoryview(command)
        while left:
            self._socket.settimeout(self._seconds_left())
            left = left[self._socket.send(left) :]

    def _line(self) -> bytes:
        while b"\r\n" not in self._received:
            if len(self._received) > MAX_LINE_BYTES:
                raise UnreadableAnswer
            self._receive()
        line, _, rest = self._received.partition(b"\r\n")
        self._received = rest
        return bytes(line)

    def _text(self, size: int) -> bytes:
        while len(self._received) < size + 2:
            self._receive()
        text = bytes(self._received[:size])
        # One command at a time: nothing may follow its answer.
        if self._received[size:] != b"\r\n":
            raise UnreadableAnswer
        self._received.clear()
        return text

    def _receive(self) -> None:
        self._socket.settimeout(self._seconds_left())
        received = self._socket.recv(READ_BYTES)
        if not received:
            raise ConnectionResetError
        self._received += received

    def _seconds_left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _context(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    return context
