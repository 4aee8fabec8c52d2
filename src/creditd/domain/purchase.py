"""Purchases: what providers say of them, and what follows from it.

Providers repeat, reorder and drop what they say. So nothing here counts events: what is said becomes facts, facts about
the same thing merge into the furthest one (:func:`merged`), and where a purchase stands is a function of its facts
alone (:func:`standing`). Merging commutes, associates and is idempotent: every order of the same sayings, with any
repeats, ends in the same place. Amounts are in the smallest unit of their currency, as the providers count them.
"""

from collections.abc import Collection, Iterable
from enum import IntEnum
from typing import NamedTuple


class Provider(IntEnum):
    """Who takes the payment. The numbers are those of the proto and of the rows."""

    STRIPE = 1
    OMISE = 2
    LEMON_SQUEEZY = 3


class PurchaseState(IntEnum):
    """Where a purchase stands. The numbers are those of the proto and of the rows."""

    PENDING = 1
    COMPLETED = 2
    FAILED = 3
    EXPIRED = 4
    CANCELLED = 5
    PARTIALLY_REFUNDED = 6
    REFUNDED = 7


class FactKind(IntEnum):
    """What a fact is about. The numbers are those of the rows."""

    PAYMENT = 1
    REFUND = 2
    REFUND_TOTAL = 3
    DISPUTE_FUNDS = 4
    DISPUTE = 5
    OUTSIDE_REFUND = 6


class PaymentStage(IntEnum):
    """How far a payment is. One that failed may still succeed; one that is paid stays paid, whatever is said late."""

    FAILED = 1
    EXPIRED = 2
    CANCELLED = 3
    PAID = 4


class RefundStage(IntEnum):
    """How far a refund is. Only one that is on its way or done counts; one that failed never counts again."""

    REQUESTED = 1
    PENDING = 2
    SUCCEEDED = 3
    FAILED = 4


class FundsStage(IntEnum):
    """Where the money of a dispute is: with us, taken from us, given back to us."""

    UNTOUCHED = 1
    WITHDRAWN = 2
    REINSTATED = 3


class DisputeStage(IntEnum):
    """Whether a dispute is still open."""

    OPEN = 1
    CLOSED = 2


class Fact(NamedTuple):
    """One thing that is known of a purchase.

    ``subject`` is the provider's id of what it is about: the payment (PAYMENT, REFUND_TOTAL), the refund, the dispute;
    for OUTSIDE_REFUND, which the provider knows nothing of, it is the request id of whoever in staff told of it.
    ``stage`` is a member of the kind's own enum, 0 for REFUND_TOTAL. ``amount`` is what was paid, refunded (for
    REFUND_TOTAL: all refunds of the payment together) or disputed. ``code`` and ``message`` say why a payment failed;
    an OUTSIDE_REFUND's code is its request's fingerprint.
    """

    kind: FactKind
    subject: str
    stage: int
    amount: int
    code: str = ""
    message: str = ""


def merged(known: Iterable[Fact], said: Iterable[Fact]) -> dict[tuple[FactKind, str], Fact]:
    """Merge facts: of those about the same thing the furthest stays, by stage and then by amount."""
    facts: dict[tuple[FactKind, str], Fact] = {}
    for fact in (*known, *said):
        key = fact.kind, fact.subject
        other = facts.get(key)
        facts[key] = fact if other is None else max(other, fact)
    return facts


class Standing(NamedTuple):
    """What follows from the facts. ``payment_id`` is empty, and ``paid`` 0, while nothing was paid."""

    state: PurchaseState
    payment_id: str
    paid: int
    refunded: int
    disputed: int
    open_disputes: int
    failure_code: str
    failure_message: str

    @property
    def returned(self) -> int:
        """How much of what was paid is not, or not now, with us: refunded or disputed, never more than was paid."""
        return min(self.paid, self.refunded + self.disputed)


_UNPAID = {
    PaymentStage.FAILED: PurchaseState.FAILED,
    PaymentStage.EXPIRED: PurchaseState.EXPIRED,
    PaymentStage.CANCELLED: PurchaseState.CANCELLED,
}


def standing(facts: Collection[Fact]) -> Standing:
    """Tell where a purchase stands by its merged facts."""
    payments = [fact for fact in facts if fact.kind == FactKind.PAYMENT]
    if not payments:
        return Standing(PurchaseState.PENDING, "", 0, 0, 0, 0, "", "")
    payment = max(payments, key=lambda fact: (fact.stage, fact.amount, fact.subject))
    stage = PaymentStage(payment.stage)
    open_disputes = sum(fact.kind == FactKind.DISPUTE and fact.stage == DisputeStage.OPEN for fact in facts)
    if stage is not PaymentStage.PAID:
        return Standing(_UNPAID[stage], "", 0, 0, 0, open_disputes, payment.code, payment.message)
    paid = payment.amount
    refunded = min(paid, _refunded(facts))
    disputed = sum(f.amount for f in facts if f.kind == FactKind.DISPUTE_FUNDS and f.stage == FundsStage.WITHDRAWN)
    state = PurchaseState.COMPLETED
    if refunded:
        state = PurchaseState.REFUNDED if refunded >= paid else PurchaseState.PARTIALLY_REFUNDED
    return Standing(state, payment.subject, paid, refunded, disputed, open_disputes, "", "")


def _refunded(facts: Collection[Fact]) -> int:
    """Return how much is refunded, by the refunds known one by one or by the totals, whichever knows more.

    Those outside of the provider come on top. A total that counted a refund which failed afterwards is lowered by it:
    totals only ever merge upwards.
    """
    refunds = [fact for fact in facts if fact.kind == FactKind.REFUND]
    active = sum(fact.amount for fact in refunds if fact.stage in {RefundStage.PENDING, RefundStage.SUCCEEDED})
    failed = sum(fact.amount for fact in refunds if fact.stage == RefundStage.FAILED)
    total = sum(fact.amount for fact in facts if fact.kind == FactKind.REFUND_TOTAL)
    outside = sum(fact.amount for fact in facts if fact.kind == FactKind.OUTSIDE_REFUND)
    return max(active, total - failed) + outside


def credits_reversed(granted: int, paid: int, returned: int) -> int:
    """Return how many of the credits granted are to be taken back: the share of the payment returned, rounded down."""
    if returned >= paid:
        return granted
    return granted * returned // paid
