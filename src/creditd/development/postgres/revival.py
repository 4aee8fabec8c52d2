"""Starts a PostgreSQL that died again, for as long as its owner lives."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from creditd.development.postgres.room import room_to_make

if TYPE_CHECKING:
    from creditd.development.postgres.server import EmbeddedPostgres

log: Final = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.2

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
"""What keeps it from starting, such as a full disk, is mended by a person, who should not wait long afterwards."""

CALM_SECONDS: Final = 60.0
"""One that ran for so long has started well: when it dies then, the pauses begin anew."""

CLOSE_SECONDS: Final = 5.0

_CAUSE: Final = re.compile("FATAL:|PANIC:|could not ")


class Revival:
    """Watches one PostgreSQL on a thread of its own, and starts it again when it is dead, with pauses that double."""

    def __init__(self, server: "EmbeddedPostgres") -> None:
        """Watch a server that runs, until this is closed; close this before the server is stopped."""
        self._server = server
        self._closed = Event()
        self._pauses = pauses()
        self._thread = Thread(target=self._watch, name="postgres-revival", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Watch no longer. One that is being started is awaited for a while; to stop it ends its start, too."""
        self._closed.set()
        self._thread.join(CLOSE_SECONDS)

    def _watch(self) -> None:
        calm_seconds = 0.0
        while not self._closed.wait(LOOK_SECONDS):
            calm_seconds += LOOK_SECONDS
            if calm_seconds >= CALM_SECONDS:
                self._pauses = pauses()
            if self._server.is_dead:
                calm_seconds = 0.0
                self._revive()

    def _revive(self) -> None:
        what_to_do = advice(self._server.data_dir, self._server.log_file, self._server.said)
        log.error("PostgreSQL has died, and is started again; %s", what_to_do)
        if self._closed.wait(next(self._pauses)):
            return
        try:
            self._server.revive()
        except Exception:
            # The next look finds it dead, says why, and tries again.
            log.info("PostgreSQL could not be started again", exc_info=True)


def pauses() -> Iterator[float]:
    """Yield the seconds before each start: they double up to a bound."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def advice(data_dir: Path, log_file: Path, words: str) -> str:
    """Return what PostgreSQL's words since its start mean for whoever looks after it."""
    if to_do := room_to_make(data_dir, words):
        return f"{to_do}, and it starts by itself"
    said = [line for line in words.splitlines() if _CAUSE.search(line) and not line.endswith(" starting up")]
    last = f"; its last words: {said[-1]}" if said else ""
    return f"{log_file} says more{last}"
