"""Log output: lines gathered in memory and written by one thread, many per write."""

import atexit
import fcntl
import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final

import orjson

FLUSH_SECONDS: Final = 0.1
FLUSH_BYTES: Final = 64 * 1024

MAX_HELD_BYTES: Final = 4 * 1024 * 1024
"""If whoever reads the log stands still, lines are dropped beyond this rather than calls held up."""

CLOSE_SECONDS: Final = 2.0


class LineWriter:
    """Takes lines from any thread at the cost of an append, and writes them out in order.

    They are written at least every FLUSH_SECONDS, earlier if FLUSH_BYTES are together, and at the end of the process.
    Neither ``write`` nor ``hurry`` ever waits for the descriptor. Make one after a fork, not before.
    """

    def __init__(self, descriptor: int) -> None:
        """Write to a file descriptor, which stays its owner's to close."""
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._held = 0
        self._dropped = 0
        self._wake = threading.Event()
        self._flushing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def write(self, line: bytes) -> None:
        """Take a line, which ends with a newline."""
        held = self._held
        if held >= FLUSH_BYTES:
            self._wake.set()
            if held >= MAX_HELD_BYTES:
                self._dropped += 1
                return
        self._lines.append(line)
        # Two threads at once may lose one addition; the count starts again at each flush.
        self._held = held + len(line)

    def hurry(self) -> None:
        """Ask for the lines to be written now, without waiting."""
        self._wake.set()

    def flush(self) -> None:
        """Write the lines, and wait until they are written."""
        with self._flushing:
            # Other threads only append to this list, so cutting off its front loses nothing.
            count = len(self._lines)
            chunk = b"".join(self._lines[:count])
            del self._lines[:count]
            self._held = 0
            dropped, self._dropped = self._dropped, 0
            if dropped:
                chunk += _dropped_lines_record(dropped)
            if chunk:
                self._write_out(chunk)

    def close(self) -> None:
        """Write the lines and end the thread; gives up after a while on a descriptor that accepts nothing."""
        atexit.unregister(self.close)
        self._closed = True
        self._wake.set()
        self._thread.join(CLOSE_SECONDS)
        if not self._thread.is_alive():
            self.flush()

    def _run(self) -> None:
        while not self._closed:
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            self.flush()

    def _write_out(self, chunk: bytes) -> None:
        # There is nobody to tell of a log that cannot be written.
        with suppress(OSError), self._alone():
            rest = memoryview(chunk)
            while rest:
                try:
                    rest = rest[os.write(self._descriptor, rest) :]
                except BlockingIOError:
                    select.select([], [self._descriptor], [])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # Workers share one pipe, and a write that fills it is cut in two: without this, lines of others get between.
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
        except OSError:
            # Not everything can be locked; what cannot is rarely shared.
            yield
            return
        try:
            yield
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)


def _dropped_lines_record(dropped: int) -> bytes:
    return orjson.dumps(
        {
            "time": datetime.now(UTC),  # noqa: TID251 - a log tells this machine's time.
            "level": "WARNING",
            "logger": __name__,
            "message": "lines were dropped: nobody read them",
            "dropped": dropped,
        },
        option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE,
    )
