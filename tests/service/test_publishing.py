"""Events get their positions after their commits, one server at a time; notice of expiry is given once (H6)."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from creditd.domain.commands import Add
from creditd.domain.entry import EntryKind
from creditd.domain.errors import LimitExceeded
from creditd.domain.events.outbox import OutboxEvent, OutboxKind
from creditd.domain.grants import Source
from creditd.domain.instant import SECOND, Instant
from creditd.domain.limits import DAY
from creditd.domain.wallet import WalletKey
from creditd.ledger.ids import Ids, uuid7
from creditd.service.events.event_publisher import EventPublisher
from creditd.service.events.expiry_notices import ExpiryNotices
from creditd.service.events.limit_notices import LimitNotices
from creditd.storage.events import outbox, published_events
from creditd.storage.events.published_events import PublishedFilter
from creditd.telemetry.statistics import EventStatistics
from tests.support.databases import migrated_database
from tests.support.desk import Desk, desk_at
from tests.support.works import origin, work

HOUR = 3_600


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """Provide a database of these tests' own: positions are of all accounts."""
    with migrated_database() as url:
        yield url


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """Provide a desk with a clock of its own, on the database without events."""
    with desk_at(database_url) as desk:
        with desk.database.transaction() as connection:
            for statement in (
                "DELETE FROM outbox_events",
                "DELETE FROM published_events",
                "UPDATE event_publishing SET position = 0, removed_position = 0",
            ):
                connection.execute(text(statement))
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


def test_what_a_release_before_has_left_comes_first(desk: Desk) -> None:
    """It was put in before there was a column for when: the migration says long ago."""
    put_in(desk, event(desk, "one", 2))
    left = text(
        "INSERT INTO outbox_events (account_id, event_id, kind, payload, create_time, schema_version, announce_time) "
        "VALUES ('one', gen_random_uuid(), 4, '{\"amount\": 1}', now() - interval '90 minutes', 0, '-infinity')"
    )
    with desk.database.transaction() as connection:
        connection.execute(left)
    statistics = EventStatistics()
    one = EventPublisher(desk.database, desk.clock, _never, statistics)
    one.publish_once(1)
    assert HOUR <= statistics.lag_seconds < 2 * HOUR
    one.publish_once()
    assert [amount for _, _, amount in published(desk)] == [1, 2]


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


def test_a_kind_that_only_a_newer_release_knows_passes_where_none_are_named(desk: Desk) -> None:
    """While servers are replaced, one of the release before tells what those of the next have put in."""
    put_in(desk, event(desk, "one", 1))
    publisher(desk).publish_once()
    with desk.database.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO published_events SELECT 2, account, gen_random_uuid(), 99, schema_version, credit_type, "
                "payload, create_time, publish_time FROM published_events"
            )
        )
        connection.execute(text("UPDATE event_publishing SET position = 2"))
    with desk.database.autocommit() as connection:
        every, named = [
            published_events.page(connection, PublishedFilter(kinds=kinds), 0, 2, rows=9)
            for kinds in ((), (OutboxKind.LOW_BALANCE,))
        ]
    assert [one.kind for one in every.events] == [OutboxKind.LOW_BALANCE, 99]
    assert [one.kind for one in named.events] == [OutboxKind.LOW_BALANCE]


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
    assert [notices.notify_once(2) for _ in range(4)] == [2, 2, 1, 0]
    assert _expiring(desk) == [(f"account-{number}", number + 1) for number in range(5)]
    desk.clock.advance(HOUR)
    assert notices.notify_once(2) == 0
    assert len(_expiring(desk)) == 5


async def _at_once(function: Callable[[], Any], *, owner: str = "") -> Any:
    del owner
    return function()


def test_a_limit_is_told_once_in_its_window_whichever_server_refuses(desk: Desk) -> None:
    servers = [LimitNotices(desk.database, desk.clock, _at_once) for _ in range(2)]
    key = WalletKey("one", "chat")
    # A minute into a day: none ends while this runs.
    desk.clock.advance((DAY - desk.clock.now() % DAY) / SECOND + 60)
    counts = []
    for which in ("MOST_PER_DAY", "MOST_PER_DAY", "MOST_PER_HOUR", "MOST_PER_MOVEMENT"):
        for server in servers:
            server.note(key, LimitExceeded(which=which, limit=5, used=5))
            asyncio.run(server.write())
        counts.append(_limits_told(desk))
    assert counts == [1, 1, 2, 2]
    desk.clock.advance(24 * HOUR)
    servers[0].note(key, LimitExceeded(which="MOST_PER_DAY", limit=5, used=5))
    asyncio.run(servers[0].flush())
    assert _limits_told(desk) == 3


def _limits_told(desk: Desk) -> int:
    with desk.database.autocommit() as connection:
        return int(connection.execute(text("SELECT count(*) FROM outbox_events WHERE kind = 10")).scalar_one())


def _expiring(desk: Desk) -> list[tuple[str, int]]:
    query = text("SELECT account_id, payload FROM outbox_events WHERE kind = 8 ORDER BY account_id")
    with desk.database.autocommit() as connection:
        return [(account, payload["amount"]) for account, payload in connection.execute(query)]
