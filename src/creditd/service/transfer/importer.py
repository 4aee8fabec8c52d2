"""The importer: brings spooled rows into the ledger, in batches, each row once whoever repeats it and however often.

Each row is a command that the domain decides and the ledger's writer saves, under a request id that is made from its
key. So it may be killed at any point and run again, beside servers that serve.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from creditd.domain.commands import Add, Clawback
from creditd.domain.controls.audit_event import Act, Document
from creditd.domain.entry import Entry, EntryKind
from creditd.domain.errors import Refusal, reused
from creditd.domain.grants import Source
from creditd.domain.wallet import Origin, Rules, WalletKey
from creditd.ledger.accounts import AccountLedger
from creditd.ledger.batch import Terms
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.ids import Ids
from creditd.ledger.transaction import TransactionLedger
from creditd.ledger.work import DatabaseUnavailable, Outcome, Result, Step, VersionConflict, Work
from creditd.ledger.writer import Writer
from creditd.service.call import metadata_text
from creditd.service.transfer.import_row import DEBT
from creditd.service.transfer.import_spool import SpooledRow, SpooledStatus
from creditd.storage.controls import audit
from creditd.storage.database import Database
from creditd.storage.failures import SaveFailure, classify
from creditd.storage.requests import RequestKey, load_requests
from creditd.telemetry.statistics import LedgerStatistics

Answer = TypeVar("Answer")

BATCH_ROWS: Final = 256
"""Rows of a transaction, as many as a server's own batches have: it takes some tens of milliseconds."""

PATIENCE_SECONDS: Final = 60.0
"""How long rows are tried again while the database is away, or others hold what they need."""

PAUSE_SECONDS: Final = 0.25
"""Between two tries, jittered over the whole of it."""

OUTSIDE: Final = "creditd import"
"""Who brings rows in, as ledger and audit log tell it: no caller of an RPC can."""


class ImportResult(NamedTuple):
    """What became of a row; ``refusal`` is None for one that was brought in, by this run or, ``replayed``, before."""

    spooled: SpooledRow
    replayed: bool
    refusal: Refusal | None = None


class ImportStopped(Exception):
    """The database stayed out of reach, or rows stayed held; all that was brought in stays, and a run goes on there."""


class Importer:
    """Brings rows in by one connection, a batch at a time. Used by one thread."""

    def __init__(self, database: Database, clock: DatabaseClock, rules: Rules, sign_up_credits: dict[str, int]) -> None:
        """Write to ``database``; an account that is opened gets ``sign_up_credits`` on top, none if that is empty."""
        self._database = database
        self._batches = database.for_batches()
        self._clock = clock
        self._make_id = Ids(clock.now)
        terms = Terms(rules, sign_up_credits, self._make_id)
        # One that is apart takes wallets of any size, and leaves nothing to a next batch.
        self._writer = Writer(self._batches, terms, clock, LedgerStatistics(), is_apart=True)
        self._accounts = AccountLedger(TransactionLedger(database, terms, clock), rules, self._make_id)

    def close(self) -> None:
        """Close the connections of its own."""
        self._batches.close()

    def tell(self, kind: str, document: Document) -> None:
        """Tell of the import in the audit log: once before its first row, and once after its last."""
        act = Act(Origin(OUTSIDE, reason="import"), kind, "", ())
        with self._database.transaction() as connection:
            audit.append(connection, act.done(self._make_id(), self._clock.now(), "imports", after=document))

    def known(self, rows: Iterable[SpooledRow]) -> Iterator[tuple[SpooledRow, Entry | None]]:
        """Give each row with what a run before has brought in by its request id; None if nothing."""
        for batch in _batches(rows):
            yield from self._tried(partial(self._known, batch))

    def bring_in(self, rows: Iterable[SpooledRow]) -> Iterator[Sequence[ImportResult]]:
        """Bring rows in, and give what became of them, a batch at a time. Raises ImportStopped."""
        for batch in _batches(rows):
            known = self._tried(partial(self._known, batch))
            results = [_as_known(spooled, entry) for spooled, entry in known if entry is not None]
            left = [spooled for spooled, entry in known if entry is None]
            yield [*results, *self._write(left)]

    def set_status(self, status: SpooledStatus, name: str) -> None:
        """Give an account its status, if it has another. Raises ImportStopped, Refusal."""
        request_id = f"import:{name}:status:{status.status.name}"
        act = Act(Origin(OUTSIDE, request_id, int(status.status), "import"), "account.set_status", "", ())
        self._tried(lambda: self._accounts.set_status(status.account_id, status.status, act, allow_balance=True))

    def _known(self, batch: Sequence[SpooledRow]) -> list[tuple[SpooledRow, Entry | None]]:
        keys = [RequestKey(one.row.account_id, one.request_id) for one in batch]
        with self._database.autocommit() as connection:
            found = load_requests(connection, keys)
        before = [found[key][0] if key in found else None for key in keys]
        return list(zip(batch, before, strict=True))

    def _write(self, batch: Sequence[SpooledRow]) -> list[ImportResult]:
        works = {self._work(spooled): spooled for spooled in batch}
        results: list[ImportResult] = []
        waiting = list(works)

        def write() -> None:
            nonlocal waiting
            written = self._writer.write(waiting) if waiting else None
            waiting = [work for work, _ in written.apart] if written else []
            for work, result in written.results if written else ():
                if isinstance(result, DatabaseUnavailable | VersionConflict):
                    waiting.append(work)
                else:
                    results.append(_result(works[work], result))
            if waiting:
                raise DatabaseUnavailable

        self._tried(write)
        return results

    def _work(self, spooled: SpooledRow) -> Work:
        row = spooled.row
        labels = metadata_text({"reference": row.reference}) if row.reference else ""
        origin = Origin(OUTSIDE, spooled.request_id, spooled.fingerprint, row.reason, labels)
        if not row.amount:
            return Work.opening(row.account_id, Origin(OUTSIDE))
        key = WalletKey(row.account_id, row.credit_type)
        if row.source == DEBT:
            return Work.of((Step(key, Clawback(origin, (), row.amount)),))
        source, amount = Source(row.source), row.amount
        add = Add(origin, EntryKind.ADMIN_ADD, self._make_id(), source, amount, row.expire_time)
        return Work.of((Step(key, add),))

    def _tried(self, act: Callable[[], Answer]) -> Answer:
        """Do something that may be done twice, again while the database is away or others hold what it needs."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return act()
            except Exception as error:
                away = isinstance(error, DatabaseUnavailable | VersionConflict)
                if isinstance(error, Refusal) or not (away or classify(error) is not SaveFailure.OTHER):
                    raise
                if time.monotonic() >= end:
                    raise ImportStopped from error
                self._database.forget_connections()
                time.sleep(random.uniform(0, PAUSE_SECONDS))  # noqa: S311 - jitter is no secret.


def _batches(rows: Iterable[SpooledRow]) -> Iterator[list[SpooledRow]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH_ROWS)):
        yield batch


def _as_known(spooled: SpooledRow, entry: Entry) -> ImportResult:
    if entry.fingerprint == spooled.fingerprint:
        return ImportResult(spooled, replayed=True)
    return ImportResult(spooled, replayed=True, refusal=reused(spooled.request_id, entry.kind.name, entry.create_time))


def _result(spooled: SpooledRow, result: Result) -> ImportResult:
    if isinstance(result, Outcome):
        return ImportResult(spooled, result.replayed)
    if isinstance(result, Refusal):
        return ImportResult(spooled, replayed=False, refusal=result)
    raise result
