"""A server that answers every call with the same bytes: fast enough to show how fast the load generator can go."""

import selectors
import socket
import sys

from tests.support.http2 import ACK, DATA, END_HEADERS, END_STREAM, FRAME, HEADERS, PREFACE, SETTINGS, WINDOW_UPDATE

MESSAGE = b"\x0a\xff\x02" + bytes(383) + b"\x12\x00"
"""An answer about as long as a ReserveResponse is."""

_BODY = b"\0" + len(MESSAGE).to_bytes(4, "big") + MESSAGE
_INITIAL = b"\x88\x00\x0ccontent-type\x10application/grpc"
_TRAILERS = b"\x00\x0bgrpc-status\x010"
_READ_BYTES = 1 << 18


class Peer:
    """One client: reads its frames, and answers a stream when its request is complete."""

    def __init__(self, connection: socket.socket) -> None:
        """Greets the client with settings that change nothing."""
        self._socket = connection
        self._unread = b""
        self._preface = len(PREFACE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(FRAME.pack(SETTINGS, 0, 0))

    def serve(self) -> bool:
        """Reads once and answers what that completed; False when the client has gone."""
        chunk = self._socket.recv(_READ_BYTES)
        buffer = self._unread + chunk
        at, received = self._preface, 0
        answers = []
        while len(buffer) - at >= FRAME.size:
            word, flags, stream = FRAME.unpack_from(buffer, at)
            stop = at + FRAME.size + (word >> 8)
            if stop > len(buffer):
                break
            if word & 0xFF == DATA:
                received += word >> 8
                answers.append(_answer(stream))
            elif word & 0xFF == SETTINGS and not flags & ACK:
                answers.append(FRAME.pack(SETTINGS, ACK, 0))
            at = stop
        if at > self._preface:
            self._unread, self._preface = buffer[at:], 0
        else:
            self._unread = buffer
        if received:
            answers.append(FRAME.pack(4 << 8 | WINDOW_UPDATE, 0, 0) + received.to_bytes(4, "big"))
        self._socket.sendall(b"".join(answers))
        return bool(chunk)


def _answer(stream: int) -> bytes:
    return b"".join(
        (
            FRAME.pack(len(_INITIAL) << 8 | HEADERS, END_HEADERS, stream),
            _INITIAL,
            FRAME.pack(len(_BODY) << 8 | DATA, 0, stream),
            _BODY,
            FRAME.pack(len(_TRAILERS) << 8 | HEADERS, END_HEADERS | END_STREAM, stream),
            _TRAILERS,
        )
    )


def main() -> None:
    """Serves until it is ended; says its port in one line."""
    listener = socket.create_server(("127.0.0.1", 0))
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    while True:
        for key, _ in selector.select():
            if key.data is None:
                connection, _ = listener.accept()
                selector.register(connection, selectors.EVENT_READ, Peer(connection))
            elif not key.data.serve():
                selector.unregister(key.fileobj)


if __name__ == "__main__":
    main()
