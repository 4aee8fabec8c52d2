"""An HTTP/2 connection that carries unary gRPC calls and does nothing else, for a few microseconds each."""

import socket
import struct
from collections import deque
from typing import Generic, NamedTuple, TypeVar

from tests.support.hpack import HeaderTable, grpc_status

RESET = -2
"""The status of a call whose stream the server cut off without trailers."""

FRAME = struct.Struct(">IBI")
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

_HEADER_TABLE_SIZE, _INITIAL_WINDOW_SIZE, _MAX_FRAME_SIZE = 1, 4, 5
_SETTING = struct.Struct(">HI")
_DEFAULT_WINDOW = 65_535
_LARGEST_FRAME = 16_384
_RECEIVE_WINDOW = 1 << 30
_READ_BYTES = 1 << 18

Caller = TypeVar("Caller")


class Answer(NamedTuple, Generic[Caller]):
    """What came back for one call: whose it was, its grpc-status, and the message, empty unless the status is 0."""

    caller: Caller
    status: int
    message: bytes


class Connection(Generic[Caller]):
    """Sends calls and hands back answers as they come; at most one is outstanding for each caller given."""

    def __init__(self, port: int, token: str, timeout: str) -> None:
        """Connects to `port` on the loopback interface; every call carries `token` and the grpc-timeout."""
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._headers = HeaderTable(f"127.0.0.1:{port}", token, timeout)
        self._callers: dict[int, Caller] = {}
        self._bodies: dict[int, bytes] = {}
        self._next_stream = 1
        self._send_window = _DEFAULT_WINDOW
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._unread = b""
        self._received = 0
        self._outbox = [PREFACE, _own_settings(), _window_update(_RECEIVE_WINDOW)]
        self.flush()

    def fileno(self) -> int:
        """The socket's descriptor, so that a selector can wait for it."""
        return self._socket.fileno()

    def close(self) -> None:
        """Cuts the connection; what is outstanding on it is never answered."""
        self._socket.close()

    def call(self, path: str, message: bytes, caller: Caller, account: bytes = b"") -> None:
        """Queues one call; `flush` sends it, as far as the server's flow control lets it. A header names `account`."""
        size = len(message) + 5
        if size > _LARGEST_FRAME:
            raise ValueError(f"a message of {len(message)} bytes does not fit into one frame")
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        self._callers[stream] = caller
        block = self._headers.block(path, account)
        head = FRAME.pack(len(block) << 8 | HEADERS, END_HEADERS, stream)
        body = FRAME.pack(size << 8 | DATA, END_STREAM, stream) + b"\0" + len(message).to_bytes(4, "big")
        frames = b"".join((head, block, body, message))
        if self._waiting or size > self._send_window:
            self._waiting.append((size, frames))
        else:
            self._send_window -= size
            self._outbox.append(frames)

    def flush(self) -> None:
        """Sends what is queued. It may block, but not for ever: the server reads even while its answers are not."""
        if self._outbox:
            self._socket.sendall(b"".join(self._outbox))
            self._outbox.clear()

    def receive(self) -> list[Answer[Caller]]:
        """Reads once from the socket and returns the calls that this completed."""
        chunk = self._socket.recv(_READ_BYTES)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        buffer = self._unread + chunk if self._unread else chunk
        answers: list[Answer[Caller]] = []
        at, end = 0, len(buffer)
        while end - at >= FRAME.size:
            word, flags, stream = FRAME.unpack_from(buffer, at)
            start, stop = at + FRAME.size, at + FRAME.size + (word >> 8)
            if stop > end:
                break
            kind = word & 0xFF
            if kind == DATA:
                self._received += stop - start
                known = self._bodies.get(stream)
                self._bodies[stream] = buffer[start:stop] if known is None else known + buffer[start:stop]
            elif kind == HEADERS:
                if flags & END_STREAM:
                    answers.append(self._complete(stream, grpc_status(buffer[start:stop])))
            elif kind == RST_STREAM:
                # A server may also reset a stream that it has already answered, to say that it reads no further.
                if stream in self._callers:
                    answers.append(self._complete(stream, RESET))
            else:
                self._control(kind, flags, stream, buffer[start:stop])
            at = stop
        self._unread = buffer[at:]
        self._replenish()
        return answers

    def _complete(self, stream: int, status: int) -> Answer[Caller]:
        body = self._bodies.pop(stream, b"")
        return Answer(self._callers.pop(stream), status, body[5:])

    def _replenish(self) -> None:
        if self._received > _RECEIVE_WINDOW // 2:
            self._outbox.append(_window_update(self._received))
            self._received = 0

    def _control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == WINDOW_UPDATE and stream == 0:
            self._send_window += int.from_bytes(payload, "big")
            while self._waiting and self._waiting[0][0] <= self._send_window:
                size, frames = self._waiting.popleft()
                self._send_window -= size
                self._outbox.append(frames)
        elif kind == PING and not flags & ACK:
            self._outbox.append(FRAME.pack(len(payload) << 8 | PING, ACK, 0) + payload)
        elif kind == SETTINGS and not flags & ACK:
            _check_settings(payload)
            self._outbox.append(FRAME.pack(SETTINGS, ACK, 0))
        elif kind == GOAWAY:
            raise ConnectionError(f"the server sent GOAWAY: {payload[8:].decode(errors='replace')}")


def _own_settings() -> bytes:
    # A table of size 0 makes each of the server's header blocks readable by itself; windows as large as they may be
    # leave only the connection's window to top up.
    values = ((_HEADER_TABLE_SIZE, 0), (_INITIAL_WINDOW_SIZE, _RECEIVE_WINDOW))
    payload = b"".join(_SETTING.pack(*value) for value in values)
    return FRAME.pack(len(payload) << 8 | SETTINGS, 0, 0) + payload


def _window_update(size: int) -> bytes:
    return FRAME.pack(4 << 8 | WINDOW_UPDATE, 0, 0) + size.to_bytes(4, "big")


def _check_settings(payload: bytes) -> None:
    # This client relies on the defaults of RFC 9113, so that it need not follow smaller ones.
    least = {_HEADER_TABLE_SIZE: 4_096, _INITIAL_WINDOW_SIZE: _LARGEST_FRAME, _MAX_FRAME_SIZE: _LARGEST_FRAME}
    for name, value in _SETTING.iter_unpack(payload):
        if value < least.get(name, 0):
            raise ConnectionError(f"the server's HTTP/2 setting {name} is {value}, less than this client is made for")
