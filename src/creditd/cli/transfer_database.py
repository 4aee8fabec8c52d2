"""What `creditd import` and `creditd export` share: the ledger's database with its clock, and how progress is told."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from creditd.cli.identity_access import require_usable
from creditd.cli.output import MISUSED, CommandFailure, remark
from creditd.config import Config, require
from creditd.ledger.clock import DatabaseClock
from creditd.storage.connections.conninfo import InvalidConninfo
from creditd.storage.connections.fitness import SESSIONS_AT_ONCE
from creditd.storage.database import Database, DatabaseSettings

LINE_SECONDS: Final = 5.0
"""Between lines of progress where there is no terminal."""

BAR_SECONDS: Final = 0.2
"""Between two drawings of the bar on a terminal."""

BAR_WIDTH: Final = 20


@contextmanager
def transfer_database(config: Config) -> Iterator[tuple[Database, DatabaseClock]]:
    """Keep the database and its clock at hand until the block ends. Raises CommandFailure."""
    require(config, {"database_url": "of a user who may become the role that serves"})
    try:
        database = Database(DatabaseSettings(config.database_url, config.database_role, SESSIONS_AT_ONCE))
    except InvalidConninfo as error:
        raise CommandFailure(f"CREDITD_DATABASE_URL {error}", MISUSED) from error
    try:
        require_usable(database, "the database")
        clock = DatabaseClock()
        clock.look(database)
        yield database, clock
    except SQLAlchemyError as error:
        raise CommandFailure(f"the database cannot be used: {getattr(error, 'orig', None) or error}") from error
    finally:
        database.close()


class ProgressBar:
    """Tells how far something is: a bar in place on a terminal, else a line now and then."""

    def __init__(self, what: str, total: int = 0) -> None:
        """Count ``what``, such as rows; a ``total`` of 0 is not known."""
        self._what = what
        self._total = total
        self._done = 0
        self._is_terminal = sys.stderr.isatty()
        self._began = self._told = time.monotonic()

    def advance(self, count: int = 1) -> None:
        """Note that so many more are done."""
        self._done += count
        now = time.monotonic()
        if now - self._told >= (BAR_SECONDS if self._is_terminal else LINE_SECONDS):
            self._told = now
            self._tell(self._done / (now - self._began))

    def end(self) -> None:
        """Clear the bar."""
        if self._is_terminal:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def _tell(self, rate: float) -> None:
        text = f"{self._done:,} {self._what}, {rate:,.0f}/s"
        if self._total:
            share = min(1.0, self._done / self._total)
            text = f"{share:4.0%}  {text}, {(self._total - self._done) / rate:,.0f} s left"
        if not self._is_terminal:
            remark(text)
            return
        filled = int(BAR_WIDTH * self._done / self._total) if self._total else 0
        bar = f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] " if self._total else ""
        sys.stderr.write(f"\r{bar}{text}\033[K")
        sys.stderr.flush()
