"""The spool: the rows of an import in a file of its own, by account, each key once, until the import is over.

It makes memory flat whatever comes in, from files or a pipe, and puts rows in the order in which they are brought in
and compared. SQLite keeps it; nothing of it outlives the process.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, NamedTuple, Self

from creditd.domain.account import AccountStatus
from creditd.domain.instant import Instant
from creditd.service.transfer.import_row import ImportRow

CACHE_KILOBYTES: Final = 32_768
"""What SQLite keeps in memory of the spool, whatever its size."""

_TABLES: Final = (
    """CREATE TABLE rows (account_id TEXT, request_id TEXT, fingerprint INTEGER, place TEXT, credit_type TEXT,
    source INTEGER, amount INTEGER, expire_time INTEGER, reason TEXT, reference TEXT,
    PRIMARY KEY (account_id, request_id)) WITHOUT ROWID""",
    "CREATE TABLE statuses (account_id TEXT PRIMARY KEY, status INTEGER, place TEXT) WITHOUT ROWID",
)

_ADD: Final = "INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

_ALL: Final = "SELECT * FROM rows ORDER BY account_id, request_id"

_ONE: Final = "SELECT * FROM rows WHERE account_id = ? AND request_id = ?"


class SpooledRow(NamedTuple):
    """A row with its request id, its fingerprint, and its place: file and line."""

    request_id: str
    fingerprint: int
    place: str
    row: ImportRow


class SpooledStatus(NamedTuple):
    """Which status an account is to have, and the place that says so."""

    account_id: str
    status: AccountStatus
    place: str


class Spool:
    """Keeps rows until the block ends."""

    def __init__(self, folder: Path | None = None) -> None:
        """Keep them in a new folder within ``folder``, that for temporary files if it is None."""
        self._folder = TemporaryDirectory(prefix="creditd-import-", dir=folder)
        self._database = sqlite3.connect(Path(self._folder.name) / "rows", isolation_level=None)
        # It is made anew by each run: nothing of it has to outlive a crash.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE_KILOBYTES}"):
            self._database.execute(f"PRAGMA {pragma}")
        for table in _TABLES:
            self._database.execute(table)
        self._database.execute("BEGIN")

    def __enter__(self) -> Self:
        """Keep it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Delete it."""
        self._database.close()
        with suppress(OSError):
            self._folder.cleanup()

    def add(self, spooled: SpooledRow) -> SpooledRow | None:
        """Keep a row unless there is one of its key; return that one."""
        row = spooled.row
        values = (
            row.account_id,
            *spooled[:3],
            row.credit_type,
            row.source,
            row.amount,
            row.expire_time,
            row.reason,
            row.reference,
        )
        added = self._database.execute(_ADD, values)
        if added.rowcount:
            return None
        found = self._database.execute(_ONE, values[:2]).fetchone()
        return _spooled(found)

    def set_status(self, status: SpooledStatus) -> SpooledStatus | None:
        """Keep which status an account is to have unless that is known; return what is known."""
        added = self._database.execute("INSERT OR IGNORE INTO statuses VALUES (?, ?, ?)", status)
        if added.rowcount:
            return None
        query = "SELECT account_id, status, place FROM statuses WHERE account_id = ?"
        account_id, number, place = self._database.execute(query, (status.account_id,)).fetchone()
        return SpooledStatus(account_id, AccountStatus(number), place)

    def rows(self) -> Iterator[SpooledRow]:
        """Give all rows, by account."""
        for found in self._database.execute(_ALL):
            yield _spooled(found)

    def statuses(self) -> Iterator[SpooledStatus]:
        """Give which statuses accounts are to have, by account."""
        for account_id, number, place in self._database.execute("SELECT * FROM statuses ORDER BY account_id"):
            yield SpooledStatus(account_id, AccountStatus(number), place)

    def count_accounts(self) -> int:
        """Return of how many accounts there are rows."""
        (count,) = self._database.execute("SELECT count(DISTINCT account_id) FROM rows").fetchone()
        return int(count)


def _spooled(found: tuple[str, str, int, str, str, int, int, int | None, str, str]) -> SpooledRow:
    account_id, request_id, fingerprint, place, credit_type, source, amount, expire_time, reason, reference = found
    expires = None if expire_time is None else Instant(expire_time)
    row = ImportRow(account_id, credit_type, source, amount, expires, None, reason, reference)
    return SpooledRow(request_id, fingerprint, place, row)
