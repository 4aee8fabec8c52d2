"""Turns at the database: each ends in time, whatever the database does, and ends early when nobody waits for it.

PostgreSQL's own time limits end a statement that it works on. They end nothing when the server is stopped or the
network swallows its answer, and they know nothing of a caller that has gone. So the time is kept on this side as well.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from sqlalchemy import Connection

LONGEST_SECONDS: Final = 35.0
"""Of a turn that states no length: a little more than PostgreSQL's own limit, which tells more of what went wrong."""

LOOK_SECONDS: Final = 0.1
"""Between two looks at what is lent: how late a turn may end. One look costs microseconds."""

CANCEL_SECONDS: Final = 1.0
"""For a statement to be cancelled. After it the connection is cut: the server does not answer at all."""


class TurnOver(Exception):
    """The time of a turn is over, or nobody waits for it any more; what was not committed has not been done."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("it took too long, or nobody waits for it any more")


class Turn:
    """How long one thread may use the database for one piece of work. May be ended by any other thread."""

    __slots__ = ("_end",)

    def __init__(self, seconds: float) -> None:
        """Begin a turn of at most ``seconds``, counted from now."""
        self._end = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether its time has passed or it was ended."""
        return time.monotonic() >= self._end

    def end(self) -> None:
        """End it now: the statement that runs is cancelled, and no other begins."""
        self._end = 0.0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have all that the calling thread does at the database until the block ends belong to this turn."""
        _current.turn = self
        try:
            yield
        finally:
            _current.turn = None


class _Current(threading.local):
    turn: Turn | None = None


_current = _Current()


def require_time() -> None:
    """Raise TurnOver if the calling thread's turn is over."""
    if _current.turn and _current.turn.is_over:
        raise TurnOver


class Lending:
    """A connection that is lent for the length of a block."""

    __slots__ = ("_cancelled_at", "_connection", "_lock", "turn")

    def __init__(self, connection: "psycopg.Connection[Any]", turn: Turn) -> None:
        """Note what is lent, and for which turn."""
        self.turn = turn
        self._connection: psycopg.Connection[Any] | None = connection
        self._cancelled_at = 0.0
        # Held while it is cancelled, so that no cancellation reaches whoever borrows the connection next.
        self._lock = threading.Lock()

    def give_back(self) -> None:
        """End the lending; waits for a cancellation that is under way."""
        with self._lock:
            self._connection = None

    def cut_short(self, *, takes_cancellations: bool = True) -> bool:
        """Cancel the statement that runs; cut the connection if that was done before and has not helped.

        Not tried if the server takes no cancellations. Returns whether it does, as far as is known.
        """
        with self._lock:
            if self._connection is None:
                return takes_cancellations
            now = time.monotonic()
            self._cancelled_at = self._cancelled_at or now
            if takes_cancellations and now - self._cancelled_at < CANCEL_SECONDS:
                try:
                    self._connection.cancel_safe(timeout=CANCEL_SECONDS)
                except psycopg.Error:
                    takes_cancellations = False
                else:
                    return True
            _cut(self._connection)
            return takes_cancellations


def _cut(connection: "psycopg.Connection[Any]") -> None:
    # Whoever waits at the socket hears of its end at once. Closing it is up to the thread that uses it.
    with (
        contextlib.suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.fileno())) as same,
    ):
        same.shutdown(socket.SHUT_RDWR)


class Turns:
    """Watches over the connections that are lent, and cuts short those whose turn is over."""

    def __init__(self, longest_seconds: float | None = None) -> None:
        """Watch on a thread of its own, from the first lending on.

        ``longest_seconds`` is how long a turn lasts that states no length; LONGEST_SECONDS if None.
        """
        self._longest_seconds = longest_seconds
        self._lent: set[Lending] = set()
        self._closing = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def lent(self, connection: Connection) -> Iterator[None]:
        """Watch over a connection until the block ends. Raises TurnOver if the thread's turn is over already.

        One that was lost meanwhile is given up: prepared statements go past SQLAlchemy, which would not know of it,
        would roll it back, and would log that this failed.
        """
        driver = connection.connection.driver_connection
        if driver is None:
            raise psycopg.OperationalError
        lending = self.begin(driver)
        try:
            yield
        finally:
            self.finish(lending)
            if driver.closed:
                connection.invalidate()

    @contextmanager
    def watched(self, driver: "psycopg.Connection[Any]", turn: Turn | None = None) -> Iterator[None]:
        """Watch over a connection of the driver's until the block ends, for a turn that is not the thread's if given.

        Raises TurnOver if it is over already.
        """
        lending = self.begin(driver, turn)
        try:
            yield
        finally:
            self.finish(lending)

    def begin(self, driver: "psycopg.Connection[Any]", turn: Turn | None = None) -> Lending:
        """Watch over a connection as in ``watched``, until ``finish`` is called with what this returns."""
        turn = turn or _current.turn or Turn(self._longest_seconds or LONGEST_SECONDS)
        if turn.is_over:
            raise TurnOver
        lending = Lending(driver, turn)
        self._lent.add(lending)
        if self._thread is None:
            self._start()
        return lending

    def finish(self, lending: Lending) -> None:
        """Watch over it no longer; waits for a cancellation that is under way."""
        self._lent.discard(lending)
        lending.give_back()

    def close(self) -> None:
        """End every turn that still runs, and stop watching once nothing is lent."""
        self._closing.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="turns", daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            self._look()
        # What is lent at the end is lent to threads that would keep the process from ending.
        while self._lent:
            for lending in self._lent.copy():
                lending.turn.end()
            self._look()
            time.sleep(LOOK_SECONDS)

    def _look(self) -> None:
        # A server that hangs is asked once, and not once for each connection: the last would be cut many seconds late.
        takes_cancellations = True
        for lending in self._lent.copy():
            if lending.turn.is_over:
                takes_cancellations = lending.cut_short(takes_cancellations=takes_cancellations)
