"""What happened: pages of the ledger and of reservations."""

from typing import NamedTuple

from creditd.domain.entry import Entry
from creditd.domain.reservation import Reservation
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.reading import as_of
from creditd.service.pages import DEFAULT_PAGE_SIZE, PageTokens, query_of
from creditd.storage import reservations, transactions
from creditd.storage.database import Database
from creditd.storage.reservations import ReservationFilter
from creditd.storage.transactions import EntryFilter, Span


class EntryPage(NamedTuple):
    """A page of the ledger; an empty token ends it, and the total is None unless it was asked for."""

    entries: list[Entry]
    next_page_token: str
    total: int | None


class ReservationPage(NamedTuple):
    """A page of reservations; an empty token ends it."""

    reservations: list[Reservation]
    next_page_token: str


class History:
    """Reads pages, newest first."""

    def __init__(self, database: Database, clock: DatabaseClock, tokens: PageTokens) -> None:
        """Read through ``database``."""
        self._database = database
        self._clock = clock
        self._tokens = tokens

    def entries(self, wanted: EntryFilter, page_size: int, page_token: str, *, with_total: bool) -> EntryPage:
        """Return a page of an account's ledger. Raises PageTokenInvalid."""
        size = page_size or DEFAULT_PAGE_SIZE
        query = _entries_query(wanted)
        with self._database.autocommit() as connection:
            whole = transactions.spans(connection, wanted)
            cursor = self._tokens.open(query, page_token) if page_token else _from_the_newest(whole)
            rest = {name: span._replace(below=cursor.get(name, span.first)) for name, span in whole.items()}
            found = list(transactions.page(connection, wanted, rest, size + 1))
            total = transactions.count_all(connection, wanted, whole) if with_total else None
        page = found[:size]
        ends = {name: span.below for name, span in rest.items()} | {e.credit_type: e.version for e in page}
        return EntryPage(page, self._tokens.seal(query, ends) if len(found) > size else "", total)

    def reservations(self, wanted: ReservationFilter, page_size: int, page_token: str) -> ReservationPage:
        """Return a page of an account's reservations, each in its state at this instant. Raises PageTokenInvalid."""
        size = page_size or DEFAULT_PAGE_SIZE
        query = query_of("reservations", account=wanted.account_id, credit_type=wanted.credit_type, state=wanted.state)
        before = self._tokens.open(query, page_token) if page_token else ""
        now = self._clock.now()
        with self._database.autocommit() as connection:
            found = reservations.page(connection, wanted, before, now, size + 1)
        page = [as_of(reservation, now) for reservation in found[:size]]
        token = self._tokens.seal(query, page[-1].reservation_id) if len(found) > size else ""
        return ReservationPage(page, token)


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


def _from_the_newest(whole: dict[str, Span]) -> dict[str, int]:
    return {name: span.below for name, span in whole.items()}
