"""Standing: what the facts of a purchase amount to. It is a function of the merged facts alone."""

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import NamedTuple

from creditd.domain.payment_facts import (
    NEVER,
    Direction,
    DisputeStage,
    Fact,
    FactKind,
    FundsStage,
    PaymentStage,
    RefundStage,
    latest_times,
)
from creditd.domain.purchase import PurchaseState


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
        failed_before = failure is not None and latest_times(failure)[0] < total.said_time
        return latest_times(made)[0] <= total.said_time and not failed_before
    if failure is None:
        return True
    failed_time, told_of_failure = failure.said_time, failure.receive_time
    failed = -NEVER if failed_time is None else failed_time, NEVER if told_of_failure is None else told_of_failure
    return failed > latest_times(total)


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
    is_first = progress is None or latest_times(progress) <= latest_times(first)
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
