"""Deliveries as rows: of an account one after the other, ended by whoever has the lease, bounded in what waits (H6)."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from creditd.domain.events.event_endpoint import EventEndpoint
from creditd.domain.events.outbox import OutboxEvent, OutboxKind
from creditd.domain.instant import SECOND, Instant
from creditd.ledger.ids import uuid7
from creditd.storage.events import delivery_attempts, event_deliveries, event_endpoints, outbox, published_events
from creditd.storage.events.delivery_attempts import DeliveryAttempt
from creditd.storage.events.event_deliveries import Claimed, Ended
from tests.support.databases import migrated_database
from tests.support.desk import Desk, desk_at

pytestmark = pytest.mark.requirement("H6")

LEASE, PAUSE = 20 * SECOND, 5 * SECOND


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """Provide a database of these tests' own: positions are of all accounts."""
    with migrated_database() as url:
        yield url


class Dock:
    """Where deliveries leave from: endpoints of one test, and what is published."""

    def __init__(self, desk: Desk) -> None:
        """Begin without events and endpoints."""
        self.database = desk.database
        self.now = desk.clock.now()
        with self.database.transaction() as connection:
            for statement in (
                "DELETE FROM event_delivery_attempts",
                "DELETE FROM event_deliveries",
                "DELETE FROM event_endpoints",
                "DELETE FROM published_events",
                "UPDATE event_publishing SET position = 0, removed_position = 0",
            ):
                connection.execute(text(statement))

    def endpoint(self, name: str = "shop", account_id: str = "", **fields: Any) -> str:
        """Add an endpoint; return its key."""
        endpoint = EventEndpoint(
            *(uuid7(), name, "https://shop.example", "", (), account_id, ""), paused=False, position=0, version=1,
            create_time=self.now, update_time=self.now, active_time=self.now
        )._replace(**fields)  # fmt: skip
        with self.database.transaction() as connection:
            assert event_endpoints.add(connection, endpoint, b"encrypted")
        return endpoint.endpoint_key

    def publish(self, *accounts: str) -> None:
        """Publish an event of each of these accounts."""
        with self.database.transaction() as connection:
            for account in accounts:
                event = OutboxEvent(account, uuid7(), OutboxKind.LOW_BALANCE, "chat", {}, self.now)
                outbox.announce(connection, event)
        with self.database.transaction() as connection:
            published_events.publish(connection, published_events.positions(connection).last, self.now, 1_000)

    def turn(self, *keys: str, count: int = 9, rows: int = 100, ended: Sequence[Ended] = ()) -> list[Claimed]:
        """Note outcomes, take over and claim, as a server does in its turn."""
        with self.database.transaction() as connection:
            held = event_endpoints.hold(connection, keys)
            event_deliveries.end(connection, ended, self.now)
            event_deliveries.take_over(connection, held, self.now, rows)
            claimed = event_deliveries.claim(
                connection, dict.fromkeys(held, count), self.now, Instant(self.now + LEASE)
            )
        return sorted(claimed, key=lambda one: one.position)

    def later(self, microseconds: int) -> None:
        """Let time pass."""
        self.now = Instant(self.now + microseconds)

    def waiting(self, key: str) -> list[tuple[int, int, bool]]:
        """Return the positions of an endpoint's deliveries, their states, and whether each has a time."""
        query = """
            SELECT position, state, next_attempt_time IS NOT NULL FROM event_deliveries
            WHERE endpoint_key = CAST(:key AS uuid) ORDER BY position
        """
        with self.database.autocommit() as connection:
            rows = connection.execute(text(query), {"key": key})
            return [(position, state, has_time) for position, state, has_time in rows]


@pytest.fixture
def dock(database_url: str) -> Iterator[Dock]:
    """Provide a dock."""
    with desk_at(database_url) as desk:
        yield Dock(desk)


def delivered(claimed: Claimed) -> Ended:
    """Return that a delivery was taken."""
    return Ended(claimed, is_delivered=True, again=None, problem="")


def failed(claimed: Claimed, again: Instant | None) -> Ended:
    """Return that an attempt has failed, and when the next one is; None if there is none."""
    return Ended(claimed, is_delivered=False, again=again, problem="HTTP 500")


def positions(claimed: Sequence[Claimed]) -> list[int]:
    """Return which were claimed."""
    return [one.position for one in claimed]


def test_of_an_account_one_goes_at_a_time_and_others_go_beside_it(dock: Dock) -> None:
    key = dock.endpoint()
    dock.publish("ann", "ann", "ben", "ann")
    first = dock.turn(key)
    assert positions(first) == [1, 3]
    assert positions(dock.turn(key)) == []
    second = dock.turn(key, ended=[delivered(one) for one in first])
    assert positions(second) == [2]
    # What comes meanwhile waits, too.
    dock.publish("ann")
    assert positions(dock.turn(key, ended=[failed(second[0], Instant(dock.now + PAUSE))])) == []
    dock.later(PAUSE)
    again = dock.turn(key)
    assert [(one.position, one.attempts) for one in again] == [(2, 2)]
    third = dock.turn(key, ended=[failed(again[0], None)])
    assert positions(third) == [4]
    assert positions(dock.turn(key, ended=[delivered(third[0])])) == [5]
    assert dock.waiting(key) == [(2, 2, False), (5, 1, True)]


def test_who_has_lost_the_lease_ends_nothing(dock: Dock) -> None:
    key = dock.endpoint()
    dock.publish("ann", "ann")
    (lost,) = dock.turn(key)
    dock.later(LEASE)
    (taken,) = dock.turn(key)
    assert (lost.position, taken.position, taken.attempts) == (1, 1, 2)
    assert dock.turn(key, ended=[delivered(lost)]) == []
    assert dock.turn(key, ended=[failed(lost, None)]) == []
    assert positions(dock.turn(key, ended=[delivered(taken)])) == [2]


def test_of_two_outcomes_that_come_together_that_of_the_lease_counts(dock: Dock) -> None:
    """A server that stood still attempts again what it has under way, and notes both attempts in one turn."""
    key = dock.endpoint()
    dock.publish("ann", "ann")
    (lost,) = dock.turn(key)
    dock.later(LEASE)
    (taken,) = dock.turn(key)
    again = failed(taken, Instant(dock.now + PAUSE))
    assert dock.turn(key, ended=[failed(lost, None), again, again]) == []
    assert dock.waiting(key) == [(1, 1, True), (2, 1, False)]
    dock.later(PAUSE)
    (third,) = dock.turn(key)
    assert (third.position, third.attempts) == (1, 3)


def test_each_endpoint_gets_what_it_asks_for_a_bounded_number_at_a_time(dock: Dock) -> None:
    everything, of_ben = dock.endpoint("all"), dock.endpoint("ben", "ben")
    of_plans = dock.endpoint("plans", kinds=(int(OutboxKind.PLAN_CHANGED),))
    paused = dock.endpoint("paused", paused=True)
    dock.publish("ann", "ben", "cem", "dan")
    keys = (everything, of_ben, of_plans, paused)
    claimed = dock.turn(*keys, rows=2, count=1)
    assert sorted((one.endpoint_key, one.position) for one in claimed) == sorted([(everything, 1), (of_ben, 2)])
    with dock.database.transaction() as connection:
        held = event_endpoints.hold(connection, keys)
        assert [held[key][0].position for key in keys] == [2, 2, 2, 0]
        assert not event_deliveries.take_over(connection, held, dock.now, 3)
        assert [one.position for one in event_endpoints.page(connection, "", 9)] == [4, 4, 0, 4]
    assert dock.waiting(of_ben) == [(2, 1, True)]
    assert [position for position, *_ in dock.waiting(everything)] == [1, 2, 3, 4]


def test_while_one_server_holds_an_endpoint_the_others_leave_it_to_that_one(dock: Dock) -> None:
    first, second = dock.endpoint("first"), dock.endpoint("second")
    dock.publish("ann")
    with dock.database.transaction() as connection:
        assert list(event_endpoints.hold(connection, [first])) == [first]
        with ThreadPoolExecutor(1) as thread:
            claimed = thread.submit(dock.turn, first, second).result(60)
    assert [one.endpoint_key for one in claimed] == [second]


def test_what_is_replayed_goes_in_its_order_and_leaves_alone_what_is_on_its_way(dock: Dock) -> None:
    key = dock.endpoint()
    dock.publish("ann", "ann", "ann")
    (first,) = dock.turn(key)
    (second,) = dock.turn(key, ended=[failed(first, None)])
    assert second.position == 2
    with dock.database.transaction() as connection:
        event_deliveries.add(connection, key, [1, 2, 3], dock.now)
    assert dock.waiting(key) == [(1, 1, False), (2, 1, True), (3, 1, False)]
    (revived,) = dock.turn(key, ended=[delivered(second)])
    assert (revived.position, revived.attempts) == (1, 1)
    assert positions(dock.turn(key, ended=[delivered(revived)])) == [3]


def test_what_has_waited_for_too_long_is_a_dead_letter_and_what_follows_goes(dock: Dock) -> None:
    key = dock.endpoint()
    dock.publish("ann", "ann", "ben")
    dock.turn(key)
    before = Instant(dock.now + 1)
    dock.later(SECOND)
    dock.publish("ann")
    dock.turn(key)
    with dock.database.transaction() as connection:
        assert event_deliveries.bury(connection, [key], before, dock.now, 2) == 2
        assert event_deliveries.bury(connection, [key], before, dock.now, 2) == 1
        assert event_deliveries.bury(connection, [key], before, dock.now, 2) == 0
        letters = delivery_attempts.dead_letters(connection, key, 0, 9)
    assert [(one.position, one.account_id, one.attempts) for one in letters] == [
        (1, "ann", 1),
        (2, "ann", 0),
        (3, "ben", 1),
    ]
    assert letters[1].problem == "earlier events were not through"
    assert positions(dock.turn(key)) == [4]


def attempt(key: str, attempt_id: str) -> DeliveryAttempt:
    """Return an attempt."""
    return DeliveryAttempt(key, attempt_id, 1, "ann", uuid7(), 6, 1, 500, "HTTP 500", Instant(0), 9)


def test_attempts_of_long_ago_and_dead_letters_of_events_that_are_kept_no_more_go(dock: Dock) -> None:
    key, young = dock.endpoint(), uuid7()
    dock.publish("ann", "ben")
    claimed = dock.turn(key)
    dock.turn(key, ended=[failed(one, None) for one in claimed])
    with dock.database.transaction() as connection:
        delivery_attempts.note(connection, [attempt(key, young), attempt(key, "0" * 32), attempt(key, young)])
        assert delivery_attempts.prune(connection, Instant(dock.now - 60 * SECOND), 9) == 1
        assert [one.attempt_id for one in delivery_attempts.page(connection, key, "", 9)] == [young]
        connection.execute(text("UPDATE event_publishing SET removed_position = 1"))
        assert event_deliveries.prune(connection, 9) == 1
    assert dock.waiting(key) == [(2, 2, False)]


def test_a_deleted_endpoint_goes_with_all_that_belongs_to_it_in_shares(dock: Dock) -> None:
    key = dock.endpoint()
    dock.publish("ann", "ann", "ann")
    dock.turn(key)
    with dock.database.transaction() as connection:
        delivery_attempts.note(connection, [attempt(key, uuid7())])
        event_endpoints.delete(connection, key, dock.now)
        assert event_endpoints.find(connection, "shop") is None
        assert event_endpoints.hold(connection, [key]) == {}
        assert event_endpoints.look(connection, dock.now) == []
    second = dock.endpoint()
    with dock.database.transaction() as connection:
        assert [event_deliveries.prune(connection, 2) for _ in range(3)] == [2, 1, 0]
        assert event_endpoints.remove_deleted(connection, 9) == 0
        assert delivery_attempts.prune(connection, Instant(0), 9) == 1
        assert event_endpoints.remove_deleted(connection, 9) == 1
        assert [one.endpoint_key for one in event_endpoints.page(connection, "", 9)] == [second]


def test_how_long_the_oldest_has_waited_is_told_of_each(dock: Dock) -> None:
    key = dock.endpoint()
    dock.endpoint("paused", paused=True)
    dock.publish("ann")
    dock.later(3 * SECOND)

    def lags() -> dict[str, float]:
        with dock.database.autocommit() as connection:
            return event_endpoints.lags(connection, dock.now)

    assert lags() == {"shop": 3.0}
    (claimed,) = dock.turn(key)
    dock.later(2 * SECOND)
    assert lags() == {"shop": 2.0}
    dock.turn(key, ended=[delivered(claimed)])
    assert lags() == {"shop": 0.0}
