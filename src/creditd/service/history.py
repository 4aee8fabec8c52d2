"""The history: pages of the ledger and of reservations, and movements as they happen."""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple

from creditd.domain.wallet import WalletKey
from creditd.ledger.balances import as_of
from creditd.ledger.clock import DatabaseClock
from creditd.service.pages import SCANNED_ROWS, Asked, Page, PageTokens, Shown, fitting, query_of
from creditd.service.threads import Threads
from creditd.storage import entries, reservations, wallets
from creditd.storage.archive.archives import ArchivedPart, archived_parts
from creditd.storage.database import Connection, Database
from creditd.storage.entries import EntryFilter, Spans, Total
from creditd.storage.reservations import ReservationFilter
from creditd.storage.rows import ListedEntry, ListedReservation

COUNTED_ROWS = 10_000
"""The most rows that a total counts: as many as a page may scan, and more than anybody pages through."""


ENTRIES_AT_A_TIME = 100
"""Movements read for one watcher at a time, so that one far behind does not delay the others."""


class EntryPage(NamedTuple, Generic[Shown]):
    """A page of the ledger; an empty token ends the list, and the total is None unless it was asked for.

    ``archived`` are the parts of ledgers that were asked for and that are in files.
    """

    entries: list[Shown]
    next_page_token: str
    total: Total | None
    archived: Sequence[ArchivedPart] = ()


class History:
    """Reads pages, newest first, and the movements after a version, oldest first.

    All raise DatabaseUnavailable, Overloaded, ShuttingDown.
    """

    def __init__(self, database: Database, clock: DatabaseClock, threads: Threads, tokens: PageTokens) -> None:
        """Read through ``database``."""
        self._database = database
        self._clock = clock
        self._threads = threads
        self._tokens = tokens

    async def entries(
        self, wanted: EntryFilter, asked: Asked, show: Callable[[ListedEntry], Shown], *, with_total: bool
    ) -> EntryPage[Shown]:
        """Return a page of an account's ledger, each entry as ``show`` writes it. Raises PageTokenInvalid.

        A page ends after SCANNED_ROWS rows were scanned, with a token to continue.
        """
        return await self._threads.pages.submit(
            lambda: self._entries(wanted, asked, show, with_total=with_total), owner=wanted.account_id
        )

    def _entries(
        self, wanted: EntryFilter, asked: Asked, show: Callable[[ListedEntry], Shown], *, with_total: bool
    ) -> EntryPage[Shown]:
        query = _entries_query(wanted)
        cursor = self._tokens.open(query, asked.page_token) if asked.page_token else None
        with self._database.listing() as connection:
            whole = entries.spans(connection, wanted)
            rest = whole if cursor is None else _before(whole, cursor)
            looked_at = entries.newest(connection, wanted, rest, SCANNED_ROWS)
            found = entries.page(connection, wanted, looked_at, asked.size + 1)
            total = entries.count_all(connection, wanted, whole, COUNTED_ROWS) if with_total else None
            archived = archived_of(connection, wanted, whole)
        if total and archived:
            total = total._replace(is_exact=False)
        shown = fitting(found, asked.size, show)
        token = ""
        if len(shown) < len(found):
            last = {listed.entry.credit_type: listed.entry.version for listed in found[: len(shown)]}
            token = self._tokens.seal(query, {name: span.below for name, span in rest.items()} | last)
        elif looked_at != rest:
            token = self._tokens.seal(query, {name: span.first for name, span in looked_at.items()})
        return EntryPage(shown, token, total, archived)

    async def reservations(
        self, wanted: ReservationFilter, asked: Asked, show: Callable[[ListedReservation], Shown]
    ) -> Page[Shown]:
        """Return a page of an account's reservations in their current state, each as ``show`` writes it.

        A page for which SCANNED_ROWS were looked at ends there, with a token to go on from. Raises PageTokenInvalid.
        """
        return await self._threads.pages.submit(
            lambda: self._reservations(wanted, asked, show), owner=wanted.account_id
        )

    def _reservations(
        self, wanted: ReservationFilter, asked: Asked, show: Callable[[ListedReservation], Shown]
    ) -> Page[Shown]:
        query = query_of("reservations", account=wanted.account_id, credit_type=wanted.credit_type, state=wanted.state)
        before = self._tokens.open(query, asked.page_token) if asked.page_token else ""
        now = self._clock.now()
        with self._database.listing() as connection:
            look = reservations.page(connection, wanted, before, now, count=asked.size + 1, rows=SCANNED_ROWS)
        found = [listed._replace(reservation=as_of(listed.reservation, now)) for listed in look.reservations]
        page = self._tokens.page(query, found, asked.size, show, lambda listed: listed.reservation.reservation_id)
        if look.end is not None and not page.next_page_token:
            return page._replace(next_page_token=self._tokens.seal(query, look.end))
        return page

    async def versions(self, keys: Sequence[WalletKey]) -> dict[WalletKey, int]:
        """Return the versions of those wallets that exist. One query serves all watchers."""
        return await self._threads.watching(lambda: self._versions(keys))

    def _versions(self, keys: Sequence[WalletKey]) -> dict[WalletKey, int]:
        with self._database.autocommit() as connection:
            return wallets.versions(connection, list(keys))

    async def after(self, key: WalletKey, version: int) -> list[ListedEntry]:
        """Return the next movements of a wallet after a version, in order and without a gap. Raises EntriesArchived."""
        return await self._threads.watching(lambda: self._after(key, version))

    def _after(self, key: WalletKey, version: int) -> list[ListedEntry]:
        with self._database.autocommit() as connection:
            found = entries.entries_after(connection, key.account_id, key.credit_type, version, ENTRIES_AT_A_TIME)
            if found and found[-1].entry.version != version + len(found):
                for part in archived_parts(connection, key.account_id, [key.credit_type]).values():
                    raise part.refusal(key.account_id)
                # They came back since they were looked for.
                return entries.entries_after(connection, key.account_id, key.credit_type, version, ENTRIES_AT_A_TIME)
            return found


def archived_of(connection: Connection, wanted: EntryFilter, whole: Spans) -> list[ArchivedPart]:
    """Return the parts of ledgers that a filter asks for, within its whole spans, and that are in files."""
    if wanted.is_always_there:
        return []
    parts = archived_parts(connection, wanted.account_id, whole.keys())
    return [part for code, part in sorted(parts.items()) if whole[code].first <= part.last_version]


def _entries_query(wanted: EntryFilter) -> bytes:
    return query_of(
        "entries",
        account=wanted.account_id,
        credit_type=wanted.credit_type,
        kinds=wanted.kinds,
        reservation=wanted.reservation_id,
        start=wanted.start_time,
        end=wanted.end_time,
    )


def _before(whole: Spans, cursor: dict[str, int]) -> Spans:
    """Return the parts of the spans below a page's end; a wallet missing from it was opened since."""
    return {name: span._replace(below=cursor.get(name, span.first)) for name, span in whole.items()}
