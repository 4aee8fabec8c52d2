"""Statements: what an account's wallets opened with in a period, each entry, and what they closed with.

A statement is settled when it begins: of each wallet, after which version it opens and with which it closes. Entries
never change, so that whoever goes on later, at whatever server, reads the same.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple, NoReturn, TypeVar

from creditd.domain import errors
from creditd.domain.instant import Instant
from creditd.domain.wallet import WalletKey
from creditd.ledger.clock import DatabaseClock
from creditd.service.pages import SCANNED_ROWS
from creditd.service.threads import Threads
from creditd.storage.archive.archives import archived_parts
from creditd.storage.database import Connection, Database
from creditd.storage.entries import EntryFilter, spans
from creditd.storage.historical_balances import HistoricalBalance, balances_after, versions_at
from creditd.storage.statements import StatementRow, stretch
from creditd.storage.wallets import versions as versions_of

Shown = TypeVar("Shown")

ROWS_AT_A_TIME: Final = 100
"""Entries read and written in one step: some milliseconds, and 20 kB of CSV as a rule. With the longest texts, and
labels of control characters, which JSON writes six times as long, it is 3 MB: less than the 4 MiB that clients take."""

MAX_WALLETS: Final = 100
"""Wallets in one statement: a resume token says where each of them begins and ends, and a request has 16 kB."""

NOT_BEGUN: Final = -1
"""Instead of a version: the first wallet's opening balance is still to be written."""


class WalletPart(NamedTuple):
    """One wallet's part of a statement: its entries after the version ``opening``, up to ``closing``."""

    credit_type: str
    opening: int
    closing: int

    @property
    def rows(self) -> int:
        """How many entries there are: versions have no gap."""
        return self.closing - self.opening


class Position(NamedTuple):
    """Where a statement goes on: the parts to come, and the version that was written last of the first of them."""

    parts: tuple[WalletPart, ...]
    after: int = NOT_BEGUN

    @property
    def rows(self) -> int:
        """How many entries there are, from its beginning."""
        return sum(part.rows for part in self.parts)

    @property
    def is_end(self) -> bool:
        """Whether nothing comes any more."""
        return not self.parts


class Piece(NamedTuple):
    """A piece of one wallet's part: its opening balance if it begins here, entries, its closing one if it ends here."""

    credit_type: str
    opening: HistoricalBalance | None
    rows: Sequence[StatementRow]
    closing: HistoricalBalance | None


class StatementPeriod(NamedTuple):
    """From an instant on, None for the beginning, and before another, None for now."""

    start: Instant | None
    end: Instant | None


class Statements:
    """Reads statements, a piece at a time. Nothing of a statement is kept between two of them.

    All raise DatabaseUnavailable, Overloaded, ShuttingDown.
    """

    def __init__(self, database: Database, clock: DatabaseClock, threads: Threads) -> None:
        """Read through ``database``, on the thread of long reads: the steps of several statements take turns."""
        self._database = database
        self._clock = clock
        self._threads = threads

    async def begin(self, account_id: str, credit_types: Collection[str], period: StatementPeriod) -> Position:
        """Return where a statement begins: of the named credit types, or all, those that had moved by the period's end.

        Raises InvalidField for a period that ends before it begins, begins in the future, or has too many wallets;
        EntriesArchived for one that begins before what is there.
        """
        now = self._clock.now()
        start, end = period
        if start is not None and start > now:
            raise errors.InvalidField(field="start_time", rule="not in the future")
        if start is not None and end is not None and end <= start:
            raise errors.InvalidField(field="end_time", rule="after start_time")
        settled = StatementPeriod(start, None if end is None or end > now else end)
        return await self._threads.verification(lambda: self._begin(account_id, credit_types, settled))

    def _begin(self, account_id: str, credit_types: Collection[str], period: StatementPeriod) -> Position:
        with self._database.listing() as connection:
            newest = _newest(connection, account_id, credit_types)
            if len(newest) > MAX_WALLETS:
                raise errors.InvalidField(field="credit_types", rule=f"at most {MAX_WALLETS} of those that have moved")
            opening = _just_before(connection, account_id, newest, period.start, dict.fromkeys(newest, 0))
            if period.start is None:
                for part in archived_parts(connection, account_id, newest.keys()).values():
                    raise part.refusal(account_id)
            closing = _just_before(connection, account_id, newest, period.end, newest)
        return Position(tuple(WalletPart(code, opening[code], closing[code]) for code in newest if closing[code]))

    async def step(self, account_id: str, position: Position, show: Callable[[Piece], Shown]) -> tuple[Shown, Position]:
        """Return the next piece as ``show`` writes it, on the thread that reads it, and where to go on after it.

        There is one: the position is not the end. Raises EntriesArchived if entries were archived since it began, and
        LookupError if others are missing: a statement with a gap would be believed.
        """
        return await self._threads.verification(lambda: self._step(account_id, position, show))

    def _step(self, account_id: str, position: Position, show: Callable[[Piece], Shown]) -> tuple[Shown, Position]:
        part = position.parts[0]
        begins = position.after == NOT_BEGUN
        after = part.opening if begins else position.after
        with self._database.listing() as connection:
            last = min(after + ROWS_AT_A_TIME, part.closing)
            rows = stretch(connection, account_id, part.credit_type, after, last, ROWS_AT_A_TIME)
            if after + len(rows) != last:
                _refuse_missing(connection, account_id, part.credit_type, after)
            ends = last == part.closing
            wanted = [version for version, is_shown in ((part.opening, begins), (part.closing, ends)) if is_shown]
            figures = [self._figures(connection, account_id, part.credit_type, version) for version in wanted]
        opening = figures[0] if begins else None
        closing = figures[-1] if ends else None
        following = Position(position.parts[1:]) if ends else Position(position.parts, last)
        return show(Piece(part.credit_type, opening, rows, closing)), following

    def _figures(self, connection: Connection, account_id: str, credit_type: str, version: int) -> HistoricalBalance:
        found = balances_after(connection, account_id, {credit_type: version}, self._clock.now())
        if version and credit_type not in found:
            _refuse_missing(connection, account_id, credit_type, version)
        return found.get(credit_type, HistoricalBalance(credit_type, 0, 0, 0, 0, None))


def _refuse_missing(connection: Connection, account_id: str, credit_type: str, after: int) -> NoReturn:
    """Raise EntriesArchived if entries after a version were archived, LookupError if they are missing otherwise."""
    for archived in archived_parts(connection, account_id, [credit_type]).values():
        if after < archived.last_version:
            raise archived.refusal(account_id)
    message = f"entries after version {after} of a wallet are missing"
    raise LookupError(message)


def _newest(connection: Connection, account_id: str, credit_types: Collection[str]) -> dict[str, int]:
    """Return the versions of those of an account's wallets that have moved, by credit type and in its order."""
    if credit_types:
        found = versions_of(connection, [WalletKey(account_id, code) for code in credit_types])
        versions = {key.credit_type: version for key, version in found.items()}
    else:
        whole = spans(connection, EntryFilter(account_id, "", (), None, None, None))
        versions = {code: span.below - 1 for code, span in whole.items()}
    return {code: versions[code] for code in sorted(versions) if versions[code]}


def _just_before(
    connection: Connection,
    account_id: str,
    newest: Mapping[str, int],
    instant: Instant | None,
    otherwise: Mapping[str, int],
) -> Mapping[str, int]:
    """Return the last version of each wallet that counts just before an instant, ``otherwise`` where there is none."""
    if instant is None:
        return otherwise
    return versions_at(connection, account_id, newest, Instant(instant - 1), SCANNED_ROWS)
