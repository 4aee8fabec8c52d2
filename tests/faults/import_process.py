"""`creditd import` as a process that others kill, and what it has brought in so far."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from creditd.domain.credit_type import CreditType
from creditd.storage import credit_types
from creditd.storage.database import Database, DatabaseSettings
from tests.faults.audit import OF_AN_IMPORT
from tests.faults.operations import CREDIT_TYPE
from tests.support.databases import clock_of
from tests.support.patience import eventually

ROWS: Final = int(os.environ.get("IMPORTED_ROWS", "10000"))
"""How many rows these batteries bring in; a million shows what docs/moving.md tells."""

MOST: Final = 90
"""Credits of a row at most."""

SECONDS: Final = 900.0
"""For one run of an import, whatever the size."""


class ImportEnd(NamedTuple):
    """How a run of an import ended, what it printed, how long it took, and how much memory it held at most."""

    status: int
    printed: str
    seconds: float
    megabytes: float


def write_rows(file: Path, count: int, prefix: str = "a-") -> int:
    """Write a file of so many rows, each of an account of its own; return how many credits they are together."""
    with file.open("w", encoding="utf-8") as rows:
        rows.write("account_id,credit_type,source,amount\n")
        rows.writelines(f"{prefix}{number},{CREDIT_TYPE},PURCHASED,{number % MOST + 1}\n" for number in range(count))
    return sum(number % MOST + 1 for number in range(count))


def declare(url: str) -> None:
    """Have the credit type, as a server that starts has it."""
    database = Database(DatabaseSettings(url))
    try:
        with database.transaction() as connection:
            credit_types.declare(connection, CreditType(CREDIT_TYPE, CREDIT_TYPE, 0), clock_of(database).now())
    finally:
        database.close()


class ImportProcess:
    """One run of `creditd import`."""

    def __init__(self, url: str, folder: Path, *arguments: str) -> None:
        """Begin it; it prints to a file in ``folder``."""
        self._printed = folder / f"import-{time.monotonic_ns()}.txt"
        self._began = time.monotonic()
        command = (sys.executable, "-m", "creditd.cli", "import", *arguments)
        with self._printed.open("wb") as file:
            environment = {**os.environ, "CREDITD_DATABASE_URL": url}
            self._process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return not os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)

    @property
    def is_told_of(self) -> bool:
        """Whether somebody has waited for its end."""
        return self._process.returncode is not None

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.send_signal(signal.SIGKILL)

    def end(self) -> ImportEnd:
        """Wait until it has ended."""
        eventually(lambda: not self.is_running, SECONDS)
        _, status, used = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - self._began
        printed = self._printed.read_text(encoding="utf-8")
        return ImportEnd(self._process.returncode, printed, seconds, used.ru_maxrss / 1_024)


@contextmanager
def importing(url: str, folder: Path, *arguments: str) -> Iterator[ImportProcess]:
    """Run an import until it or the block ends."""
    process = ImportProcess(url, folder, *arguments)
    try:
        yield process
    finally:
        if not process.is_told_of:
            process.kill()
            process.end()


def brought_in(url: str) -> int:
    """Return how many entries imports have made; -1 while the database cannot be asked."""
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            return _one(connection, "SELECT count(*) FROM entries WHERE starts_with(request_id, %s)", [OF_AN_IMPORT])
    except psycopg.OperationalError:
        return -1


def require_each_once(url: str, rows: int, credits: int) -> None:
    """Verify that imports have made an entry for each row, and none twice, with all of the credits."""
    with psycopg.connect(url, autocommit=True) as connection:
        of_imports = f"FROM entries WHERE starts_with(request_id, '{OF_AN_IMPORT}')"
        assert _one(connection, f"SELECT count(*) {of_imports}") == rows
        assert _one(connection, f"SELECT count(DISTINCT (account_id, request_id)) {of_imports}") == rows
        assert _one(connection, f"SELECT sum(available_delta) {of_imports}") == credits


def _one(connection: psycopg.Connection, query: str, parameters: Sequence[str] = ()) -> int:
    (found,) = connection.execute(query, parameters or None).fetchone() or (0,)
    return int(found)
