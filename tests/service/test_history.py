"""A filter that matches rarely is followed through a long history page by page, each of which looks at so many rows."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from creditd.domain.entry import EntryKind
from creditd.domain.reservation import ReservationState
from creditd.ledger.clock import DatabaseClock
from creditd.service.history import History
from creditd.service.pages import SCANNED_ROWS, Asked, Page, PageTokens
from creditd.service.threads import Threads
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.entries import EntryFilter
from creditd.storage.reservations import ReservationFilter
from creditd.storage.rows import ListedEntry, ListedReservation
from tests.support.by_hand import HandSink, driven_by_hand
from tests.support.databases import migrated_database
from tests.support.histories import add_history, id_of, without_autovacuum

SINK = HandSink()
ENTRIES = int(SCANNED_ROWS * 2.2)
RELEASED = len([n for n in range(1, ENTRIES + 1) if n % 1000 == 1])


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    """Provide the history of an account whose entries and reservations take three looks each to go through."""
    with migrated_database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            without_autovacuum(connection)
            add_history(connection, "busy", ENTRIES)
        database, clock = Database(DatabaseSettings(url, pool_size=1)), DatabaseClock()
        clock.look(database)
        threads = Threads(lambda: SINK)
        yield History(database, clock, threads, PageTokens(b"secret"))
        threads.close(5)
        database.close()


def entry_shown(listed: ListedEntry) -> StringValue:
    """Write an entry's key and time."""
    entry = listed.entry
    return StringValue(value=f"{entry.create_time} {entry.credit_type} {entry.version}")


def reservation_shown(listed: ListedReservation) -> StringValue:
    """Write a reservation's id."""
    return StringValue(value=listed.reservation.reservation_id)


def walked(page_of: Callable[[Asked], Page[StringValue]], size: int) -> list[list[str]]:
    """Return what each page holds, until there is no next one."""
    found, token = [], None
    while token != "":
        page = page_of(Asked(size, token or ""))
        found.append([item.value for item in page.items])
        token = page.next_page_token
    return found


def entry_pages(history: History, wanted: EntryFilter, size: int) -> list[list[str]]:
    """Return what each page of a ledger holds."""

    def page_of(asked: Asked) -> Page[StringValue]:
        page = driven_by_hand(history.entries(wanted, asked, entry_shown, with_total=False), SINK)
        return Page(page.entries, page.next_page_token)

    return walked(page_of, size)


@pytest.mark.parametrize(("credit_type", "wallets"), [("chat", 1), ("", 2)])
@pytest.mark.parametrize("size", [7, 100])
def test_no_entry_of_a_rare_kind_is_lost_between_looks(
    history: History, credit_type: str, wallets: int, size: int
) -> None:
    wanted = EntryFilter("busy", credit_type, (EntryKind.RELEASE,), None, None, None)
    pages = entry_pages(history, wanted, size)
    found = [value for page in pages for value in page]
    assert len(found) == len(set(found)) == RELEASED * wallets
    times = [int(value.split()[0]) for value in found]
    assert times == sorted(times, reverse=True)
    assert len(pages) > 2


def test_a_kind_that_never_comes_takes_some_empty_pages(history: History) -> None:
    wanted = EntryFilter("busy", "chat", (EntryKind.DEDUCT,), None, None, None)
    assert entry_pages(history, wanted, 20) == [[], [], []]


def test_a_rare_kind_with_an_index_is_found_at_once(history: History) -> None:
    wanted = EntryFilter("busy", "chat", (EntryKind.CLAWBACK,), None, None, None)
    (page,) = entry_pages(history, wanted, 20)
    assert [value.split()[2] for value in page] == ["5"]


def test_no_entry_of_a_reservation_with_a_long_history_is_lost(history: History) -> None:
    wanted = EntryFilter("busy", "chat", (EntryKind.RELEASE,), id_of("busy"), None, None)
    found = [value for page in entry_pages(history, wanted, 100) for value in page]
    assert len(found) == len([n for n in range(1, ENTRIES // 2 + 1) if n % 1000 == 1])


@pytest.mark.parametrize(
    ("credit_type", "state", "expected"),
    [
        ("spec", None, len([n for n in range(1, ENTRIES + 1) if n % 1000 == 7])),
        ("", ReservationState.EXPIRED, len([n for n in range(21, ENTRIES + 1) if n % 1000 == 1])),
        ("", ReservationState.PENDING, 20),
        ("chat", ReservationState.PENDING, 19),
    ],
)
def test_no_reservation_is_lost_between_looks(
    history: History, credit_type: str, state: ReservationState | None, expected: int
) -> None:
    wanted = ReservationFilter("busy", credit_type, state)
    pages = walked(lambda asked: driven_by_hand(history.reservations(wanted, asked, reservation_shown), SINK), 9)
    found = [value for page in pages for value in page]
    assert len(found) == len(set(found)) == expected
    assert found == sorted(found, reverse=True)
