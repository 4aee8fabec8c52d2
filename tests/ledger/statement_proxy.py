"""Stands between a writer and PostgreSQL, and cuts the line right before or right after a statement."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread

from sqlalchemy import make_url

_CHUNK = 1 << 20


@dataclass
class StatementProxy:
    """Forwards everything until it is told to cut: once, at the next statement that contains a text.

    ``before`` says on which side of the statement. After it, ``is_away`` says whether to take new connections.
    """

    reach: Callable[[], socket.socket]
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    text: bytes = b""
    before: bool = False
    stay_away: bool = False
    is_away: bool = False
    cuts: int = 0

    def cut(self, text: bytes, *, before: bool, stay_away: bool = False) -> None:
        """Cut the line at the next statement that contains ``text``; stay away after it, or be there again at once."""
        self.text, self.before, self.stay_away = text, before, stay_away

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                if self.is_away:
                    client.close()
                    continue
                server, swallowing = self.reach(), Event()
                Thread(target=self._to_server, args=(client, server, swallowing), daemon=True).start()
                Thread(target=self._to_client, args=(client, server, swallowing), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket, swallowing: Event) -> None:
        with suppress(OSError):
            while data := client.recv(_CHUNK):
                if self.text and self.text in data:
                    self.text, self.is_away = b"", self.stay_away
                    self.cuts += 1
                    if self.before:
                        break
                    swallowing.set()
                server.sendall(data)
        _close(client, server)

    @staticmethod
    def _to_client(client: socket.socket, server: socket.socket, swallowing: Event) -> None:
        # The answer to what was asked last is the sign that it was done; nobody gets to see it.
        with suppress(OSError):
            while (data := server.recv(_CHUNK)) and not swallowing.is_set():
                client.sendall(data)
        _close(client, server)


def _close(*connections: socket.socket) -> None:
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()


@contextmanager
def proxy_to(url: str) -> Iterator[tuple[StatementProxy, str]]:
    """Run a proxy to the server of a URL; give it and the URL that leads through it."""
    wanted = make_url(url)
    host = str(wanted.query.get("host") or wanted.host or "127.0.0.1")
    port = wanted.port or int(str(wanted.query.get("port", 5432)))

    def reach() -> socket.socket:
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(f"{host}/.s.PGSQL.{port}")
        return connection

    proxy = StatementProxy(reach)
    here = wanted.set(host="127.0.0.1", port=proxy.listener.getsockname()[1])
    here = here.set(query={"sslmode": "disable", "gssencmode": "disable"})
    Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy, here.render_as_string(hide_password=False)
    finally:
        proxy.listener.close()
