"""The importer: brings spooled rows into the ledger, in batches, each row once whoever repeats it and however often.

Each row is a command that the domain decides and the ledger's writer saves, under a request id that is made from its
key. So it may be killed at any point and run again, beside servers that serve.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Final, NamedTuple

from creditd.domain.commands import Add, Clawback
from creditd.domain.controls.audit_event import Act, Document
from creditd.domain.entry import EntryKind
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
from creditd.service.transfer.import_known import BATCH_ROWS, KnownRow, batches, look_up
from creditd.service.transfer.import_row import DEBT
from creditd.service.transfer.import_spool import SpooledRow, SpooledStatus
from creditd.service.transfer.patience import Patience
from creditd.storage.controls import audit
from creditd.storage.database import Database
from creditd.telemetry.statistics import LedgerStatistics

LANES: Final = 2
"""Batches under way at once: the next one is decided here while PostgreSQL saves the one before. More would gain
nothing, since one interpreter decides all of them."""

OUTSIDE: Final = "creditd import"
"""Who brings rows in, as ledger and audit log tell it: no caller of an RPC can."""


class ImportResult(NamedTuple):
    """What became of a row; ``refusal`` is None for one that was brought in, by this run or, ``replayed``, before."""

    spooled: SpooledRow
    replayed: bool
    refusal: Refusal | None = None


class Importer:
    """Brings rows in, some batches at a time. Used by one thread, and has threads of its own."""

    def __init__(
        self, database: Database, clock: DatabaseClock, rules: Rules, sign_up_credits: dict[str, int], pace: int = 0
    ) -> None:
        """Write to ``database``; an account that is opened gets ``sign_up_credits`` on top, none if that is empty.

        With a ``pace``, rows a second, there is one batch under way, of no more than a quarter of a second's rows.
        """
        self._database = database
        self._batches = database.for_batches()
        self._clock = clock
        self._patience = Patience(database)
        self._make_id = Ids(clock.now)
        self._lanes = 1 if pace else LANES
        self._batch_rows = max(1, min(BATCH_ROWS, pace // 4)) if pace else BATCH_ROWS
        terms = Terms(rules, sign_up_credits, self._make_id)
        self._writers: SimpleQueue[Writer] = SimpleQueue()
        for _ in range(self._lanes):
            # One that is apart takes wallets of any size, and leaves nothing to a next batch.
            self._writers.put(Writer(self._batches, terms, clock, LedgerStatistics(), is_apart=True))
        self._accounts = AccountLedger(TransactionLedger(database, terms, clock), rules, self._make_id)

    def close(self) -> None:
        """Close the connections of its own."""
        self._batches.close()

    def tell(self, kind: str, document: Document) -> None:
        """Tell of the import in the audit log: once before its first row, and once after its last."""
        act = Act(Origin(OUTSIDE, reason="import"), kind, "", ())

        def append() -> None:
            with self._database.transaction() as connection:
                audit.append(connection, act.done(self._make_id(), self._clock.now(), "imports", after=document))

        # A commit whose answer was lost is told twice, rather than not at all.
        self._patience.tried(append)

    def bring_in(self, rows: Iterable[SpooledRow]) -> Iterator[Sequence[ImportResult]]:
        """Bring rows in, and give what became of them, a batch at a time, in their order. Raises TransferStopped."""
        under_way: deque[Future[list[ImportResult]]] = deque()
        patience = Patience(self._database)
        with ThreadPoolExecutor(self._lanes, thread_name_prefix="import") as pool:
            try:
                for batch in batches(rows, self._batch_rows):
                    if len(under_way) == self._lanes:
                        yield under_way.popleft().result()
                    under_way.append(pool.submit(self._bring_in, batch, patience))
                while under_way:
                    yield under_way.popleft().result()
            finally:
                # After a failure nobody waits out the patience of the others.
                patience.end()

    def _bring_in(self, batch: Sequence[SpooledRow], patience: Patience) -> list[ImportResult]:
        known = patience.tried(lambda: look_up(self._database, batch))
        results = [_as_known(row) for row in known if row.is_there]
        return [*results, *self._write([row.spooled for row in known if not row.is_there], patience)]

    def set_status(self, status: SpooledStatus, name: str) -> None:
        """Give an account its status, if it has another. Raises TransferStopped, Refusal."""
        request_id = f"import:{name}:status:{status.status.name}"
        act = Act(Origin(OUTSIDE, request_id, int(status.status), "import"), "account.set_status", "", ())
        account_id, wanted = status.account_id, status.status
        self._patience.tried(lambda: self._accounts.set_status(account_id, wanted, act, allow_balance=True))

    def _write(self, batch: Sequence[SpooledRow], patience: Patience) -> list[ImportResult]:
        works = {self._work(spooled): spooled for spooled in batch}
        results: list[ImportResult] = []
        waiting = list(works)

        def write() -> None:
            nonlocal waiting
            written = writer.write(waiting) if waiting else None
            waiting = [work for work, _ in written.apart] if written else []
            for work, result in written.results if written else ():
                if isinstance(result, DatabaseUnavailable | VersionConflict):
                    waiting.append(work)
                else:
                    results.append(_result(works[work], result))
            if waiting:
                raise DatabaseUnavailable

        writer = self._writers.get()
        try:
            patience.tried(write)
        finally:
            self._writers.put(writer)
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


def _as_known(row: KnownRow) -> ImportResult:
    if row.is_as_told:
        return ImportResult(row.spooled, replayed=True)
    assert row.entry is not None  # noqa: S101 - a row without an entry is as it is told, or not there.
    entry = row.entry
    refusal = reused(row.spooled.request_id, entry.kind.name, entry.create_time)
    return ImportResult(row.spooled, replayed=True, refusal=refusal)


def _result(spooled: SpooledRow, result: Result) -> ImportResult:
    if isinstance(result, Outcome):
        # That it was not there is known: what is found done here, this run has done, and has lost the answer of.
        return ImportResult(spooled, replayed=False)
    if isinstance(result, Refusal):
        return ImportResult(spooled, replayed=False, refusal=result)
    raise result
