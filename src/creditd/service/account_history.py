"""All that happened to an account, as one time line: merged by time from what is kept of each kind.

A page reads one item more of each kind than it shows, by an index, from where the page before has ended in that kind.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from creditd.domain import errors
from creditd.domain.controls.account_flag import AccountFlag
from creditd.domain.controls.approval import Approval
from creditd.domain.instant import Instant
from creditd.domain.payments.payment_event import PaymentEvent
from creditd.ledger.clock import DatabaseClock
from creditd.service.history import archived_of
from creditd.service.pages import SCANNED_ROWS, Asked, LedgerPage, PageTokens, Shown, fitting, query_of
from creditd.service.threads import Threads
from creditd.storage import accounts, entries
from creditd.storage.accounts import AccountChange
from creditd.storage.controls import account_flags, approvals, staff_notes
from creditd.storage.controls.account_flags import FlagFilter
from creditd.storage.controls.approvals import ApprovalFilter
from creditd.storage.database import Connection, Database
from creditd.storage.entries import EntryFilter, Span
from creditd.storage.payments import payment_events, purchases
from creditd.storage.payments.payment_events import EventFilter
from creditd.storage.payments.purchases import ChangePlace, PlacedChange
from creditd.storage.rows import ListedEntry

Happened = ListedEntry | PlacedChange | PaymentEvent | AccountChange | Approval | AccountFlag

AFTER_ALL: Final = 2**63 - 1
"""A version that nothing comes to."""


class HistoryItem(NamedTuple):
    """One thing that happened, and when; ``kind`` says in which of the lists it stands, ``place`` where in it.

    ``note`` is what whoever did it left for staff; empty for nothing.
    """

    time: Instant
    kind: str
    place: Any
    what: Happened
    note: str = ""


Places = Mapping[str, Any]
"""Where a page has ended, by kind: what comes before is still to be shown."""


class AccountHistory:
    """Reads what happened. All raise DatabaseUnavailable, Overloaded, ShuttingDown; AccountNotFound."""

    def __init__(self, database: Database, clock: DatabaseClock, threads: Threads, tokens: PageTokens) -> None:
        """Read through ``database``."""
        self._database = database
        self._clock = clock
        self._threads = threads
        self._tokens = tokens

    async def page(self, account_id: str, asked: Asked, show: Callable[[HistoryItem], Shown]) -> LedgerPage[Shown]:
        """Return a page of what happened, newest first, each as ``show`` writes it. Raises PageTokenInvalid."""
        return await self._threads.pages.submit(lambda: self._page(account_id, asked, show), owner=account_id)

    def _page(self, account_id: str, asked: Asked, show: Callable[[HistoryItem], Shown]) -> LedgerPage[Shown]:
        query = query_of("account history", account=account_id)
        places: Places = self._tokens.open(query, asked.page_token) if asked.page_token else {}
        with self._database.listing() as connection:
            if accounts.find(connection, account_id) is None:
                raise errors.AccountNotFound(account_id=account_id)
            found = _noted(connection, account_id, self._newest(connection, account_id, places, asked.size + 1))
            wanted = _all_entries(account_id)
            archived = archived_of(connection, wanted, entries.spans(connection, wanted))
        shown = fitting(found, asked.size, show)
        if len(shown) == len(found):
            return LedgerPage(shown, "", archived)
        return LedgerPage(shown, self._tokens.seal(query, _moved(places, found[: len(shown)])), archived)

    def _newest(self, connection: Connection, account_id: str, places: Places, count: int) -> list[HistoryItem]:
        items = [
            *_entries(connection, account_id, places.get("entries", {}), count),
            *_purchase_changes(connection, account_id, places.get("purchases"), count),
            *_payment_events(connection, account_id, places.get("payment_events"), count),
            *_account_changes(connection, account_id, places.get("changes", AFTER_ALL), count),
            *self._approvals(connection, account_id, places.get("approvals"), count),
            *_flags(connection, account_id, places.get("flags"), count),
        ]
        return _by_time(items)[:count]

    def _approvals(self, connection: Connection, account_id: str, before: str | None, count: int) -> list[HistoryItem]:
        place = approvals.AFTER_ALL._replace(approval_id=before) if before else approvals.AFTER_ALL
        wanted = ApprovalFilter(account_id)
        look = approvals.page(connection, wanted, place, self._clock.now(), count=count, rows=SCANNED_ROWS)
        return [HistoryItem(one.create_time, "approvals", one.approval_id, one) for one in look.approvals]


def _noted(connection: Connection, account_id: str, items: Sequence[HistoryItem]) -> list[HistoryItem]:
    """Return what happened with the notes that staff have left."""
    requests = [_request_of(item) for item in items]
    notes = staff_notes.of_requests(connection, account_id, {*requests} - {""})
    return [item._replace(note=notes.get(request, "")) for item, request in zip(items, requests, strict=True)]


def _request_of(item: HistoryItem) -> str:
    """Return the request id that brought something about; empty if none did, or if no note may come with it."""
    match item.what:
        case ListedEntry():
            return item.what.entry.request_id or ""
        case Approval():
            return item.what.request_id
    return ""


def _by_time(items: Sequence[HistoryItem]) -> list[HistoryItem]:
    """Merge lists, each newest first, by time. Within a kind the order of its list is kept, whatever its times are.

    A page has to end at one place of each list: ids that two servers made may disagree a little with the times.
    """
    times: dict[str, Instant] = {}
    keyed: list[tuple[Instant, HistoryItem]] = []
    for item in items:
        times[item.kind] = min(item.time, times.get(item.kind, item.time))
        keyed.append((times[item.kind], item))
    return [item for _, item in sorted(keyed, key=lambda pair: -pair[0])]


def _moved(places: Places, shown: Sequence[HistoryItem]) -> Places:
    """Return where a page has ended that began at some places."""
    moved = dict(places)
    moved["entries"] = dict(places.get("entries", {}))
    for item in shown:
        if item.kind == "entries":
            credit_type, version = item.place
            moved["entries"][credit_type] = version
        else:
            moved[item.kind] = item.place
    return moved


def _all_entries(account_id: str) -> EntryFilter:
    return EntryFilter(account_id, "", (), None, None, None)


def _entries(connection: Connection, account_id: str, before: Mapping[str, int], count: int) -> list[HistoryItem]:
    wanted = _all_entries(account_id)
    whole = entries.spans(connection, wanted)
    rest = {name: Span(span.first, min(span.below, before.get(name, span.below))) for name, span in whole.items()}
    found = entries.page(connection, wanted, rest, count)
    return [
        HistoryItem(one.entry.create_time, "entries", (one.entry.credit_type, one.entry.version), one) for one in found
    ]


def _purchase_changes(
    connection: Connection, account_id: str, before: Sequence[Any] | None, count: int
) -> list[HistoryItem]:
    place = ChangePlace(*before) if before else purchases.AFTER_ALL
    found = purchases.changes_before(connection, account_id, place, count)
    return [HistoryItem(one.change.create_time, "purchases", list(one.place), one) for one in found]


def _payment_events(connection: Connection, account_id: str, before: str | None, count: int) -> list[HistoryItem]:
    found = payment_events.page(connection, EventFilter(None, None, account=account_id), before, count)
    return [HistoryItem(one.receive_time, "payment_events", one.event_id, one) for one in found]


def _account_changes(connection: Connection, account_id: str, before: int, count: int) -> list[HistoryItem]:
    found = accounts.changes_of(connection, account_id, before, count)
    return [HistoryItem(one.account.update_time, "changes", one.account.version, one) for one in found]


def _flags(connection: Connection, account_id: str, before: str | None, count: int) -> list[HistoryItem]:
    found = account_flags.page(connection, FlagFilter(account_id, cleared=True), before, count)
    return [HistoryItem(one.raise_time, "flags", one.flag_id, one) for one in found]
