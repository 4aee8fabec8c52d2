"""Standing: what the facts of a purchase amount to. It is a function of the merged facts alone."""

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import NamedTuple

from creditd.domain.payments.payment_facts import (
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
from creditd.domain.payments.purchase import PurchaseState


class Standing(NamedTuple):
    """The standing of a purchase. ``payment_id`` is empty, and ``paid`` 0, while nothing was paid.

    ``extra_payment_ids`` are further payments beside the one that pays the purchase; they bring no credits.
    ``extra_left`` is how much of them has yet to be refunded.
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
        """How much of the payment is refunded or disputed; never more than was paid."""
        return min(self.paid, self.refunded + self.disputed)


_UNPAID = {
    PaymentStage.FAILED: PurchaseState.FAILED,
    PaymentStage.EXPIRED: PurchaseState.EXPIRED,
    PaymentStage.CANCELLED: PurchaseState.CANCELLED,
}


def standing(facts: Collection[Fact], paying: str = "") -> Standing:
    """Return the standing by the merged facts; ``paying`` is the payment that paid it so far, or empty."""
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
    """A payment that was made, and how much of it was refunded or disputed."""

    payment_id: str
    paid: int
    refunded: int
    disputed: int

    @property
    def left(self) -> int:
        return max(0, self.paid - self.refunded - self.disputed)


def _paid_standing(facts: Collection[Fact], paid: Collection[Fact], paying: str, open_disputes: int) -> Standing:
    """Return the standing of a purchase that was paid at least once.

    The payment that pays it is the one with the largest share left; among equal shares, the one that paid it so far. So
    whichever of two payments is refunded, the other one pays.
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
    """Return a payment with its refunds and disputes, by the facts about it."""
    return _Payment(fact.subject, fact.amount, min(fact.amount, _refunded(about)), _disputed(about))


def _refunded(facts: Collection[Fact]) -> int:
    """Return how much is refunded: the known refunds, and what a total includes beyond them.

    A provider's total includes the refunds that were in progress or done at its time, and none that had failed by then.
    So whatever it includes beyond the known refunds is a refund not yet reported by itself. A refund that failed after
    the total is included in it and is known, so it counts in neither sum. Refunds outside the provider are added.
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
    """Tell whether a total includes a refund: it was made by then, and had not failed yet.

    Within the same second of the provider's clock, a refund that was seen in progress is included. One known only by
    its failure is included unless we received the failure before the total.
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
    """Return the fact of a refund's failure; None for a refund that has not failed.

    It is the first failure, unless the refund was in progress again afterwards: then it is the last one, at which it
    had certainly failed.
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
    """Return how much is disputed: for each dispute, what its transactions withdrew and did not return.

    For a dispute without transactions it is the disputed amount while its funds are withdrawn. A dispute never counts
    below zero: what is returned beyond the withdrawal pays for nothing.
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
    """Return how many of the granted credits to take back: the returned share of the payment, rounded down."""
    if returned >= paid:
        return granted
    return granted * returned // paid
