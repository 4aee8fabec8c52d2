"""A proxy between a server and PostgreSQL that cuts connections at the message that it is told to."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from threading import Event, Lock, Thread
from typing import NamedTuple

from sqlalchemy import make_url

HOST = "127.0.0.1"
CHUNK_BYTES = 1 << 20
"""Larger than any message of a test, so that each comes whole."""

IsAt = Callable[[bytes], bool]
"""Tells whether a message of the server's is the one to cut at."""


class Point(Enum):
    """Where to cut, around a message of the server's: a statement, which commits by itself, or a COMMIT."""

    BEFORE = "it never arrives"
    WITHIN = "half of it arrives"
    AFTER = "it arrives, and nobody waits for its answer"
    BEFORE_ANSWER = "it is done, and its answer never arrives"
    WITHIN_ANSWER = "it is done, and half of its answer arrives"


class _Cut(NamedTuple):
    is_at: IsAt
    point: Point
    stay_away: bool
    has_come: Event


class CuttingProxy:
    """Passes connections on until it is closed. While it ``is_away``, it takes no new ones."""

    def __init__(self, reach: Callable[[], socket.socket]) -> None:
        """Listen at once, on a port of its own; ``reach`` connects to PostgreSQL."""
        self.is_away = False
        self.cuts = 0
        self._reach = reach
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._links: set[Link] = set()
        self._lock = Lock()
        self._awaited: _Cut | None = None
        Thread(target=self._accept, name="proxy", daemon=True).start()

    def cut_at(self, is_at: IsAt, point: Point, *, stay_away: bool = False) -> Event:
        """Cut at the next such message, once, and return what is set then; after it stay away, or be there again."""
        has_come = Event()
        with self._lock:
            self._awaited = _Cut(is_at, point, stay_away, has_come)
        return has_come

    def has_cut(self, is_at: IsAt, point: Point, timeout_seconds: float) -> bool:
        """Cut at the next such message; return whether it came in time. One that comes later is passed on."""
        has_come = self.cut_at(is_at, point)
        if not has_come.wait(timeout_seconds):
            with self._lock:
                self._awaited = None
        return has_come.is_set()

    def cut_all(self) -> None:
        """Cut all connections at once, wherever they stand."""
        with self._lock:
            links = tuple(self._links)
        for link in links:
            link.cut()

    def take(self, message: bytes) -> Point | None:
        """Return where to cut if this is the message; each is taken once."""
        with self._lock:
            cut = self._awaited
            if cut is None or not cut.is_at(message):
                return None
            self._awaited = None
            self.is_away = cut.stay_away
            self.cuts += 1
            cut.has_come.set()
            return cut.point

    def forget(self, link: "Link") -> None:
        """Hear that a connection has ended."""
        with self._lock:
            self._links.discard(link)

    def close(self) -> None:
        """Take no more connections, and cut those that there are."""
        # A close alone leaves accept waiting.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                server, _ = self._listener.accept()
                try:
                    postgres = None if self.is_away else self._reach()
                except OSError:
                    postgres = None
                if postgres is None:
                    server.close()
                    continue
                link = Link(self, server, postgres)
                with self._lock:
                    self._links.add(link)
                link.start()


class Link:
    """One connection: the server's socket, and the one to PostgreSQL."""

    def __init__(self, proxy: CuttingProxy, server: socket.socket, postgres: socket.socket) -> None:
        """Take over both sockets."""
        self._proxy = proxy
        self._server = server
        self._postgres = postgres
        self._answer_cut: Point | None = None
        for side in (server, postgres):
            if side.family != socket.AF_UNIX:
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        """Pass on in both directions, until one of them ends."""
        Thread(target=self._live, name="link", daemon=True).start()

    def cut(self) -> None:
        """End both halves at once."""
        for side in (self._server, self._postgres):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _live(self) -> None:
        answers = Thread(target=self._pass_on, args=(self._back,), name="answers", daemon=True)
        answers.start()
        self._pass_on(self._forth)
        answers.join()
        self._server.close()
        self._postgres.close()
        self._proxy.forget(self)

    def _pass_on(self, direction: Callable[[], bool]) -> None:
        with suppress(OSError):
            while direction():
                pass
        self.cut()

    def _forth(self) -> bool:
        message = self._server.recv(CHUNK_BYTES)
        match self._proxy.take(message):
            case Point.BEFORE:
                return False
            case Point.WITHIN:
                self._postgres.sendall(message[: len(message) // 2])
                return False
            case Point.AFTER:
                self._postgres.sendall(message)
                return False
            case point:
                # What follows the message, such as the rest of a large one, is passed on; its answer is not.
                self._answer_cut = self._answer_cut or point
                self._postgres.sendall(message)
                return bool(message)

    def _back(self) -> bool:
        # An answer to what was asked last is the sign that it was done.
        answer = self._postgres.recv(CHUNK_BYTES)
        if self._answer_cut is Point.WITHIN_ANSWER:
            self._server.sendall(answer[: len(answer) // 2])
        if self._answer_cut is not None:
            return False
        self._server.sendall(answer)
        return bool(answer)


@contextmanager
def proxy_to(url: str) -> Iterator[tuple[CuttingProxy, str]]:
    """Run a proxy to the server of a database's URL; give it and the URL that leads through it."""
    wanted = make_url(url)
    host = str(wanted.query.get("host") or wanted.host or HOST)
    port = wanted.port or int(str(wanted.query.get("port", 5432)))

    def reach() -> socket.socket:
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(f"{host}/.s.PGSQL.{port}")
        return connection

    proxy = CuttingProxy(reach)
    here = wanted.set(host=HOST, port=proxy.port, query={"sslmode": "disable", "gssencmode": "disable"})
    try:
        yield proxy, here.render_as_string(hide_password=False)
    finally:
        proxy.close()
