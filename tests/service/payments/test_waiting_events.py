"""Events that wait: claimed by one at a time, woken when their payment becomes known, never taken from a person."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_event import PaymentEvent, PaymentEventState
from creditd.domain.payments.provider import Provider
from creditd.ledger.ids import uuid7
from creditd.storage.payments import payment_events
from creditd.storage.payments.payment_events import Backlog
from tests.support.databases import migrated_database
from tests.support.till import Till, till_at

LEASE = 60 * SECOND


@dataclass
class Box:
    """The inbox of Stripe's events."""

    till: Till

    def put(self, **fields: Any) -> PaymentEvent:
        """Store an event whose time has come."""
        now = self.till.desk.clock.now()
        event = PaymentEvent(
            provider=Provider.STRIPE,
            delivery_key=uuid7(),
            event_id=uuid7(),
            event_type="charge.refunded",
            live=False,
            body="{}",
            state=PaymentEventState.PENDING,
            attempts=0,
            next_attempt_time=now,
            waits_for=(),
            problem="",
            purchase="",
            receive_time=now,
            update_time=now,
        )._replace(**fields)
        with self.till.desk.database.transaction() as connection:
            assert payment_events.add(connection, event)
        return event

    def claimed(self, count: int = 100) -> dict[str, PaymentEvent]:
        """Claim events."""
        now = self.till.desk.clock.now()
        with self.till.desk.database.transaction() as connection:
            found = payment_events.claim(connection, Provider.STRIPE, now, Instant(now + LEASE), count)
        return {event.event_id: event for event in found}

    def end_try(self, event: PaymentEvent) -> None:
        """Write what became of a try."""
        with self.till.desk.database.transaction() as connection:
            payment_events.end_try(connection, event)

    def hint_again(self, event: PaymentEvent, *, is_signed: bool = True) -> None:
        """Hear the same again."""
        now = self.till.desk.clock.now()
        with self.till.desk.database.transaction() as connection:
            payment_events.hint_again(connection, event.provider, event.delivery_key, now, is_signed=is_signed)

    def read(self, event: PaymentEvent) -> PaymentEvent:
        """Return an event as it is stored."""
        with self.till.desk.database.autocommit() as connection:
            found = payment_events.find(connection, event.event_id)
        assert found is not None
        return found


@pytest.fixture
def box(till: Till) -> Box:
    """Provide the inbox."""
    return Box(till)


def test_an_event_is_stored_once(box: Box) -> None:
    event = box.put()
    with box.till.desk.database.transaction() as connection:
        assert not payment_events.add(connection, event._replace(event_id=uuid7()))


def test_what_is_claimed_is_nobody_elses_until_its_lease_ends(box: Box) -> None:
    event = box.put()
    assert box.claimed()[event.event_id].attempts == 1
    assert event.event_id not in box.claimed()
    box.till.desk.clock.advance(61)
    assert box.claimed()[event.event_id].attempts == 2


def test_no_more_are_claimed_than_are_wanted(box: Box) -> None:
    for _ in range(5):
        box.put()
    assert len(box.claimed(3)) == 3


def test_ours_go_first_however_many_others_have_waited_for_longer(box: Box) -> None:
    box.claimed()
    now = box.till.desk.clock.now()
    others = [box.put(is_ours=False, next_attempt_time=Instant(now - SECOND)) for _ in range(20)]
    ours = box.put()
    assert list(box.claimed(1)) == [ours.event_id]
    assert {event.event_id for event in others} <= box.claimed().keys()


def test_what_waits_is_not_claimed_before_it_is_given_up(box: Box) -> None:
    now = box.till.desk.clock.now()
    end = Instant(now + 3_600 * SECOND)
    event = box.put(state=PaymentEventState.WAITING, is_ours=False, waits_for=("pi_x",), next_attempt_time=end)
    assert event.event_id not in box.claimed()
    box.till.desk.clock.advance(3_601)
    assert box.claimed()[event.event_id].state is PaymentEventState.PENDING


def test_a_try_that_was_none_is_not_counted(box: Box) -> None:
    event = box.put()
    box_now = box.till.desk.clock.now()
    for _ in range(3):
        claimed = box.claimed()[event.event_id]
        with box.till.desk.database.transaction() as connection:
            put_off = claimed._replace(next_attempt_time=box_now)
            payment_events.end_try(connection, put_off, is_counted=False)
        assert (claimed.attempts, box.read(event).attempts) == (1, 0)


def test_another_providers_events_are_left_alone(box: Box) -> None:
    event = box.put(provider=Provider.OMISE)
    assert event.event_id not in box.claimed()


def test_a_late_worker_takes_nothing_back_from_whoever_came_after_it(box: Box) -> None:
    event = box.put()
    late = box.claimed()[event.event_id]
    box.till.desk.clock.advance(61)
    later = box.claimed()[event.event_id]
    box.end_try(
        later._replace(state=PaymentEventState.APPLIED, next_attempt_time=None, purchase="accounts/a/purchases/b")
    )
    box.end_try(late._replace(problem="too late"))
    assert (box.read(event).state, box.read(event).problem) == (PaymentEventState.APPLIED, "")


def test_whoever_waits_for_a_payment_is_woken_when_it_becomes_known(box: Box) -> None:
    event, other = box.put(), box.put()
    now = box.till.desk.clock.now()
    claimed = box.claimed()
    for one, reference in ((event, "pi_mine"), (other, "pi_other")):
        waiting = claimed[one.event_id]._replace(waits_for=(reference,), next_attempt_time=Instant(now + LEASE))
        box.end_try(waiting)
    with box.till.desk.database.transaction() as connection:
        payment_events.wake(connection, Provider.STRIPE, ["pi_mine", "ch_mine"], now)
    assert event.event_id in box.claimed()
    assert other.event_id not in box.claimed()


def test_a_hint_that_comes_again_and_again_is_read_once_a_second(box: Box) -> None:
    """Whoever sends it: each read is a call to the provider."""
    event = box.put(state=PaymentEventState.WAITING)
    for _ in range(3):
        assert event.event_id in box.claimed()
        for _ in range(10):
            box.hint_again(event)
        assert event.event_id not in box.claimed()
        box.till.desk.clock.advance(payment_events.HINT_PAUSE / SECOND)
    box.till.desk.clock.advance(3_600)
    waiting = box.claimed()[event.event_id]._replace(state=PaymentEventState.WAITING, waits_for=("chrg_x",))
    later = Instant(box.till.desk.clock.now() + 3_600 * SECOND)
    box.end_try(waiting._replace(next_attempt_time=later, update_time=box.till.desk.clock.now()))
    box.till.desk.clock.advance(10)
    box.hint_again(event)
    assert event.event_id in box.claimed()


def test_an_unsigned_hint_begins_anew_after_it_was_applied(box: Box) -> None:
    """It stands for all that may ever be said of one charge; a signed event says one thing, once."""
    event = box.put(attempts=80)
    box.end_try(box.claimed()[event.event_id]._replace(state=PaymentEventState.APPLIED, next_attempt_time=None))
    box.till.desk.clock.advance(3_600)
    box.hint_again(event)
    assert box.read(event).state is PaymentEventState.APPLIED
    box.hint_again(event, is_signed=False)
    again = box.claimed()[event.event_id]
    assert again.attempts == 1
    assert again.receive_time - event.receive_time >= 3_600 * SECOND


def test_the_backlog_is_counted_up_to_a_bound() -> None:
    """Every server counts it every few seconds, whatever has come about at a provider."""
    with migrated_database() as url, till_at(url) as till:
        with till.desk.database.autocommit() as connection:
            assert payment_events.backlog(connection) == Backlog(0, None, 0, 0)
        box = Box(till)
        put = box.put()
        later = Instant(put.receive_time + SECOND)
        for state in (PaymentEventState.PENDING, PaymentEventState.WAITING, PaymentEventState.PARKED):
            one = box.put(state=state, receive_time=later, next_attempt_time=_next_of(state, later))
            with till.desk.database.transaction() as connection:
                connection.execute(_MORE, {"event": one.event_id, "count": payment_events.MOST_COUNTED + 10})
        with till.desk.database.autocommit() as connection:
            counted = payment_events.backlog(connection)
        most = payment_events.MOST_COUNTED + 1
        assert counted == Backlog(most, put.receive_time, most, most)


_MORE = text("""
INSERT INTO payment_events (provider, delivery_key, event_id, event_type, live, body, state, attempts,
                            next_attempt_time, waits_for, problem, purchase, receive_time, update_time)
SELECT provider, delivery_key || n, gen_random_uuid(), event_type, live, body, state, attempts,
       next_attempt_time, waits_for, problem, purchase, receive_time, update_time
FROM payment_events, generate_series(1, :count) AS n WHERE event_id = :event
""")


def _next_of(state: PaymentEventState, time: Instant) -> Instant | None:
    return None if state is PaymentEventState.PARKED else time
