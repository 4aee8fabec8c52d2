"""Events get their positions after their commits, one server at a time; notice of expiry is given once (H6)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from creditd.domain.commands import Add
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.instant import SECOND, Instant
from creditd.domain.outbox import OutboxEvent, OutboxKind
from creditd.ledger.ids import Ids, uuid7
from creditd.service.event_publisher import EventPublisher
from creditd.service.expiry_notices import ExpiryNotices
from creditd.storage import outbox, published_events
from creditd.storage.published_events import PublishedFilter
from creditd.telemetry.statistics import EventStatistics
from tests.support.databases import migrated_database
from tests.support.desk import Desk, desk_at
from tests.support.works import origin, work

HOUR = 3_600


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Provide a database of the test's own: positions are of all accounts."""
    with migrated_database() as url, desk_at(url) as desk:
        yield desk


async def _never(function: Callable[[], Any], *, owner: str = "") -> Any:
    raise AssertionError(function, owner)


def publisher(desk: Desk, **options: Any) -> EventPublisher:
    """Return the publisher of a server."""
    return EventPublisher(desk.database, desk.clock, _never, EventStatistics(), **options)


def event(desk: Desk, account: str, amount: int, event_id: str = "") -> OutboxEvent:
    """Return an event."""
    payload = {"amount": amount}
    return OutboxEvent(account, event_id or uuid7(), OutboxKind.LOW_BALANCE, "chat", payload, desk.clock.now())


def put_in(desk: Desk, *events: OutboxEvent) -> None:
    """Commit events."""
    with desk.database.transaction() as connection:
        outbox.announce(connection, *events)


def published(desk: Desk, account: str = "") -> list[tuple[int, str, int]]:
    """Return what was published: positions, accounts and amounts."""
    with desk.database.autocommit() as connection:
        last = published_events.positions(connection).last
        look = published_events.page(connection, PublishedFilter(account), 0, last, rows=1_000)
    assert look.position == last
    return [(one.position, one.account_id, int(one.payload.rpartition(":")[2].strip("} "))) for one in look.events]


def test_each_has_the_next_position_a_bounded_number_at_a_time(desk: Desk) -> None:
    put_in(desk, *(event(desk, f"a{number % 2}", number) for number in range(5)))
    one = publisher(desk)
    assert [one.publish_once(2) for _ in range(4)] == [2, 2, 1, 0]
    assert published(desk) == [(number + 1, f"a{number % 2}", number) for number in range(5)]
    assert published(desk, "a1") == [(2, "a1", 1), (4, "a1", 3)]


def test_what_is_not_committed_is_passed_over_and_comes_behind(desk: Desk) -> None:
    """Whoever has read up to the position of the second misses nothing."""
    with desk.database.transaction() as connection:
        outbox.announce(connection, event(desk, "early", 1))
        put_in(desk, event(desk, "late", 2))
        assert publisher(desk).publish_once() == 1
    assert published(desk) == [(1, "late", 2)]
    assert publisher(desk).publish_once() == 1
    assert published(desk) == [(1, "late", 2), (2, "early", 1)]


def test_while_one_publishes_the_others_leave_it_to_that_one(desk: Desk) -> None:
    put_in(desk, event(desk, "one", 1))
    with desk.database.transaction() as connection:
        assert published_events.take_turn(connection) is not None
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(publisher(desk).publish_once).result(60) == 0
    assert publisher(desk).publish_once() == 1


def test_of_an_account_they_come_in_the_order_of_their_commits_whatever_the_clocks(desk: Desk) -> None:
    """The second server's clock is an hour behind: its ids are lower."""
    behind = Ids(lambda: Instant(desk.clock.now() - HOUR * SECOND))
    put_in(desk, event(desk, "one", 1))
    put_in(desk, event(desk, "one", 2, behind()))
    put_in(desk, event(desk, "one", 3), event(desk, "one", 4))
    assert publisher(desk).publish_once() == 4
    assert [amount for _, _, amount in published(desk)] == [1, 2, 3, 4]


def test_an_id_is_published_once(desk: Desk) -> None:
    again = event(desk, "one", 1)
    put_in(desk, again, again)
    publisher(desk).publish_once()
    put_in(desk, again, event(desk, "one", 2))
    assert publisher(desk).publish_once() == 2
    assert published(desk) == [(1, "one", 1), (3, "one", 2)]


def test_a_look_comes_as_far_as_its_rows(desk: Desk) -> None:
    put_in(desk, *(event(desk, "one", number) for number in range(4)))
    publisher(desk).publish_once()
    wanted = PublishedFilter(kinds=(OutboxKind.PLAN_CHANGED,))
    with desk.database.autocommit() as connection:
        looks = [published_events.page(connection, wanted, after, 4, rows=3) for after in (0, 3, 4)]
    assert [(len(look.events), look.position) for look in looks] == [(0, 3), (0, 4), (0, 4)]


def test_what_is_old_is_removed_from_the_oldest_on_and_no_more(desk: Desk) -> None:
    one = publisher(desk, retention_seconds=60)
    put_in(desk, event(desk, "one", 1))
    one.publish_once()
    desk.clock.advance(61)
    put_in(desk, event(desk, "one", 2))
    one.publish_once()
    assert [one.prune_once(), one.prune_once()] == [1, 0]
    assert published(desk) == [(2, "one", 2)]
    with desk.database.autocommit() as connection:
        assert published_events.positions(connection) == (2, 1)


def test_how_long_the_oldest_has_waited_is_told(desk: Desk) -> None:
    statistics = EventStatistics()
    one = EventPublisher(desk.database, desk.clock, _never, statistics)
    put_in(desk, event(desk, "one", 1), event(desk, "one", 2))
    desk.clock.advance(30)
    one.publish_once(1)
    assert 30 <= statistics.lag_seconds < 90
    one.publish_once()
    assert (statistics.lag_seconds, statistics.published) == (0, 2)


def give(desk: Desk, account: str, amount: int, hours: float) -> None:
    """Give credits that expire after so many hours."""
    ends = Instant(desk.clock.now() + int(hours * HOUR * SECOND))
    # As servers do, whose ids are of the database's time.
    grant_id = Ids(desk.clock.now)()
    command = Add(origin(None, amount), EntryKind.ADMIN_ADD, grant_id, Source.ADMIN, amount, expire_time=ends)
    desk.do(work(account, command))


def test_notice_of_each_grant_is_given_once_a_page_at_a_time(desk: Desk) -> None:
    notices = ExpiryNotices(desk.database, desk.clock, uuid7, _never, 24 * HOUR)
    for number in range(5):
        give(desk, f"account-{number}", number + 1, 30)
    give(desk, "short", 90, 2)
    assert notices.notify_once(2) == 1
    assert _expiring(desk) == []
    desk.clock.advance(7 * HOUR)
    while notices.notify_once(2):
        pass
    assert _expiring(desk) == [(f"account-{number}", number + 1) for number in range(5)]
    desk.clock.advance(HOUR)
    assert notices.notify_once(2) == 0
    assert len(_expiring(desk)) == 5


def _expiring(desk: Desk) -> list[tuple[str, int]]:
    query = text("SELECT account_id, payload FROM outbox_events WHERE kind = 8 ORDER BY account_id")
    with desk.database.autocommit() as connection:
        return [(account, payload["amount"]) for account, payload in connection.execute(query)]
