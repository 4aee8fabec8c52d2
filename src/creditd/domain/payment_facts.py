"""Facts: what providers say of purchases, and what follows from it.

Providers repeat, reorder and drop what they say. So nothing here counts events: what is said becomes facts, of facts
about the same thing one stays (:func:`merged`), and where a purchase stands is a function of its facts alone
(:func:`standing`). Merging commutes, associates and is idempotent: every order of the same sayings, with any repeats,
ends in the same place. Amounts are in the smallest unit of their currency, as the providers count them.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from enum import IntEnum
from fractions import Fraction
from typing import Any, Final, NamedTuple

from creditd.domain.instant import Instant
from creditd.domain.purchase import PurchaseState


class FactKind(IntEnum):
    """What a fact is about. The numbers are those of the rows."""

    PAYMENT = 1
    REFUND = 2
    """How a refund stands."""
    REFUND_TOTAL = 3
    """How much of a payment was refunded in all at some time, as its provider adds it up."""
    DISPUTE_FUNDS = 4
    """Where the money of a dispute is, where its provider does not show the transactions."""
    DISPUTE = 5
    OUTSIDE_REFUND = 6
    DISPUTE_TRANSACTION = 7
    """One movement of a dispute's money on our balance at the provider."""
    REFUND_MADE = 8
    """When a refund was on its way first."""
    REFUND_FAILURE = 9
    """When a refund had failed first."""
    REFUND_PROGRESS = 10
    """When a refund was on its way last."""


class PaymentStage(IntEnum):
    """How far a payment is. One that failed may still succeed; one that is paid stays paid, whatever is said late."""

    FAILED = 1
    EXPIRED = 2
    CANCELLED = 3
    PAID = 4


class RefundStage(IntEnum):
    """How a refund stands. Only one that is on its way or done counts; one that failed may be on its way again."""

    REQUESTED = 1
    PENDING = 2
    SUCCEEDED = 3
    FAILED = 4


class FundsStage(IntEnum):
    """Where the money of a dispute is: with us, taken from us, given back to us. It may be taken again."""

    UNTOUCHED = 1
    WITHDRAWN = 2
    REINSTATED = 3


class DisputeStage(IntEnum):
    """Whether a dispute is open. One that was closed may be opened again."""

    OPEN = 1
    CLOSED = 2


class Direction(IntEnum):
    """Which way the money of a dispute went: out of our balance at the provider, or back into it."""

    OUT = 1
    BACK = 2


class Fact(NamedTuple):
    """One thing that is known of a purchase.

    ``subject`` is the provider's id of what it is about: the payment (PAYMENT, REFUND_TOTAL), the refund, the dispute,
    the dispute and its transaction (:func:`transaction_subject`); for OUTSIDE_REFUND, which the provider knows nothing
    of, it is the request id of whoever in staff told of it. ``stage`` is a member of the kind's own enum, 0 for
    REFUND_TOTAL. ``amount`` is what was paid, refunded, disputed or moved. ``code`` and ``message`` say why a payment
    failed; an OUTSIDE_REFUND's code is its request's fingerprint.

    ``said_time`` is when it was so by the provider's own clock, ``receive_time`` when we were told; None where that is
    not known. They decide which of two facts stays where something may go back, or be counted again.

    ``payment`` is the provider's id of the payment that a refund or dispute is about; empty where it was never told,
    and then it is the one that pays the purchase.
    """

    kind: FactKind
    subject: str
    stage: int
    amount: int
    code: str = ""
    message: str = ""
    said_time: Instant | None = None
    receive_time: Instant | None = None
    payment: str = ""


def refund_facts(refund: Fact, *, made_time: Instant | None) -> list[Fact]:
    """Return all that one description of a refund says: how it stands, and that it was on its way or had failed then.

    ``made_time`` is when the refund was made by the provider's clock, None where that is not told.
    """
    if refund.stage == RefundStage.FAILED:
        return [refund, refund._replace(kind=FactKind.REFUND_FAILURE)]
    progress = refund._replace(kind=FactKind.REFUND_PROGRESS, stage=0)
    made = progress._replace(kind=FactKind.REFUND_MADE, receive_time=None)
    return [refund, progress, made if made_time is None else made._replace(said_time=made_time)]


def transaction_subject(dispute_id: str, transaction_id: str) -> str:
    """Return what a DISPUTE_TRANSACTION is about."""
    return f"{dispute_id}/{transaction_id}"


_NEVER: Final = math.inf


def _furthest(fact: Fact) -> tuple[Any, ...]:
    return fact.stage, fact.amount, *_words(fact), *_latest_times(fact)


def _latest(fact: Fact) -> tuple[Any, ...]:
    """Order by the provider's clock. Most count in seconds: of one second the further one is taken for the later."""
    said_time, receive_time = _latest_times(fact)
    return said_time, fact.stage, fact.amount, receive_time, *_words(fact)


def _latest_told(fact: Fact) -> tuple[Any, ...]:
    """Order by the provider's clock, and within its second by when we were told: no amount is by itself the later."""
    return *_latest_times(fact), fact.stage, fact.amount, *_words(fact)


def _earliest(fact: Fact) -> tuple[Any, ...]:
    said_time, receive_time = (_NEVER if time is None else time for time in (fact.said_time, fact.receive_time))
    return -said_time, -receive_time, fact.stage, fact.amount, *_words(fact)


def _words(fact: Fact) -> tuple[str, str, str]:
    """Return what makes each order total. A fact that states its payment stays before one that does not."""
    return fact.payment, fact.code, fact.message


def _latest_times(fact: Fact) -> tuple[float, float]:
    said_time, receive_time = (-_NEVER if time is None else time for time in (fact.said_time, fact.receive_time))
    return said_time, receive_time


_ORDER: Final[Mapping[FactKind, Any]] = {
    FactKind.PAYMENT: _furthest,
    FactKind.REFUND: _latest,
    FactKind.REFUND_TOTAL: _latest_told,
    FactKind.DISPUTE_FUNDS: _latest_told,
    FactKind.DISPUTE: _latest,
    FactKind.OUTSIDE_REFUND: _furthest,
    FactKind.DISPUTE_TRANSACTION: _furthest,
    FactKind.REFUND_MADE: _earliest,
    FactKind.REFUND_FAILURE: _earliest,
    FactKind.REFUND_PROGRESS: _latest_told,
}
"""Which of two facts about the same thing stays: the greater in its kind's order. Each order is total."""


def merged(known: Iterable[Fact], said: Iterable[Fact]) -> dict[tuple[FactKind, str], Fact]:
    """Merge facts: of those about the same thing the greatest in its kind's order stays.

    The greatest of a set is the same whatever the order in which, and however often, its members come.
    """
    facts: dict[tuple[FactKind, str], Fact] = {}
    for fact in (*known, *said):
        key = fact.kind, fact.subject
        other = facts.get(key)
        facts[key] = fact if other is None else max(other, fact, key=_ORDER[fact.kind])
    return facts


class Standing(NamedTuple):
    """What follows from the facts. ``payment_id`` is empty, and ``paid`` 0, while nothing was paid.

    ``extra_payment_ids`` are payments beside the one that pays the purchase: they bring no credits. ``extra_left`` is
    how much of them is still with us and has to be given back.
    """

    state: PurchaseState
    payment_id: str
    paid: int
    refunded: int
    disputed: int
    open_disputes: int
    failure_code: str
    failure_message: str
    extra_payment_ids: tuple[str, ...] = ()
    extra_left: int = 0

    @property
    def returned(self) -> int:
        """How much of what was paid is not, or not now, with us: refunded or disputed, never more than was paid."""
        return min(self.paid, self.refunded + self.disputed)


_UNPAID = {
    PaymentStage.FAILED: PurchaseState.FAILED,
    PaymentStage.EXPIRED: PurchaseState.EXPIRED,
    PaymentStage.CANCELLED: PurchaseState.CANCELLED,
}


def standing(facts: Collection[Fact], paying: str = "") -> Standing:
    """Tell where a purchase stands by its merged facts; ``paying`` is the payment that paid it so far, if any did."""
    payments = [fact for fact in facts if fact.kind == FactKind.PAYMENT]
    open_disputes = sum(fact.kind == FactKind.DISPUTE and fact.stage == DisputeStage.OPEN for fact in facts)
    paid = [payment for payment in payments if payment.stage == PaymentStage.PAID]
    if paid:
        return _paid_standing(facts, paid, paying, open_disputes)
    if not payments:
        return Standing(PurchaseState.PENDING, "", 0, 0, 0, 0, "", "")
    last = max(payments, key=lambda fact: (fact.stage, fact.amount, fact.subject))
    state = _UNPAID[PaymentStage(last.stage)]
    return Standing(state, "", 0, 0, 0, open_disputes, last.code, last.message)


class _Payment(NamedTuple):
    """A payment that was made, and what was given back of it."""

    payment_id: str
    paid: int
    refunded: int
    disputed: int

    @property
    def left(self) -> int:
        return max(0, self.paid - self.refunded - self.disputed)


def _paid_standing(facts: Collection[Fact], paid: Collection[Fact], paying: str, open_disputes: int) -> Standing:
    """Tell where a purchase stands that was paid at least once.

    The payment that pays it is the one of which the largest share is still with us; where shares are the same, the one
    that paid it so far. So whichever of two is given back, the other one pays.
    """
    untold = paying or min(fact.subject for fact in paid)
    known = [_payment(fact, [other for other in facts if _payment_of(other, untold) == fact.subject]) for fact in paid]
    pays = max(known, key=lambda one: (_share_left(one), one.payment_id == untold, one.payment_id))
    extra = sorted(one for one in known if one is not pays)
    state = PurchaseState.COMPLETED
    if pays.refunded:
        state = PurchaseState.REFUNDED if pays.refunded >= pays.paid else PurchaseState.PARTIALLY_REFUNDED
    return Standing(
        state,
        *pays,
        open_disputes,
        "",
        "",
        tuple(one.payment_id for one in extra),
        sum(one.left for one in extra),
    )


def _payment_of(fact: Fact, untold: str) -> str:
    """Return the payment that a fact is about."""
    if fact.kind in {FactKind.PAYMENT, FactKind.REFUND_TOTAL}:
        return fact.subject
    return fact.payment or untold


def _share_left(payment: _Payment) -> Fraction:
    return Fraction(payment.left, payment.paid) if payment.paid else Fraction(0)


def _payment(fact: Fact, about: Collection[Fact]) -> _Payment:
    """Return a payment with what was given back of it, by the facts about it."""
    return _Payment(fact.subject, fact.amount, min(fact.amount, _refunded(about)), _disputed(about))


def _refunded(facts: Collection[Fact]) -> int:
    """Return how much is refunded: what is known refund by refund, and what a total holds beside those.

    A provider's total holds the refunds that were on their way or done at its time, and none that had failed by then.
    So what it holds beside the refunds that are known is a refund that is known by nothing else. A refund that failed
    later is in the total and is known: it is in neither sum. Those outside of the provider come on top.
    """
    refunds = [fact for fact in facts if fact.kind == FactKind.REFUND]
    about = {(fact.kind, fact.subject): fact for fact in facts}
    active = sum(fact.amount for fact in refunds if fact.stage in {RefundStage.PENDING, RefundStage.SUCCEEDED})
    unknown = 0
    for total in (fact for fact in facts if fact.kind == FactKind.REFUND_TOTAL):
        held = sum(refund.amount for refund in refunds if _is_held(total, refund, about))
        unknown += max(0, total.amount - held)
    outside = sum(fact.amount for fact in facts if fact.kind == FactKind.OUTSIDE_REFUND)
    return active + unknown + outside


def _is_held(total: Fact, refund: Fact, about: Mapping[tuple[FactKind, str], Fact]) -> bool:
    """Tell whether a total holds a refund: it was made by then, and had not failed yet.

    Of one second of the provider's, a refund that was seen on its way is held; one that is known by its failure alone
    is held unless we were told of the failure first.
    """
    made, failure = about.get((FactKind.REFUND_MADE, refund.subject)), _failure(refund, about)
    if made is not None and total.said_time is not None:
        failed_before = failure is not None and _latest_times(failure)[0] < total.said_time
        return _latest_times(made)[0] <= total.said_time and not failed_before
    if failure is None:
        return True
    failed_time, told_of_failure = failure.said_time, failure.receive_time
    failed = -_NEVER if failed_time is None else failed_time, _NEVER if told_of_failure is None else told_of_failure
    return failed > _latest_times(total)


def _failure(refund: Fact, about: Mapping[tuple[FactKind, str], Fact]) -> Fact | None:
    """Return when a refund failed that has failed; None for any other.

    It is the first time that it had, unless it was on its way again afterwards: then it is the last time, at which it
    had failed for certain.
    """
    if refund.stage != RefundStage.FAILED:
        return None
    first = about.get((FactKind.REFUND_FAILURE, refund.subject))
    progress = about.get((FactKind.REFUND_PROGRESS, refund.subject))
    if first is None:
        return refund._replace(receive_time=None)
    is_first = progress is None or _latest_times(progress) <= _latest_times(first)
    return first if is_first else refund


def _disputed(facts: Collection[Fact]) -> int:
    """Return how much disputes hold: of each what its transactions took out and did not bring back.

    Of one without transactions it is the disputed amount while its funds are withdrawn. None ever counts for less than
    nothing: what comes back beyond what was taken is no payment for anything.
    """
    moved: dict[str, int] = {}
    for fact in facts:
        if fact.kind == FactKind.DISPUTE_TRANSACTION:
            dispute_id = fact.subject.partition("/")[0]
            moved[dispute_id] = moved.get(dispute_id, 0) + (
                fact.amount if fact.stage == Direction.OUT else -fact.amount
            )
    untold = sum(
        fact.amount
        for fact in facts
        if fact.kind == FactKind.DISPUTE_FUNDS and fact.stage == FundsStage.WITHDRAWN and fact.subject not in moved
    )
    return untold + sum(max(0, amount) for amount in moved.values())


def credits_reversed(granted: int, paid: int, returned: int) -> int:
    """Return how many of the credits granted are to be taken back: the share of the payment returned, rounded down."""
    if returned >= paid:
        return granted
    return granted * returned // paid
