"""``creditd import``: accounts and their balances, from CSV or JSON lines into the ledger.

Without --apply nothing is done: every row is checked, and what would be done is told. Amounts are whole numbers of the
smallest unit, as in calls. A row is brought in once, however often the import is run, killed or its file sorted anew;
another import with rows of its own needs a --name of its own. Servers may serve meanwhile. Ends with 1 if a row is not
fit, or an account of the files has other credits than they say.
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from creditd.bootstrap.core import rules_from
from creditd.cli.arguments import Arguments, one_of
from creditd.cli.findings import Findings, findings_to
from creditd.cli.output import DONE, FAILED, MISUSED, CommandFailure, say
from creditd.cli.progress import ProgressBar
from creditd.cli.tables import table
from creditd.cli.transfer_database import OUT_OF_REACH, transfer_database
from creditd.config import Config, configuration
from creditd.domain.account import AccountStatus
from creditd.domain.errors import Refusal
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.work import Overloaded
from creditd.service.transfer.account_states import account_states
from creditd.service.transfer.import_comparison import NOTES, DifferenceKind, differences
from creditd.service.transfer.import_file import FileFormat, FileRefused, FileRow, HashedStream, rows_of
from creditd.service.transfer.import_known import KnownRow, known_rows
from creditd.service.transfer.import_row import RowRefused, row_from, source_name
from creditd.service.transfer.import_spool import Spool, SpooledRow, SpooledStatus
from creditd.service.transfer.importer import Importer
from creditd.service.transfer.patience import TransferStopped
from creditd.storage.credit_types import all_credit_types
from creditd.storage.database import Database

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def command(argv: Sequence[str]) -> int:
    """Check, and bring in if that is wanted."""
    arguments = command_parser().parsed(argv)
    config = configuration()
    try:
        return _read_in(arguments, config)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandFailure(f"{error.filename or 'a file'}: {error.strerror}") from error


def _read_in(arguments: argparse.Namespace, config: Config) -> int:
    with transfer_database(config) as (database, clock), findings_to(arguments.findings) as findings:
        with database.autocommit() as connection:
            known = all_credit_types(connection).keys()
        with Spool() as spool:
            run = _Run(arguments, config, database, clock, spool, findings)
            for path in arguments.files:
                run.read(path, frozenset(known))
            try:
                return run.finish()
            except TransferStopped:
                raise CommandFailure(OUT_OF_REACH) from None


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("import", __doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help="CSV or JSON lines; - is standard input")
    parser.add_argument("--format", type=one_of(("csv", "jsonl")), metavar="csv|jsonl", help="else by the file's name")
    parser.add_argument("--name", type=_name, default="import", help="of this import; the default is import")
    parser.add_argument("--findings", type=Path, metavar="FILE", help="write every finding to this file, as CSV")
    parser.add_argument("--pace", type=_pace, metavar="ROWS", help="bring in at most so many rows in a second")
    parser.add_argument("--sign-up-credits", action="store_true", help="give opened accounts these on top")
    acts = parser.add_mutually_exclusive_group()
    acts.add_argument("--dry-run", action="store_true", help="only check, and say what would be done: the default")
    acts.add_argument("--apply", action="store_true", help="bring the rows in, then compare")
    acts.add_argument("--compare", action="store_true", help="only compare the files with the service")
    return parser


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("1 to 64 of A-Z a-z 0-9 . _ -")
    return text


def _pace(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows from 1 on")
    return int(text)


@contextmanager
def _opened(path: str) -> Iterator[HashedStream]:
    if path == "-":
        yield HashedStream(cast("BinaryIO", sys.stdin.buffer))
        return
    if not Path(path).is_file() and not Path(path).is_fifo():
        raise CommandFailure(f"{path}: there is no such file", MISUSED)
    with Path(path).open("rb", buffering=0) as file:
        yield HashedStream(cast("BinaryIO", file))


class _Run:
    """One run of an import."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        config: Config,
        database: Database,
        clock: DatabaseClock,
        spool: Spool,
        findings: Findings,
    ) -> None:
        self._arguments = arguments
        self._config = config
        self._rules = rules_from(config)
        self._database = database
        self._clock = clock
        self._spool = spool
        self._findings = findings
        self._rows = 0
        self._digests: dict[str, str] = {}
        self._totals: Counter[tuple[str, str]] = Counter()

    def read(self, path: str, known: frozenset[str]) -> None:
        """Check the rows of a file, and spool those that are fit. Raises CommandFailure."""
        file_format = self._arguments.format or Path(path).suffix.removeprefix(".")
        if file_format not in {"csv", "jsonl"}:
            raise CommandFailure(f"{path}: say with --format whether it is csv or jsonl", MISUSED)
        bar = ProgressBar("rows read")
        with _opened(path) as stream:
            try:
                for found in rows_of(stream, FileFormat(file_format)):
                    self._take(f"{path}:{found.line}", found, known)
                    bar.advance()
            except FileRefused as error:
                raise CommandFailure(f"{path}: {error}") from None
            self._digests[path] = stream.digest
        bar.end()

    def _take(self, place: str, found: FileRow, known: frozenset[str]) -> None:
        account_id = found.fields.get("account_id", "")[:128]
        if found.problem:
            self._findings.tell(place, account_id, found.problem)
            return
        try:
            row = row_from(found.fields, known)
        except RowRefused as error:
            self._findings.tell(place, account_id, str(error))
            return
        if row.status is not None:
            before = self._spool.set_status(SpooledStatus(account_id, row.status, place))
            if before and before.status != row.status:
                self._findings.tell(place, account_id, f"status: {before.place} says {before.status.name}")
        if row.expire_time is not None and row.expire_time <= self._clock.now():
            self._findings.tell(place, account_id, "it has lapsed, and is left out", is_fault=False)
            return
        spooled = SpooledRow(row.request_id(self._arguments.name), row.fingerprint, place, row)
        twin = self._spool.add(spooled)
        if twin is None:
            self._rows += 1
            if row.amount:
                self._totals[row.credit_type, source_name(row.source)] += row.amount
        elif twin.fingerprint == spooled.fingerprint:
            self._findings.tell(place, account_id, f"it is the same as {twin.place}, and counts once")
        else:
            self._findings.tell(place, account_id, f"{twin.place} says otherwise of the same key")

    def finish(self) -> int:
        """Do what is wanted with the rows; return the exit code."""
        self._summarise()
        if self._arguments.compare:
            return self._compare()
        if self._findings.faults:
            say("nothing was brought in: the files have findings" if self._arguments.apply else "it is not fit")
            return FAILED
        if not self._arguments.apply:
            return self._foretell()
        gifts = dict(self._config.sign_up_credits) if self._arguments.sign_up_credits else {}
        importer = Importer(self._database, self._clock, self._rules, gifts, self._arguments.pace or 0)
        try:
            self._apply(importer)
        finally:
            importer.close()
        return self._compare()

    def _summarise(self) -> None:
        say(f"{self._rows} rows of {self._spool.count_accounts()} accounts")
        if self._totals:
            say(table(("credit_type", "source", "amount"), [(*key, n) for key, n in sorted(self._totals.items())]))

    def _foretell(self) -> int:
        bar = ProgressBar("rows looked up", self._rows)
        there = 0
        for row in known_rows(self._database, self._spool.rows()):
            bar.advance()
            if row.is_there and not row.is_as_told:
                self._findings.tell(row.spooled.place, row.spooled.row.account_id, "it was brought in otherwise before")
            there += row.is_there
        bar.end()
        say(f"{self._rows - there} rows would be brought in, {there} are already; nothing was done: see --apply")
        return FAILED if self._findings.faults else DONE

    def _apply(self, importer: Importer) -> None:
        # As texts: those of many accounts may be more than JSON's readers take for a number.
        totals = {f"{code}/{source}": str(amount) for (code, source), amount in sorted(self._totals.items())}
        told = {"name": self._arguments.name, "rows": self._rows, "totals": totals, "sha256": self._digests}
        importer.tell("import.begin", told)
        bar = ProgressBar("rows brought in", self._rows)
        began, done, before, refused = time.monotonic(), 0, 0, 0
        for results in importer.bring_in(self._spool.rows()):
            for spooled, replayed, refusal in results:
                if refusal is None:
                    before += replayed
                else:
                    refused += 1
                    facts = ", ".join(f"{name} {value}" for name, value in refusal.facts.items())
                    self._findings.tell(spooled.place, spooled.row.account_id, f"{refusal.reason}: {facts}")
            done += len(results)
            bar.advance(len(results))
            if self._arguments.pace:
                # Not less for a batch that was slow: what comes after it is no faster. What was there takes no time.
                time.sleep(sum(not replayed for _, replayed, _ in results) / self._arguments.pace)
        self._set_statuses(importer)
        bar.end()
        seconds = time.monotonic() - began
        faults = self._findings.faults
        importer.tell("import.end", {"name": self._arguments.name, "rows": done, "before": before, "faults": faults})
        say(f"{done - before - refused} rows brought in, {before} were already, {faults} faults, {seconds:.1f} s")

    def _set_statuses(self, importer: Importer) -> None:
        for status in self._spool.statuses():
            # Accounts are opened active; a suspension of the service's own is not lifted by a file.
            if status.status != AccountStatus.ACTIVE:
                try:
                    importer.set_status(status, self._arguments.name)
                except Refusal as refusal:
                    self._findings.tell(status.place, status.account_id, refusal.reason)

    def _compare(self) -> int:
        states = account_states(self._database, self._clock, self._rules)
        bar = ProgressBar("rows compared", self._rows)
        kinds: Counter[DifferenceKind] = Counter()

        def shown() -> Iterator[KnownRow]:
            for row in known_rows(self._database, self._spool.rows()):
                bar.advance()
                yield row

        try:
            for one in differences(shown(), states):
                kinds[one.kind] += 1
                place = one.place or "compared"
                self._findings.tell(place, one.account_id, one.text, is_fault=one.kind not in NOTES)
        except Overloaded:
            raise CommandFailure("more has expired in an account than was written down yet: compare later") from None
        bar.end()
        rows = kinds[DifferenceKind.MISSING] + kinds[DifferenceKind.OTHERWISE]
        say(
            f"{rows} rows and {kinds[DifferenceKind.BALANCE]} balances differ from the files; "
            f"{kinds[DifferenceKind.MOVED]} balances were moved by others, and {kinds[DifferenceKind.ALONE]} are of "
            "accounts that the files do not have"
        )
        return FAILED if self._findings.faults else DONE
