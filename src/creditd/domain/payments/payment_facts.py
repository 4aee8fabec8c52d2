"""Facts: what providers report about purchases, in a form that can be merged in any order.

Providers repeat, reorder and drop their reports. So no rule here counts events: each report becomes facts, and of two
facts about the same subject one is kept (:func:`merged`). Merging commutes, associates and is idempotent: the same
reports, in any order and with any repeats, leave the same facts. What follows from them is in ``payment_standing``.
Amounts are in the smallest unit of their currency, as the providers count them.
"""

import math
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any, Final, NamedTuple

from creditd.domain.instant import Instant


class FactKind(IntEnum):
    """What a fact is about. The numbers are those of the rows."""

    PAYMENT = 1
    REFUND = 2
    """The state of a refund."""
    REFUND_TOTAL = 3
    """The total refunded of a payment at some time, by the provider's own count."""
    DISPUTE_FUNDS = 4
    """Where the money of a dispute is, for a provider that does not show the transactions."""
    DISPUTE = 5
    OUTSIDE_REFUND = 6
    DISPUTE_TRANSACTION = 7
    """One movement of a dispute's money, on our balance at the provider."""
    REFUND_MADE = 8
    """When a refund was first in progress."""
    REFUND_FAILURE = 9
    """When a refund was first known to have failed."""
    REFUND_PROGRESS = 10
    """When a refund was last in progress."""


class PaymentStage(IntEnum):
    """How far a payment is. A failed one may still succeed; a paid one stays paid, whatever arrives later."""

    FAILED = 1
    EXPIRED = 2
    CANCELLED = 3
    PAID = 4


class RefundStage(IntEnum):
    """How a refund stands. Only one in progress or done counts; one that failed may be tried again."""

    REQUESTED = 1
    PENDING = 2
    SUCCEEDED = 3
    FAILED = 4


class FundsStage(IntEnum):
    """Where the money of a dispute is: with us, withdrawn, or reinstated. It may be withdrawn again."""

    UNTOUCHED = 1
    WITHDRAWN = 2
    REINSTATED = 3


class DisputeStage(IntEnum):
    """Whether a dispute is open. A closed one may be opened again."""

    OPEN = 1
    CLOSED = 2


class Direction(IntEnum):
    """The direction of a dispute's money: out of our balance at the provider, or back into it."""

    OUT = 1
    BACK = 2


class Fact(NamedTuple):
    """One thing known about a purchase.

    ``subject`` is the provider's id of the subject: of the payment (PAYMENT, REFUND_TOTAL), the refund, the dispute, or
    the dispute and its transaction (:func:`transaction_subject`). For OUTSIDE_REFUND, a refund outside the provider, it
    is the request id with which staff recorded it. ``stage`` is a member of the kind's own enum, 0 for REFUND_TOTAL.
    ``amount`` is what was paid, refunded, disputed or moved. ``code`` and ``message`` tell why a payment failed; the
    code of an OUTSIDE_REFUND is the fingerprint of its request.

    ``said_time`` is the time of the report by the provider's clock, ``receive_time`` the time at which we received it;
    None if not known. They decide which of two facts is kept where a state may be reverted or a sum counted again.

    ``payment`` is the provider's id of the payment that a refund or dispute is about. It is empty if never reported;
    then it is the payment that pays the purchase.
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
    """Return the facts in one description of a refund: its state, and that it was in progress, or had failed, then.

    ``made_time`` is when the refund was made, by the provider's clock; None if not reported.
    """
    if refund.stage == RefundStage.FAILED:
        return [refund, refund._replace(kind=FactKind.REFUND_FAILURE)]
    progress = refund._replace(kind=FactKind.REFUND_PROGRESS, stage=0)
    made = progress._replace(kind=FactKind.REFUND_MADE, receive_time=None)
    return [refund, progress, made if made_time is None else made._replace(said_time=made_time)]


def transaction_subject(dispute_id: str, transaction_id: str) -> str:
    """Return the subject of a DISPUTE_TRANSACTION."""
    return f"{dispute_id}/{transaction_id}"


NEVER: Final = math.inf
"""Later than any time; its negative is earlier than any."""


def _furthest(fact: Fact) -> tuple[Any, ...]:
    return fact.stage, fact.amount, *_words(fact), *latest_times(fact)


def _latest(fact: Fact) -> tuple[Any, ...]:
    """Order by the provider's clock. Most count in seconds: within one, the further stage counts as later."""
    said_time, receive_time = latest_times(fact)
    return said_time, fact.stage, fact.amount, receive_time, *_words(fact)


def _latest_told(fact: Fact) -> tuple[Any, ...]:
    """Order by the provider's clock, then by when we received it: a larger amount is not by itself later."""
    return *latest_times(fact), fact.stage, fact.amount, *_words(fact)


def _earliest(fact: Fact) -> tuple[Any, ...]:
    said_time, receive_time = (NEVER if time is None else time for time in (fact.said_time, fact.receive_time))
    return -said_time, -receive_time, fact.stage, fact.amount, *_words(fact)


def _words(fact: Fact) -> tuple[str, str, str]:
    """Return what makes each order total. A fact that names its payment is kept before one that does not."""
    return fact.payment, fact.code, fact.message


def latest_times(fact: Fact) -> tuple[float, float]:
    """Return the provider's time of a fact and ours; an unknown time is earlier than any."""
    said_time, receive_time = (-NEVER if time is None else time for time in (fact.said_time, fact.receive_time))
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
"""Which of two facts about the same subject is kept: the greater in its kind's order. Each order is total."""


def merged(known: Iterable[Fact], said: Iterable[Fact]) -> dict[tuple[FactKind, str], Fact]:
    """Merge facts: of those about the same subject the greatest in its kind's order is kept.

    The greatest of a set does not depend on the order, or on repeats, of its members.
    """
    facts: dict[tuple[FactKind, str], Fact] = {}
    for fact in (*known, *said):
        key = fact.kind, fact.subject
        other = facts.get(key)
        facts[key] = fact if other is None else max(other, fact, key=_ORDER[fact.kind])
    return facts
