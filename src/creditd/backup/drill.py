"""A drill: a backup restored to a scratch place and proved there, so that a restore is nothing new when it is needed.

Of the ledger every entry is added up and compared with the balances (VerifyLedger), and the chain of seals is held
against what it seals. Nothing is left of it but the note that it was done.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from creditd.backup.backup_folder import BackupFolder
from creditd.backup.manifest import Manifest
from creditd.backup.private_server import PrivateServer
from creditd.backup.restoration import Restoration, Took, owner_for
from creditd.identity.storage.schema import IDENTITY
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.seal_verification import ChainVerification, EntrySealVerification
from creditd.ledger.verification import Checked, Verification
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.migrations.schema_rules import LEDGER
from creditd.storage.schema import schema_head

# What a drill writes need not outlive the machine.
_FAST: Final = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}

SHOWN: Final = 20
"""Differences that are told of each kind; the others are counted."""

_DATABASES: Final = "SELECT datname::text FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"


class NotProved(Exception):
    """What was restored is not what it has to be; the message says in what."""


class Drill:
    """One drill. ``tell`` is told of each step that was done."""

    def __init__(self, folder: BackupFolder, restoration: Restoration, tell: Callable[[Took], object]) -> None:
        """Drill what a restoration restores."""
        self._folder = folder
        self._restoration = restoration
        self._tell = tell
        self._ended: datetime | None = None

    def run(self, scratch: Path) -> Manifest:
        """Restore to a new folder in ``scratch``, prove it, and leave nothing; return what was proved.

        Raises NotProved, CannotRestore, BrokenBackup, MissingProgram, NoAccount, psycopg.Error, OSError,
        sqlalchemy.exc.SQLAlchemyError.
        """
        with self._restoration.proved() as found:
            place = Path(tempfile.mkdtemp(prefix="creditd-drill-", dir=scratch))
            try:
                data = place / "data"
                data.mkdir(mode=0o700)
                owner = owner_for(data)
                # The account that PostgreSQL runs under has to pass it.
                place.chmod(0o711)
                self._restoration.unpack(found, data, owner)
                with self._restoration.recovered(found, data, owner, _FAST) as server:
                    self._prove(found, server)
            finally:
                shutil.rmtree(place, ignore_errors=True)
            if self._ended:
                self._folder.note_drill(found.name, self._ended)
        return found

    def _prove(self, found: Manifest, server: PrivateServer) -> None:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            databases = [name for (name,) in connection.execute(_DATABASES).fetchall()]
        ledgers = set()
        for name in databases:
            with psycopg.connect(server.url(name), autocommit=True) as connection:
                self._require_revision(found, name, connection)
                row: Any = connection.execute("SELECT clock_timestamp(), to_regclass('entries') IS NOT NULL").fetchone()
            if row[1]:
                ledgers.add(name)
                self._prove_ledger(server.url(name))
            self._ended = row[0]
        missing = {name for name, revision in found.revisions.items() if revision} - ledgers
        if missing:
            message = f"no ledger was found in {', '.join(sorted(missing))}, which had one"
            raise NotProved(message)

    def _require_revision(self, found: Manifest, name: str, connection: psycopg.Connection) -> None:
        """Raise NotProved if the schema of a database is not the one that was backed up."""
        began = time.monotonic()
        for schema in (LEDGER, IDENTITY):
            there: Any = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [schema.revisions]).fetchone()
            if not there[0]:
                continue
            query = sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(schema.revisions))
            row = connection.execute(query).fetchone()
            revision = str(row[0]) if row else ""
            expected = found.revisions.get(name, "") if schema is LEDGER else ""
            if not revision or revision < expected:
                message = f"the schema of {name} is at {revision or 'nothing'}, not at {expected}"
                raise NotProved(message)
            whose = "the ledger's" if schema is LEDGER else "identity's"
            result = f"{name} has {whose} schema {revision}; this version's is {schema_head(schema)}"
            self._tell(Took("schema", result, time.monotonic() - began))

    def _prove_ledger(self, url: str) -> None:
        database = Database(DatabaseSettings(url, role="", pool_size=1))
        try:
            clock = DatabaseClock()
            clock.look(database)
            self._proved("ledger", _ledger(database, clock))
            self._proved("audit chain", _chain(database))
            self._proved("sealed entries", _sealed(database))
        finally:
            database.close()

    def _proved(self, step: str, findings: Iterator[tuple[bool, str]]) -> None:
        """Take a step to its end: the problems that it gives, and last what it comes to."""
        began = time.monotonic()
        problems, result = 0, ""
        for is_result, said in findings:
            if is_result:
                result = said
                continue
            problems += 1
            if problems <= SHOWN:
                self._tell(Took(step, f"NOT RIGHT: {said}", time.monotonic() - began))
        self._tell(Took(step, f"{result}, {problems} differences", time.monotonic() - began))
        if problems:
            message = f"{step}: {problems} differences"
            raise NotProved(message)


def _ledger(database: Database, clock: DatabaseClock) -> Iterator[tuple[bool, str]]:
    verification = Verification(database, clock.now)
    while not verification.is_done:
        for finding in verification.step():
            if isinstance(finding, Checked):
                yield True, f"{finding.entries} entries of {finding.wallets} wallets added up"
            else:
                wallet, (version, name, expected, found) = finding.wallet, finding.difference
                yield False, f"{wallet.account_id} {wallet.credit_type} {version}: {name} {found}, not {expected}"


def _chain(database: Database) -> Iterator[tuple[bool, str]]:
    chain = ChainVerification(database)
    while not chain.is_done:
        for broken in chain.step():
            yield False, f"seal {broken.seal_number}: {broken.problem}"
    yield True, f"{chain.checked} seals verified"


def _sealed(database: Database) -> Iterator[tuple[bool, str]]:
    stretches = EntrySealVerification(database)
    while not stretches.is_done:
        for broken in stretches.step():
            yield False, f"{broken.wallet.account_id} up to version {broken.version}: {broken.problem}"
    archived = f", {stretches.archived} of them of archived entries" if stretches.archived else ""
    yield True, f"{stretches.checked} seals of entries verified{archived}"
