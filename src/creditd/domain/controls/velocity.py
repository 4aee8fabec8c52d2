"""Velocity rules: what happens to an account too often, too fast (requirement C8).

A velocity event is something that counts: a payment that failed, a purchase of which money was given back. It is known
by its kind and its subject, so that it counts once, however often and by however many reports it is told. Its time is
that which its provider states, else that at which it was recorded; of several the earliest. So neither repeats nor the
order of reports make a difference.

A rule is broken where more than ``most`` events of its kind lie within one window: all of them less than
``window_seconds`` apart.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_facts import Fact, FactKind, FundsStage, PaymentStage, RefundStage


class VelocityKind(IntEnum):
    """What is counted. The numbers are those of the rows and of the wire; the names are those of the configuration."""

    FAILED_PAYMENTS = 1
    REFUNDS = 2
    """Purchases of which money was given back, in part or whole, by whomever."""
    DISPUTES = 3
    TOP_UPS = 4
    """Payments that were made."""
    PROMO_ATTEMPTS = 5
    """Promo codes that were tried and do not exist, each once."""


class VelocityAction(IntEnum):
    """What a broken rule does. The numbers are those of the rows and of the wire."""

    FLAG = 1
    SUSPEND = 2
    """Flag, and suspend the account if it is active."""


MAX_RULES: Final = 20
"""A few for each kind; each event is held against those of its kind."""

MAX_MOST: Final = 1_000
"""Events are counted row by row, up to so many on each side of a new one."""

MAX_WINDOW_SECONDS: Final = 366 * 86_400
"""Whatever an account did more than a year ago tells nothing of a burst."""


class VelocityRule(NamedTuple):
    """A rule: more than ``most`` events of a kind within less than ``window_seconds`` break it.

    A rule is known by its kind, window and action: of two that differ in nothing but ``most`` one would be idle.
    """

    kind: VelocityKind
    most: int
    window_seconds: int
    action: VelocityAction


class VelocityEvent(NamedTuple):
    """Something that counts: of which kind, about what, and when it was."""

    kind: VelocityKind
    subject: str
    event_time: Instant


class ToldOfPurchase(NamedTuple):
    """What a report tells of a purchase: the purchase's id, the facts, and which attempt to pay it is about.

    ``attempt`` is the provider's id of an attempt, where one payment may fail several times; empty where it may not,
    None where another report tells of the attempt. ``said_time`` is when it was so by the provider's clock, where the
    facts say no other time; None if it is not told.
    """

    purchase_id: str
    facts: Sequence[Fact]
    attempt: str | None = ""
    said_time: Instant | None = None


_Subject = tuple[str, Instant | None]
"""What an event is about, and when it was by its provider."""


def _failed_payments(told: ToldOfPurchase) -> Iterator[_Subject]:
    if told.attempt is None:
        return
    for fact in told.facts:
        if fact.kind == FactKind.PAYMENT and fact.stage == PaymentStage.FAILED:
            yield f"{fact.subject}/{told.attempt}" if told.attempt else fact.subject, told.said_time


def _refunds(told: ToldOfPurchase) -> Iterator[_Subject]:
    for fact in told.facts:
        if fact.kind == FactKind.REFUND_MADE:
            yield told.purchase_id, fact.said_time
        elif fact.kind == FactKind.OUTSIDE_REFUND or _is_under_way(fact) or _is_total(fact):
            # When it was made is not among these facts: not after the report.
            yield told.purchase_id, told.said_time


def _is_under_way(fact: Fact) -> bool:
    return fact.kind == FactKind.REFUND and fact.stage in {RefundStage.PENDING, RefundStage.SUCCEEDED}


def _is_total(fact: Fact) -> bool:
    return fact.kind == FactKind.REFUND_TOTAL and fact.amount > 0


def _disputes(told: ToldOfPurchase) -> Iterator[_Subject]:
    for fact in told.facts:
        is_withdrawn = fact.kind == FactKind.DISPUTE_FUNDS and fact.stage == FundsStage.WITHDRAWN
        if fact.kind == FactKind.DISPUTE or is_withdrawn:
            yield fact.subject, fact.said_time


def _top_ups(told: ToldOfPurchase) -> Iterator[_Subject]:
    for fact in told.facts:
        if fact.kind == FactKind.PAYMENT and fact.stage == PaymentStage.PAID:
            yield fact.subject, told.said_time


_READERS: Final[Mapping[VelocityKind, Callable[[ToldOfPurchase], Iterator[_Subject]]]] = {
    VelocityKind.FAILED_PAYMENTS: _failed_payments,
    VelocityKind.REFUNDS: _refunds,
    VelocityKind.DISPUTES: _disputes,
    VelocityKind.TOP_UPS: _top_ups,
}
"""How to find the events of each kind that is about purchases, in what is told of one."""


def events_in(told: ToldOfPurchase, now: Instant) -> list[VelocityEvent]:
    """Return the events that a report tells of, each once, by kind and subject; none of them is later than ``now``."""
    times: dict[tuple[VelocityKind, str], Instant] = {}
    for kind, read in _READERS.items():
        for subject, said_time in read(told):
            event_time = now if said_time is None else min(said_time, now)
            times[kind, subject] = min(event_time, times.get((kind, subject), now))
    return [VelocityEvent(*key, event_time) for key, event_time in sorted(times.items())]


def window_around(rule: VelocityRule, event_time: Instant, clear_time: Instant | None) -> tuple[Instant, Instant]:
    """Return between which instants events lie that may break a rule with one at ``event_time``; neither is one itself.

    What was so until a flag was cleared is over: only later events count.
    """
    window = rule.window_seconds * SECOND
    start = Instant(event_time - window)
    return max(start, clear_time) if clear_time is not None else start, Instant(event_time + window)


def most_within(times: Iterable[Instant], window_seconds: int) -> int:
    """Return how many of these instants lie within one window at most: all of them less than it apart."""
    ordered = sorted(times)
    window = window_seconds * SECOND
    # Each window may as well begin with an event.
    return max((bisect_right(ordered, start + window - 1) - place for place, start in enumerate(ordered)), default=0)
