"""The reports in Stripe's events and objects. Pure.

Sources: https://docs.stripe.com/api/events/types and the pages of the objects there. Webhooks come in the version of
the API that the endpoint is set to, so only fields are read that have meant the same since 2020. Before 2024-10-28 a
refund is told by the charge's total alone, and by itself only when it is updated
(https://docs.stripe.com/changelog/acacia/2024-10-28/refund-webhook-update). A payment is known by its payment intent,
which Checkout always makes one of: a charge, refund or dispute without one is none of ours.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, NamedTuple

from creditd.domain.instant import LAST_SECOND, SECOND, Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.payment_facts import (
    Direction,
    DisputeStage,
    Fact,
    FactKind,
    FundsStage,
    PaymentStage,
    RefundStage,
    refund_facts,
    transaction_subject,
)
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.purchase import PurchaseKey
from creditd.payments.documents import MAX_AMOUNT, amount_in, mapping, purchase_in, text_of
from creditd.payments.provider import Report, ReportMismatch

MAX_MESSAGE_LENGTH: Final = 500
"""The longest failure message that is kept: enough for a sentence."""

ID: Final = re.compile(r"[A-Za-z0-9_]{1,255}")
"""The longest id; its length is all that Stripe promises: https://docs.stripe.com/upgrades."""

_CURRENCY = re.compile(r"[a-z]{3}")

_REFUND_STAGES: Mapping[Any, RefundStage] = {
    "requires_action": RefundStage.REQUESTED,
    "pending": RefundStage.PENDING,
    "succeeded": RefundStage.SUCCEEDED,
    "failed": RefundStage.FAILED,
    "canceled": RefundStage.FAILED,
}

_DISPUTES_OVER: Final = frozenset({"won", "lost", "warning_closed", "prevented"})


class Seen(NamedTuple):
    """A Stripe object as JSON, and whether it is about real money.

    ``event_time`` is the time of its event, to the second, ``receive_time`` when we received that; None if the object
    was read by a call.
    """

    fields: Mapping[str, Any]
    live: bool
    event_time: Instant | None = None
    receive_time: Instant | None = None


def read_event(event_type: str, seen: Seen) -> Report | None:
    """Return the report in an event of one of EVENT_TYPES, given its ``data.object``.

    None if it is about no purchase: a subscription, a set-up, a charge without a payment intent. Raises ReportMismatch.
    """
    return _READERS[event_type](seen)


def session_now(session: Seen) -> Report:
    """Report the state of a Checkout session. Raises ReportMismatch."""
    if session.fields.get("status") == "expired":
        return _session(session, PaymentStage.EXPIRED)
    return _session(session, PaymentStage.PAID if session.fields.get("payment_status") == "paid" else None)


def intent_now(intent: Seen) -> Report | None:
    """Report the state of a payment intent; None if it has no outcome yet. Raises ReportMismatch."""
    if intent.fields.get("status") == "succeeded":
        return _paid_intent(intent)
    if intent.fields.get("status") == "requires_payment_method" and intent.fields.get("last_payment_error"):
        return _failed_intent(intent)
    return None


def _charge(charge: Seen) -> Report | None:
    """Report the total refunded of a charge; None if it has no payment intent. Raises ReportMismatch.

    Older versions list the refunds as well: https://docs.stripe.com/changelog#november-15,-2022.
    """
    payment = _reference(charge.fields, "payment_intent")
    if payment is None:
        return None
    currency = _currency(charge.fields)
    facts = [_fact(charge, FactKind.REFUND_TOTAL, payment, 0, amount_in(charge.fields, "amount_refunded"))]
    listed = mapping(charge.fields.get("refunds")).get("data")
    for refund in listed or ():
        if isinstance(refund, dict):
            _require_currency(refund, currency)
            facts += _refund_facts(charge._replace(fields=refund))
    return _report(charge, (payment, _own_id(charge.fields)), *facts)._replace(currency=currency)


def refund_now(refund: Seen) -> Report | None:
    """Report the state of a refund; None if it has no payment intent. Raises ReportMismatch."""
    payment = _payment_of(refund)
    if payment is None:
        return None
    return _report(refund, payment, *_refund_facts(refund))._replace(currency=_currency(refund.fields))


def dispute_now(dispute: Seen) -> Report | None:
    """Report the state of a dispute, and the disputed amount by its balance transactions. Raises ReportMismatch."""
    return _dispute(dispute)


def _completed_session(session: Seen) -> Report:
    match session.fields.get("payment_status"):
        case "paid":
            return _session(session, PaymentStage.PAID)
        case "unpaid":
            # The payer used a slow method, such as a bank transfer, which has its own events.
            return _session(session, None)
        case _:
            raise ReportMismatch("the session is complete, and nothing had to be paid")


def _session(session: Seen, stage: PaymentStage | None) -> Report:
    session_id, payment = _own_id(session.fields), _reference(session.fields, "payment_intent")
    if stage is PaymentStage.PAID and payment is None:
        raise ReportMismatch("the session is paid without a payment intent")
    references = (session_id, payment) if payment else (session_id,)
    if stage is PaymentStage.PAID:
        price = _price(session.fields, "amount_total")
        fact = Fact(FactKind.PAYMENT, payment or "", stage, price.amount)
        report = _report(session, references, fact)._replace(price=price, currency=price.currency)
    else:
        facts = () if stage is None else (_unpaid(payment or session_id, stage),)
        # Which attempt has failed, the payment intent tells.
        report = _report(session, references, *facts)._replace(attempt=None if payment else "")
    return report._replace(checkout=session_id)


def _unpaid(subject: str, stage: PaymentStage, code: str = "", message: str = "") -> Fact:
    return Fact(FactKind.PAYMENT, subject, stage, 0, code, message)


def _fact(seen: Seen, kind: FactKind, subject: str, stage: int, amount: int) -> Fact:
    """Return a fact whose state may be reverted, with the times of its report.

    An object that was read by a call does not tell since when its state holds. It counts from the object's creation, so
    that any event about it is newer.
    """
    was_read = seen.event_time is None and seen.receive_time is None
    said_time = _time(seen.fields, "created") if was_read else seen.event_time
    return Fact(kind, subject, stage, amount, said_time=said_time, receive_time=seen.receive_time)


def _paid_intent(intent: Seen) -> Report:
    price = _price(intent.fields, "amount_received")
    fact = Fact(FactKind.PAYMENT, _own_id(intent.fields), PaymentStage.PAID, price.amount)
    return _report(intent, _names_of(intent), fact)._replace(price=price, currency=price.currency)


def _failed_intent(intent: Seen) -> Report:
    error = mapping(intent.fields.get("last_payment_error"))
    # The bank's reason tells a payer more than Stripe's own "card_declined".
    code = text_of(error.get("decline_code") or error.get("code") or error.get("type"), MAX_MESSAGE_LENGTH)
    fact = _unpaid(_own_id(intent.fields), PaymentStage.FAILED, code, text_of(error.get("message"), MAX_MESSAGE_LENGTH))
    # A payer may try one card after the other, each by a charge of its own.
    return _report(intent, _names_of(intent), fact)._replace(attempt=_reference(intent.fields, "latest_charge") or "")


def _names_of(intent: Seen) -> tuple[str, ...]:
    payment, charge = _own_id(intent.fields), _reference(intent.fields, "latest_charge")
    return (payment, charge) if charge else (payment,)


def _refund_facts(refund: Seen) -> list[Fact]:
    stage = _REFUND_STAGES.get(refund.fields.get("status"))
    if stage is None:
        raise ReportMismatch("the refund's status is not known")
    fact = _fact(refund, FactKind.REFUND, _own_id(refund.fields), stage, amount_in(refund.fields, "amount"))
    return refund_facts(fact, made_time=_time(refund.fields, "created"))


def _dispute(dispute: Seen, funds: FundsStage | None = None) -> Report | None:
    """Report the state of a dispute; ``funds`` is where its money is by an event, if it shows no transactions."""
    payment = _payment_of(dispute)
    if payment is None:
        return None
    fields = dispute.fields
    dispute_id, amount, currency = _own_id(fields), amount_in(fields, "amount"), _currency(fields)
    stage = DisputeStage.CLOSED if fields.get("status") in _DISPUTES_OVER else DisputeStage.OPEN
    facts = [_fact(dispute, FactKind.DISPUTE, dispute_id, stage, amount)]
    transactions = list(_transactions(dispute, dispute_id, Money(amount, currency)))
    if funds is not None and not transactions:
        facts.append(_fact(dispute, FactKind.DISPUTE_FUNDS, dispute_id, funds, amount))
    return _report(dispute, payment, *facts, *transactions)._replace(currency=currency)


def _transactions(dispute: Seen, dispute_id: str, disputed: Money) -> Iterator[Fact]:
    """Return what a dispute withdrew from our balance and returned: https://docs.stripe.com/api/disputes/object.

    A lost dispute may return a part, a won one may withdraw again, and further transactions correct conversions.
    Transactions are only ever added.
    """
    for number, transaction in enumerate(dispute.fields.get("balance_transactions") or ()):
        amount = _moved(mapping(transaction), disputed)
        name = mapping(transaction).get("id")
        subject = transaction_subject(dispute_id, name if isinstance(name, str) and ID.fullmatch(name) else str(number))
        direction = Direction.OUT if amount < 0 else Direction.BACK
        yield _fact(dispute, FactKind.DISPUTE_TRANSACTION, subject, direction, abs(amount))


def _moved(transaction: Mapping[str, Any], disputed: Money) -> int:
    """Return the amount of a balance transaction in the dispute's currency; what went out is below zero.

    Our balance may be in another one: the amount there is the one in the dispute's times the ``exchange_rate``
    (https://docs.stripe.com/api/balance_transactions/object). Raises ReportMismatch if it is, and no rate is said.
    """
    amount, currency = transaction.get("amount"), disputed.currency
    if type(amount) is not int or abs(amount) > MAX_AMOUNT:
        raise ReportMismatch("the amount of a dispute's balance transaction is none")
    if transaction.get("currency", currency.lower()) == currency.lower():
        return amount
    rate = transaction.get("exchange_rate")
    if type(rate) not in {int, float} or not 0 < float(rate or 0) < math.inf:
        raise ReportMismatch(
            f"a balance transaction of the dispute is not in {currency}, and its exchange rate is not said"
        )
    converted = amount / Decimal(str(rate))
    # A unit of rounding there may be several units here: a full withdrawal counts as the full amount.
    if abs(abs(converted) - disputed.amount) <= 1 / Decimal(str(rate)):
        return disputed.amount if amount > 0 else -disputed.amount
    return int(converted.to_integral_value(ROUND_HALF_EVEN))


_Reader = Callable[[Seen], Report | None]


def _checkout(read: Callable[[Seen], Report]) -> _Reader:
    """Return a reader of sessions that ignores those of subscriptions and set-ups."""
    return lambda session: read(session) if session.fields.get("mode") == "payment" else None


_READERS: Mapping[str, _Reader] = {
    "checkout.session.completed": _checkout(_completed_session),
    "checkout.session.async_payment_succeeded": _checkout(lambda session: _session(session, PaymentStage.PAID)),
    "checkout.session.async_payment_failed": _checkout(lambda session: _session(session, PaymentStage.FAILED)),
    "checkout.session.expired": _checkout(lambda session: _session(session, PaymentStage.EXPIRED)),
    "payment_intent.succeeded": _paid_intent,
    "payment_intent.payment_failed": _failed_intent,
    "charge.refunded": _charge,
    "charge.refund.updated": refund_now,
    "refund.created": refund_now,
    "refund.updated": refund_now,
    "refund.failed": refund_now,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": lambda dispute: _dispute(dispute, FundsStage.WITHDRAWN),
    "charge.dispute.funds_reinstated": lambda dispute: _dispute(dispute, FundsStage.REINSTATED),
}

EVENT_TYPES: Final = frozenset(_READERS)
"""The events that concern credits; at most twenty, the limit of one list of events."""


def _report(seen: Seen, references: tuple[str, ...], *facts: Fact) -> Report:
    purchase = named_purchase(seen.fields)
    return Report(Provider.STRIPE, seen.live, references, purchase, None, facts, said_time=seen.event_time)


def _payment_of(seen: Seen) -> tuple[str, ...] | None:
    """Return what a refund or dispute names its payment by, the payment intent first; None if it has none."""
    payment, charge = _reference(seen.fields, "payment_intent"), _reference(seen.fields, "charge")
    if payment is None:
        return None
    return (payment, charge) if charge else (payment,)


def named_purchase(document: Mapping[str, Any]) -> PurchaseKey | None:
    """Return our own name of the purchase from the metadata; None for anything else in its place.

    Metadata are set with the secret key alone. A ``client_reference_id`` is not read: whoever opens a payment link sets
    it in the link's address (https://docs.stripe.com/payment-links/url-parameters).
    """
    return purchase_in(document.get("metadata"))


def _own_id(document: Mapping[str, Any]) -> str:
    own_id = document.get("id")
    if not isinstance(own_id, str) or not ID.fullmatch(own_id):
        raise ReportMismatch("an object has no id that could be one of Stripe's")
    return own_id


def _reference(document: Mapping[str, Any], name: str) -> str | None:
    """Return the id of another object, which may stand there itself where it was asked for; None for none."""
    value = document.get(name)
    if value is None:
        return None
    return _own_id(value if isinstance(value, dict) else {"id": value})


def _price(document: Mapping[str, Any], amount: str) -> Money:
    """Return what was charged. Stripe counts in the smallest unit as well: https://docs.stripe.com/currencies."""
    return Money(amount_in(document, amount), _currency(document))


def _currency(document: Mapping[str, Any]) -> str:
    currency = document.get("currency")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise ReportMismatch("the currency is none")
    return currency.upper()


def _require_currency(document: Mapping[str, Any], currency: str) -> None:
    if _currency(document) != currency:
        raise ReportMismatch(f"a refund of the charge is not in {currency}, as the charge is")


def _time(document: Mapping[str, Any], name: str) -> Instant | None:
    """Return a time of Stripe's, which counts in seconds; None where there is none."""
    return instant_of(document.get(name))


def instant_of(seconds: Any) -> Instant | None:
    """Return an instant from Unix seconds; None for anything that is no time of Stripe's."""
    return Instant(seconds * SECOND) if type(seconds) is int and 0 <= seconds <= LAST_SECOND else None
