"""A proxy between server and PostgreSQL that cuts connections at the moment it is asked to."""

import socket
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from threading import Event, Lock, Thread

HOST = "127.0.0.1"
CHUNK_BYTES = 1 << 18

SAVE_BYTES = 1_000
"""A statement of this size saves a batch: its parameters are the columns of rows."""


class Moment(Enum):
    """When to cut, counted from a message of the server's: a statement, which commits by itself, or a COMMIT."""

    BEFORE_STATEMENT = "it never arrives"
    WITHIN_STATEMENT = "half of it arrives"
    AFTER_STATEMENT = "it arrives, and nobody waits for its answer"
    BEFORE_ANSWER = "it is done, and its answer never arrives"
    WITHIN_ANSWER = "it is done, and half of its answer arrives"
    BEFORE_COMMIT = "the COMMIT never arrives"
    AFTER_COMMIT = "the COMMIT arrives, and nobody waits for its answer"
    BEFORE_ANSWER_TO_COMMIT = "it is committed, and the answer never arrives"
    ANY = "all connections at once, wherever they stand"

    def is_now(self, message: bytes) -> bool:
        """Tell whether this is the message to cut at."""
        return b"COMMIT\0" in message if "COMMIT" in self.name else len(message) >= SAVE_BYTES


class MomentProxy:
    """Passes connections on to a port of this machine until it is closed."""

    def __init__(self, target_port: int) -> None:
        """Listen at once, on a port of its own."""
        self._target = (HOST, target_port)
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._links: set[Link] = set()
        self._lock = Lock()
        self._awaited: tuple[Moment, Event] | None = None
        Thread(target=self._accept, name="proxy", daemon=True).start()

    def cut(self, moment: Moment, timeout_seconds: float) -> bool:
        """Cut at the next such moment; return whether it came."""
        if moment is Moment.ANY:
            self._cut_all()
            return True
        has_come = Event()
        with self._lock:
            self._awaited = (moment, has_come)
        if has_come.wait(timeout_seconds):
            return True
        with self._lock:
            self._awaited = None
        return has_come.is_set()

    def take(self, message: bytes) -> Moment | None:
        """Return the moment to cut at if this is it; each is taken once."""
        with self._lock:
            if self._awaited is None or not self._awaited[0].is_now(message):
                return None
            (moment, has_come), self._awaited = self._awaited, None
            has_come.set()
            return moment

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
        self._cut_all()

    def _cut_all(self) -> None:
        with self._lock:
            links = tuple(self._links)
        for link in links:
            link.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                server, _ = self._listener.accept()
                try:
                    postgres = socket.create_connection(self._target)
                except OSError:
                    server.close()
                    continue
                link = Link(self, server, postgres)
                with self._lock:
                    self._links.add(link)
                link.start()


class Link:
    """One connection: the server's socket, and the one to PostgreSQL."""

    def __init__(self, proxy: MomentProxy, server: socket.socket, postgres: socket.socket) -> None:
        """Take over both sockets."""
        self._proxy = proxy
        self._server = server
        self._postgres = postgres
        self._answer_cut: Moment | None = None
        for side in (server, postgres):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        """Pass on in both directions, until one of them ends."""
        Thread(target=self._live, name="link", daemon=True).start()

    def _live(self) -> None:
        answers = Thread(target=self._pass_on, args=(self._back,), name="answers", daemon=True)
        answers.start()
        self._pass_on(self._forth)
        answers.join()
        self._server.close()
        self._postgres.close()
        self._proxy.forget(self)

    def cut(self) -> None:
        """End both halves at once."""
        for side in (self._server, self._postgres):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _pass_on(self, direction: Callable[[], bool]) -> None:
        with suppress(OSError):
            while direction():
                pass
        self.cut()

    def _forth(self) -> bool:
        message = self._server.recv(CHUNK_BYTES)
        match self._proxy.take(message):
            case Moment.BEFORE_STATEMENT | Moment.BEFORE_COMMIT:
                return False
            case Moment.WITHIN_STATEMENT:
                self._postgres.sendall(message[: len(message) // 2])
                return False
            case Moment.AFTER_STATEMENT | Moment.AFTER_COMMIT:
                self._postgres.sendall(message)
                return False
            case moment:
                self._answer_cut = moment
                self._postgres.sendall(message)
                return bool(message)

    def _back(self) -> bool:
        answer = self._postgres.recv(CHUNK_BYTES)
        if self._answer_cut is Moment.WITHIN_ANSWER:
            self._server.sendall(answer[: len(answer) // 2])
        if self._answer_cut is not None:
            return False
        self._server.sendall(answer)
        return bool(answer)
