"""Payment events: reports of providers, by webhook or found by comparison, and their state."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_facts import Fact
from creditd.domain.payments.provider import Provider

FIRST_PAUSE: Final = 2 * SECOND
"""The pause before the second try; doubled for each later one, with jitter over half of it."""

LONGEST_PAUSE: Final = 3_600 * SECOND
"""The longest pause: a provider that is down is asked once an hour."""

WAIT: Final = 3 * 86_400 * SECOND
"""How long an event that matches no purchase or account waits for something that links it. It equals Stripe's own retry
window; whatever comes later is found by the daily comparison."""

SHORTEST_READ_PAUSE: Final = 2 * SECOND
LONGEST_READ_PAUSE: Final = 900 * SECOND
"""The shortest pause between two reads of a payment that is not final. The pause grows to a quarter of the time that
has passed: a payment made after an hour is noticed within a quarter of an hour, and one that takes days is read about a
hundred times a day."""


MOST_FACTS: Final = 100
"""Kept of one event: a provider tells of a payment and its refunds, which are a few."""


class PaymentEventState(IntEnum):
    """The state of an event. The numbers are those of the proto and of the rows."""

    PENDING = 1
    APPLIED = 2
    NOT_OF_INTEREST = 3
    PARKED = 4
    DISMISSED = 5
    WAITING = 6


class ParkedCause(IntEnum):
    """Why an event is parked, where something other than a person may end that. The numbers are those of the rows.

    RECORDED: the report is recorded, but what follows cannot be done yet, or is for a person to do; it ends with the
    case. UNPLACED: it is ours, but its account is not known; it is tried again once something refers to it.
    """

    OTHER = 0
    RECORDED = 1
    UNPLACED = 2


class PaymentEvent(NamedTuple):
    """A report of a provider, by webhook or found by comparison.

    ``waits_for`` are the provider's ids that the event is about, while it is not applied. ``account`` and ``purchase``
    (a resource name) tell what it belongs to; empty if not known. Events with ``is_ours`` are tried first.
    ``facts`` are what was read in it when it was last tried, the first MOST_FACTS; their amounts are in ``currency``,
    empty if that was not said.
    """

    provider: Provider
    delivery_key: str
    event_id: str
    event_type: str
    live: bool
    body: str
    state: PaymentEventState
    attempts: int
    next_attempt_time: Instant | None
    waits_for: tuple[str, ...]
    problem: str
    purchase: str
    receive_time: Instant
    update_time: Instant
    account: str = ""
    is_ours: bool = True
    cause: ParkedCause = ParkedCause.OTHER
    facts: tuple[Fact, ...] = ()
    currency: str = ""

    @property
    def was_read(self) -> bool:
        """Whether its subject was read before and had not ended: what has a purchase waits for nothing else."""
        return bool(self.purchase and self.waits_for)

    def reading(self, facts: Sequence[Fact], currency: str) -> "PaymentEvent":
        """Return the event with what was read in it, and the currency of the amounts."""
        return self._replace(facts=tuple(facts[:MOST_FACTS]), currency=currency)

    def applied(self, account: str, purchase: str, now: Instant) -> "PaymentEvent":
        """Return the event as applied to a purchase, or to the account's plan where ``purchase`` is empty."""
        return self._ended(PaymentEventState.APPLIED, now)._replace(account=account, purchase=purchase, problem="")

    def of_no_interest(self, problem: str, now: Instant) -> "PaymentEvent":
        """Return the event as one that does not concern credits, or nothing of ours."""
        return self._ended(PaymentEventState.NOT_OF_INTEREST, now)._replace(problem=problem)

    def parked(
        self,
        problem: str,
        now: Instant,
        cause: ParkedCause = ParkedCause.OTHER,
        references: tuple[str, ...] = (),
    ) -> "PaymentEvent":
        """Return the event as parked; ``references`` are the provider's ids that it is about, as far as known."""
        ended = self._ended(PaymentEventState.PARKED, now)
        return ended._replace(problem=problem, cause=cause, waits_for=references or self.waits_for)

    def tried_again(self, problem: str, now: Instant, jitter: float) -> "PaymentEvent":
        """Return the event with its next try; ``jitter``, from 0.5 to 1, is the share of the pause to wait."""
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(max(self.attempts, 1) - 1, 20))
        next_attempt_time = Instant(now + int(pause * jitter))
        return self._replace(next_attempt_time=next_attempt_time, waits_for=(), problem=problem, update_time=now)

    def read_again(self, references: tuple[str, ...], now: Instant) -> "PaymentEvent":
        """Return a hint with its next read, since its subject may change; one that is too old is applied."""
        age = now - self.receive_time
        if age >= WAIT:
            ended = self._ended(PaymentEventState.APPLIED, now)
            return ended._replace(problem="it had not ended after three days")
        pause = min(LONGEST_READ_PAUSE, max(SHORTEST_READ_PAUSE, age // 4))
        waiting = self._replace(
            state=PaymentEventState.WAITING, next_attempt_time=Instant(now + pause), update_time=now
        )
        return waiting._replace(waits_for=references, problem="it has not ended at the provider")

    def waiting(self, references: tuple[str, ...], problem: str, now: Instant) -> "PaymentEvent":
        """Return the event as waiting: it is tried once something refers to it, and given up after ``WAIT``."""
        end = Instant(self.receive_time + WAIT)
        if now >= end:
            return self.of_no_interest(problem, now)
        waiting = self._replace(state=PaymentEventState.WAITING, next_attempt_time=end, is_ours=False, update_time=now)
        # Nothing is known of a purchase then, whatever it seemed to name; what has one is not woken by a link.
        return waiting._replace(waits_for=references, problem=problem, purchase="")

    def _ended(self, state: PaymentEventState, now: Instant) -> "PaymentEvent":
        return self._replace(
            state=state, next_attempt_time=None, waits_for=(), cause=ParkedCause.OTHER, update_time=now
        )


class PaymentEventAct(NamedTuple):
    """An act of staff on an event."""

    act: str
    actor: str
    reason: str
    create_time: Instant
