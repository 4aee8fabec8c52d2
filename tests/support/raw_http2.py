"""HTTP/2 by hand, for what no proper client sends: calls that stop half-way, headers without end, silence."""

import socket
import struct
from collections.abc import Iterator, Sequence
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Final, NamedTuple, Self

from tests.support.hpack import HeaderTable, grpc_status
from tests.support.patience import patience

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_STREAM = ACK = 1
END_HEADERS = 4
LARGEST_FRAME: Final = 16_384
PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MAX_CONCURRENT_STREAMS: Final = 3
"""The number of this setting (RFC 9113, 6.5.2)."""

PATIENCE_SECONDS: Final = patience(20.0)
RESET: Final = -2
"""Stands for the status of a call that was reset without one."""

_DROPPED_BYTES: Final = 1 << 20

FRAME: Final = struct.Struct(">IBI")
_SETTING: Final = struct.Struct(">HI")
_NO_TABLE: Final = _SETTING.pack(1, 0)

CANCEL: Final = (8).to_bytes(4, "big")
"""The error code of a stream that is not needed any more (RFC 9113, 7)."""

NO_WINDOW: Final = _SETTING.pack(4, 0)
"""SETTINGS_INITIAL_WINDOW_SIZE: no message of the server's fits."""


class Frame(NamedTuple):
    """What came in one frame."""

    kind: int
    flags: int
    stream: int
    payload: bytes


class RawConnection:
    """A connection that sends just what it is told to. It answers nothing by itself."""

    def __init__(self, address: str, token: str = "", timeout: str = "") -> None:
        """Connect to ``host:port``, and introduce ourselves. Calls carry the token and the grpc-timeout, if given."""
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS)
        # Otherwise a call waits for the acknowledgement of its headers, which comes 40 ms late.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self.socket.makefile("rb")
        self._headers = HeaderTable(address, token.removeprefix("Bearer "), timeout or "30S")
        self._next = 1
        self.send(SETTINGS, 0, 0, _NO_TABLE, before=PREFACE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Cut the connection."""
        self._stream.close()
        self.socket.close()

    def send(self, kind: int, flags: int, stream: int, payload: bytes = b"", *, before: bytes = b"") -> None:
        """Send one frame, and what goes before it."""
        self.socket.sendall(before + FRAME.pack(len(payload) << 8 | kind, flags, stream) + payload)

    def begin(self, path: str, more: Sequence[tuple[bytes, bytes]] = ()) -> int:
        """Send the headers of a call, and ``more`` of them; return its stream. Its message is still to come."""
        stream, self._next = self._next, self._next + 2
        block = self._headers.block(path) + b"".join(b"\0" + literal(name) + literal(value) for name, value in more)
        pieces = [block[at : at + LARGEST_FRAME] for at in range(0, len(block), LARGEST_FRAME)]
        for number, piece in enumerate(pieces):
            flags = END_HEADERS if number == len(pieces) - 1 else 0
            self.send(CONTINUATION if number else HEADERS, flags, stream, piece)
        return stream

    def say(self, stream: int, said_bytes: int, sent: bytes = b"", *, end: bool = False) -> None:
        """Send the head of a message of ``said_bytes`` and as much of it as ``sent`` is."""
        self.say_more(stream, b"\0" + said_bytes.to_bytes(4, "big") + sent, end=end)

    def say_more(self, stream: int, message: bytes, *, end: bool = False) -> None:
        """Go on with a message."""
        for at in range(0, len(message) or 1, LARGEST_FRAME):
            is_last = at + LARGEST_FRAME >= len(message)
            self.send(DATA, END_STREAM if end and is_last else 0, stream, message[at : at + LARGEST_FRAME])

    def call(self, path: str, message: bytes = b"") -> int:
        """Make a whole call, and return its stream."""
        stream = self.begin(path)
        self.say(stream, len(message), message, end=True)
        return stream

    def call_and_reset(self, path: str, times: int) -> None:
        """Begin so many calls, and reset each at once."""
        self.socket.sendall(self._resets(path, times))

    def flood(self, path: str, times: int) -> None:
        """Do the same, and take what the server sends meanwhile, without a look at it.

        Whoever only sends may not hear of an end for a minute: if the server's buffer was full at that moment, nothing
        more is sent that a reset could answer. Raises ConnectionError if the server has closed, TimeoutError if
        it neither takes anything nor says so.
        """
        left = memoryview(self._resets(path, times))
        # Not by select, which takes no descriptor above 1,023.
        with DefaultSelector() as selector:
            selector.register(self.socket, EVENT_READ | EVENT_WRITE)
            while left:
                ready = sum(events for _, events in selector.select(PATIENCE_SECONDS))
                if not ready:
                    raise TimeoutError("the server takes nothing")
                if ready & EVENT_READ and not self.socket.recv(_DROPPED_BYTES):
                    raise ConnectionError("the server closed the connection")
                if ready & EVENT_WRITE:
                    left = left[self.socket.send(left) :]

    def _resets(self, path: str, times: int) -> bytes:
        frames = []
        for stream in range(self._next, self._next + 2 * times, 2):
            block = self._headers.block(path)
            frames += [FRAME.pack(len(block) << 8 | HEADERS, END_HEADERS, stream), block]
            frames += [FRAME.pack(len(CANCEL) << 8 | RST_STREAM, 0, stream), CANCEL]
        self._next += 2 * times
        return b"".join(frames)

    def frames(self) -> Iterator[Frame]:
        """Yield what the server sends, until it closes the connection."""
        while len(head := self._stream.read(FRAME.size)) == FRAME.size:
            word, flags, stream = FRAME.unpack(head)
            yield Frame(word & 0xFF, flags, stream, self._stream.read(word >> 8))

    def settings(self) -> dict[int, int]:
        """Return what the server announces first."""
        frame = next(frame for frame in self.frames() if frame.kind == SETTINGS and not frame.flags & ACK)
        return dict(_SETTING.iter_unpack(frame.payload))

    def ends(self) -> Iterator[tuple[int, int]]:
        """Yield the stream and the grpc-status of each call that ends; RESET for one without a status."""
        told = set()
        for frame in self.frames():
            if frame.kind == HEADERS and frame.flags & END_STREAM:
                told.add(frame.stream)
                yield frame.stream, grpc_status(frame.payload)
            elif frame.kind == RST_STREAM and frame.stream not in told:
                told.add(frame.stream)
                yield frame.stream, RESET


def introduction() -> bytes:
    """Return what begins a connection."""
    return PREFACE + FRAME.pack(SETTINGS, 0, 0)


def half_a_call(address: str, path: str, token: str = "") -> bytes:
    """Return what begins a connection, and a call on it without its message."""
    block = HeaderTable(address, token.removeprefix("Bearer "), "30S").block(path)
    return introduction() + FRAME.pack(len(block) << 8 | HEADERS, END_HEADERS, 1) + block


def whole_call(address: str, token: str, path: str, message: bytes) -> bytes:
    """Return what begins a connection, and a call on it."""
    said = b"\0" + len(message).to_bytes(4, "big") + message
    return half_a_call(address, path, token) + FRAME.pack(len(said) << 8 | DATA, END_STREAM, 1) + said


def literal(text: bytes) -> bytes:
    """Encode a string for a header block (RFC 7541, 5.2)."""
    length = len(text)
    if length < 127:
        return bytes((length,)) + text
    encoded, rest = bytearray((127,)), length - 127
    while rest > 127:
        encoded.append(128 | rest & 127)
        rest >>= 7
    return bytes((*encoded, rest)) + text
