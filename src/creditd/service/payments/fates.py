"""What becomes of an event after a try to apply it."""

import random
from typing import Final

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payment_event import ParkedCause, PaymentEvent, PaymentEventState

FIRST_PAUSE: Final = 2 * SECOND
"""Before the second try; doubled for each one after, with jitter over half of it."""

LONGEST_PAUSE: Final = 3_600 * SECOND
"""A provider that is down is asked at least once an hour."""

WAIT: Final = 3 * 86_400 * SECOND
"""How long an event that names nothing of ours may wait for something that refers to it. Stripe itself repeats a
webhook for as long; what comes later is found by the daily comparison."""

SHORTEST_READ_PAUSE: Final = 2 * SECOND
LONGEST_READ_PAUSE: Final = 900 * SECOND
"""Between two reads of what is not final. The pause grows with a quarter of the time that has passed: who pays after an
hour is seen a quarter of an hour later at most, and a payment that takes days is read some hundred times a day."""


def applied(event: PaymentEvent, account: str, purchase: str, now: Instant) -> PaymentEvent:
    """Return an event that is applied."""
    return _ended(event, PaymentEventState.APPLIED, now)._replace(account=account, purchase=purchase, problem="")


def of_no_interest(event: PaymentEvent, problem: str, now: Instant) -> PaymentEvent:
    """Return an event that says nothing about credits, or about nothing of ours."""
    return _ended(event, PaymentEventState.NOT_OF_INTEREST, now)._replace(problem=problem)


def parked(
    event: PaymentEvent,
    problem: str,
    now: Instant,
    cause: ParkedCause = ParkedCause.OTHER,
    references: tuple[str, ...] = (),
) -> PaymentEvent:
    """Return an event that a person has to look at; ``references`` are what it is about, as far as that is known."""
    ended = _ended(event, PaymentEventState.PARKED, now)
    return ended._replace(problem=problem, cause=cause, waits_for=references or event.waits_for)


def tried_again(event: PaymentEvent, problem: str, now: Instant) -> PaymentEvent:
    """Return an event that is to be tried again after a pause."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(max(event.attempts, 1) - 1, 20))
    pause = int(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter is no secret.
    return event._replace(next_attempt_time=Instant(now + pause), waits_for=(), problem=problem, update_time=now)


def read_again(event: PaymentEvent, references: tuple[str, ...], now: Instant) -> PaymentEvent:
    """Return a hint that is to be read again, since what it is about may change; one that is too old is applied."""
    age = now - event.receive_time
    if age >= WAIT:
        return _ended(event, PaymentEventState.APPLIED, now)._replace(problem="it had not ended after three days")
    pause = min(LONGEST_READ_PAUSE, max(SHORTEST_READ_PAUSE, age // 4))
    put_off = event._replace(state=PaymentEventState.WAITING, next_attempt_time=Instant(now + pause), update_time=now)
    return put_off._replace(waits_for=references, problem="it has not ended at the provider")


def waiting(event: PaymentEvent, references: tuple[str, ...], problem: str, now: Instant) -> PaymentEvent:
    """Return an event that names nothing of ours: not tried until something refers to it, and given up in the end."""
    end = Instant(event.receive_time + WAIT)
    if now >= end:
        return of_no_interest(event, problem, now)
    put_off = event._replace(state=PaymentEventState.WAITING, next_attempt_time=end, is_ours=False, update_time=now)
    return put_off._replace(waits_for=references, problem=problem)


def _ended(event: PaymentEvent, state: PaymentEventState, now: Instant) -> PaymentEvent:
    return event._replace(state=state, next_attempt_time=None, waits_for=(), cause=ParkedCause.OTHER, update_time=now)
