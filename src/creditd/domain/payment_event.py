"""Payment events: what providers said by webhooks, or what was found at them, and what became of it."""

from enum import IntEnum
from typing import Final, NamedTuple

from creditd.domain.instant import SECOND, Instant
from creditd.domain.provider import Provider

FIRST_PAUSE: Final = 2 * SECOND
"""Before the second try of an event; doubled for each one after, with jitter over half of it."""

LONGEST_PAUSE: Final = 3_600 * SECOND
"""A provider that is down is asked at least once an hour."""

WAIT: Final = 3 * 86_400 * SECOND
"""How long an event that names nothing of ours may wait for something that refers to it. Stripe itself repeats a
webhook for as long; what comes later is found by the daily comparison."""

SHORTEST_READ_PAUSE: Final = 2 * SECOND
LONGEST_READ_PAUSE: Final = 900 * SECOND
"""Between two reads of what is not final. The pause grows with a quarter of the time that has passed: who pays after an
hour is seen a quarter of an hour later at most, and a payment that takes days is read some hundred times a day."""


class PaymentEventState(IntEnum):
    """What became of an event. The numbers are those of the proto and of the rows."""

    PENDING = 1
    APPLIED = 2
    NOT_OF_INTEREST = 3
    PARKED = 4
    DISMISSED = 5
    WAITING = 6


class ParkedCause(IntEnum):
    """Why an event is parked, as far as something else than a person may end that. The numbers are those of the rows.

    RECORDED: what it says is known, and what follows from that cannot be done yet, or is a person's to do; it ends with
    the case. UNPLACED: it is ours, and nobody knows whose; it is tried again once something refers to it.
    """

    OTHER = 0
    RECORDED = 1
    UNPLACED = 2


class PaymentEvent(NamedTuple):
    """What a provider said, or what was found there.

    ``waits_for`` are its ids of what the event is about, while it is not applied. ``account`` and ``purchase``, a
    resource name, are whose it is as far as that is known; empty if not. Those that are ``is_ours`` go first.
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

    def applied(self, account: str, purchase: str, now: Instant) -> "PaymentEvent":
        """Return it applied to an account's purchase, or to its plan where ``purchase`` is empty."""
        return self._ended(PaymentEventState.APPLIED, now)._replace(account=account, purchase=purchase, problem="")

    def of_no_interest(self, problem: str, now: Instant) -> "PaymentEvent":
        """Return it as one that says nothing about credits, or about nothing of ours."""
        return self._ended(PaymentEventState.NOT_OF_INTEREST, now)._replace(problem=problem)

    def parked(
        self,
        problem: str,
        now: Instant,
        cause: ParkedCause = ParkedCause.OTHER,
        references: tuple[str, ...] = (),
    ) -> "PaymentEvent":
        """Return it as one for a person; ``references`` are what it is about, as far as that is known."""
        ended = self._ended(PaymentEventState.PARKED, now)
        return ended._replace(problem=problem, cause=cause, waits_for=references or self.waits_for)

    def tried_again(self, problem: str, now: Instant, jitter: float) -> "PaymentEvent":
        """Return it put off to its next try; ``jitter``, from 0.5 to 1, is the share of the pause that it waits."""
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(max(self.attempts, 1) - 1, 20))
        next_attempt_time = Instant(now + int(pause * jitter))
        return self._replace(next_attempt_time=next_attempt_time, waits_for=(), problem=problem, update_time=now)

    def read_again(self, references: tuple[str, ...], now: Instant) -> "PaymentEvent":
        """Return a hint put off to its next read, since what it is about may change; one that is too old is applied."""
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
        """Return one that names nothing of ours: not tried until something refers to it, and given up in the end."""
        end = Instant(self.receive_time + WAIT)
        if now >= end:
            return self.of_no_interest(problem, now)
        waiting = self._replace(state=PaymentEventState.WAITING, next_attempt_time=end, is_ours=False, update_time=now)
        return waiting._replace(waits_for=references, problem=problem)

    def _ended(self, state: PaymentEventState, now: Instant) -> "PaymentEvent":
        return self._replace(
            state=state, next_attempt_time=None, waits_for=(), cause=ParkedCause.OTHER, update_time=now
        )


class PaymentEventAct(NamedTuple):
    """What a member of staff did with an event."""

    act: str
    actor: str
    reason: str
    create_time: Instant
