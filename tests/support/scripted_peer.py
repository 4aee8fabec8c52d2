"""Somebody who listens and says what the test has it say, whatever is asked."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from creditd.server.redis_connection import RedisPlace
from tests.support.certificates import Identity
from tests.support.ports import free_port

PAUSE_SECONDS: Final = 0.02
"""Between two bytes that drip."""


def closed_port() -> RedisPlace:
    """Return a place of this machine at which nobody listens."""
    return RedisPlace("127.0.0.1", free_port())


@dataclass
class Script:
    """One piece is said after each thing that is heard; then ``drips`` for ever, or nothing more if it is empty.

    With ``ends`` the connection is closed instead. With a ``context`` it speaks TLS.
    """

    pieces: tuple[bytes, ...] = ()
    drips: bytes = b""
    ends: bool = False
    context: ssl.SSLContext | None = None
    heard: bytearray = field(default_factory=bytearray)


def shown(certificate: Identity, folder: Path) -> ssl.SSLContext:
    """Return what a server shows this certificate with; its files go into a folder."""
    names = folder / "shown.pem", folder / "shown.key"
    for name, content in zip(names, (certificate.certificate_pem, certificate.key_pem), strict=True):
        name.write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*names)
    return context


@contextmanager
def scripted_peer(script: Script) -> Iterator[RedisPlace]:
    """Take connections, one at a time, and follow the script on each."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_serve, args=(listener, script), daemon=True)
    thread.start()
    try:
        host = "localhost" if script.context else "127.0.0.1"
        yield RedisPlace(host, listener.getsockname()[1], is_encrypted=script.context is not None)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _serve(listener: socket.socket, script: Script) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with suppress(OSError), connection:
            if script.context:
                with script.context.wrap_socket(connection, server_side=True) as encrypted:
                    _follow(encrypted, script)
            else:
                _follow(connection, script)


def _follow(connection: socket.socket, script: Script) -> None:
    for piece in script.pieces:
        received = connection.recv(65_536)
        if not received:
            return
        script.heard += received
        connection.sendall(piece)
    while script.drips:
        time.sleep(PAUSE_SECONDS)
        connection.sendall(script.drips)
    while not script.ends and connection.recv(65_536):
        # Until the other side has had enough.
        pass
