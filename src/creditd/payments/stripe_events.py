"""What Stripe's events and objects say of a purchase. Pure.

Sources: https://docs.stripe.com/api/events/types and the pages of the objects there. Webhooks come in the version of
the API that the endpoint is set to, so only fields are read that have meant the same since 2020. A payment is known by
its payment intent, which Checkout always makes one of: a charge, refund or dispute without one is none of ours.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from creditd.domain.purchase import DisputeStage, Fact, FactKind, FundsStage, PaymentStage, Provider, RefundStage
from creditd.payments.provider import Money, PurchaseName, Report, Unfit
from creditd.payments.scrubbing import scrubbed_text

MAX_AMOUNT: Final = 2**63 - 1
"""The largest that the database holds."""

MAX_MESSAGE_LENGTH: Final = 500
"""Why a payment failed is a sentence for the payer; what is longer helps nobody."""

ID: Final = re.compile(r"[A-Za-z0-9_]{1,255}")
"""Stripe promises no more of an id than its length: https://docs.stripe.com/upgrades."""

_ACCOUNT_ID = re.compile(r"[A-Za-z0-9._:@+-]{1,128}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
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
    """An object of Stripe's as JSON has it, and whether it is about real money."""

    fields: Mapping[str, Any]
    live: bool


def read_event(event_type: str, seen: Seen) -> Report | None:
    """Say what an event of a type in EVENT_TYPES tells, given its ``data.object``.

    None if it is about no purchase: a subscription, a set-up, a charge without a payment intent. Raises Unfit.
    """
    return _READERS[event_type](seen)


def session_now(session: Seen) -> Report:
    """Say where a Checkout session stands. Raises Unfit."""
    if session.fields.get("status") == "expired":
        return _session(session, PaymentStage.EXPIRED)
    return _session(session, PaymentStage.PAID if session.fields.get("payment_status") == "paid" else None)


def intent_now(intent: Seen) -> Report | None:
    """Say where a payment intent stands; None if nothing came of it yet. Raises Unfit."""
    if intent.fields.get("status") == "succeeded":
        return _paid_intent(intent)
    if intent.fields.get("status") == "requires_payment_method" and intent.fields.get("last_payment_error"):
        return _failed_intent(intent)
    return None


def charge_now(charge: Seen) -> Report | None:
    """Say what of a charge is refunded; None if it is of no payment intent. Raises Unfit."""
    payment = _reference(charge.fields, "payment_intent")
    if payment is None:
        return None
    total = Fact(FactKind.REFUND_TOTAL, payment, 0, _amount(charge.fields, "amount_refunded"))
    listed = _mapping(charge.fields.get("refunds")).get("data")
    refunds = [_refund_fact(refund) for refund in listed or () if isinstance(refund, dict)]
    return _report(charge, (payment, _own_id(charge.fields)), total, *refunds)


def refund_now(refund: Seen) -> Report | None:
    """Say how far a refund is; None if it is of no payment intent. Raises Unfit."""
    payment = _payment_of(refund)
    return _report(refund, payment, _refund_fact(refund.fields)) if payment else None


def dispute_now(dispute: Seen) -> Report | None:
    """Say how a dispute stands, and by its balance transactions where the money is. Raises Unfit.

    There are none, one when the money was taken, two when it came back: https://docs.stripe.com/api/disputes/object.
    """
    moves = [_mapping(move).get("amount") for move in dispute.fields.get("balance_transactions") or ()]
    amounts = [amount for amount in moves if type(amount) is int]
    if not amounts:
        return _dispute(dispute)
    return _dispute(dispute, FundsStage.WITHDRAWN if sum(amounts) < 0 else FundsStage.REINSTATED)


def _completed_session(session: Seen) -> Report:
    match session.fields.get("payment_status"):
        case "paid":
            return _session(session, PaymentStage.PAID)
        case "unpaid":
            # The payer used something slow, such as a bank transfer: its own events follow.
            return _session(session, None)
        case _:
            raise Unfit("the session is complete, and nothing had to be paid")


def _session(session: Seen, stage: PaymentStage | None) -> Report:
    session_id, payment = _own_id(session.fields), _reference(session.fields, "payment_intent")
    if stage is PaymentStage.PAID and payment is None:
        raise Unfit("the session is paid without a payment intent")
    references = (session_id, payment) if payment else (session_id,)
    if stage is PaymentStage.PAID:
        price = _price(session.fields, "amount_total")
        fact = Fact(FactKind.PAYMENT, payment or "", stage, price.amount)
        return _report(session, references, fact)._replace(price=price)
    return _report(session, references, *(() if stage is None else (_unpaid(payment or session_id, stage),)))


def _unpaid(subject: str, stage: PaymentStage, code: str = "", message: str = "") -> Fact:
    return Fact(FactKind.PAYMENT, subject, stage, 0, code, message)


def _paid_intent(intent: Seen) -> Report:
    price = _price(intent.fields, "amount_received")
    fact = Fact(FactKind.PAYMENT, _own_id(intent.fields), PaymentStage.PAID, price.amount)
    return _report(intent, _names_of(intent), fact)._replace(price=price)


def _failed_intent(intent: Seen) -> Report:
    error = _mapping(intent.fields.get("last_payment_error"))
    # What the bank says tells a payer more than Stripe's own "card_declined".
    code = _text(error.get("decline_code") or error.get("code") or error.get("type"))
    fact = _unpaid(_own_id(intent.fields), PaymentStage.FAILED, code, _text(error.get("message")))
    return _report(intent, _names_of(intent), fact)


def _names_of(intent: Seen) -> tuple[str, ...]:
    payment, charge = _own_id(intent.fields), _reference(intent.fields, "latest_charge")
    return (payment, charge) if charge else (payment,)


def _refund_fact(refund: Mapping[str, Any]) -> Fact:
    stage = _REFUND_STAGES.get(refund.get("status"))
    if stage is None:
        raise Unfit("the refund's status is not known")
    return Fact(FactKind.REFUND, _own_id(refund), stage, _amount(refund, "amount"))


def _dispute(dispute: Seen, funds: FundsStage | None = None) -> Report | None:
    payment = _payment_of(dispute)
    if payment is None:
        return None
    dispute_id, amount = _own_id(dispute.fields), _amount(dispute.fields, "amount")
    is_over = dispute.fields.get("status") in _DISPUTES_OVER
    facts = [Fact(FactKind.DISPUTE, dispute_id, DisputeStage.CLOSED if is_over else DisputeStage.OPEN, amount)]
    if funds is not None:
        facts.append(Fact(FactKind.DISPUTE_FUNDS, dispute_id, funds, amount))
    return _report(dispute, payment, *facts)


_Reader = Callable[[Seen], Report | None]


def _checkout(read: Callable[[Seen], Report]) -> _Reader:
    """Return a reader of sessions that leaves those of subscriptions and set-ups alone."""
    return lambda session: read(session) if session.fields.get("mode") == "payment" else None


_READERS: Mapping[str, _Reader] = {
    "checkout.session.completed": _checkout(_completed_session),
    "checkout.session.async_payment_succeeded": _checkout(lambda session: _session(session, PaymentStage.PAID)),
    "checkout.session.async_payment_failed": _checkout(lambda session: _session(session, PaymentStage.FAILED)),
    "checkout.session.expired": _checkout(lambda session: _session(session, PaymentStage.EXPIRED)),
    "payment_intent.succeeded": _paid_intent,
    "payment_intent.payment_failed": _failed_intent,
    "charge.refunded": charge_now,
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
"""The events that say something about credits; at most twenty, as many as one list of events may ask for."""


def _report(seen: Seen, references: tuple[str, ...], *facts: Fact) -> Report:
    return Report(Provider.STRIPE, seen.live, references, purchase_in(seen.fields), None, facts)


def _payment_of(seen: Seen) -> tuple[str, ...] | None:
    """Return what a refund or dispute names its payment by, the payment intent first; None if it has none."""
    payment, charge = _reference(seen.fields, "payment_intent"), _reference(seen.fields, "charge")
    if payment is None:
        return None
    return (payment, charge) if charge else (payment,)


def purchase_in(document: Mapping[str, Any]) -> PurchaseName | None:
    """Return our own name of the purchase if it is handed back; anything else in its place is no hint."""
    metadata = _mapping(document.get("metadata"))
    account_id = metadata.get("account_id")
    purchase_id = metadata.get("purchase_id") or document.get("client_reference_id")
    if not isinstance(account_id, str) or not _ACCOUNT_ID.fullmatch(account_id):
        return None
    if not isinstance(purchase_id, str) or not _UUID.fullmatch(purchase_id):
        return None
    return PurchaseName(account_id, purchase_id)


def _own_id(document: Mapping[str, Any]) -> str:
    own_id = document.get("id")
    if not isinstance(own_id, str) or not ID.fullmatch(own_id):
        raise Unfit("an object has no id that could be one of Stripe's")
    return own_id


def _reference(document: Mapping[str, Any], name: str) -> str | None:
    """Return the id of another object, which may stand there itself where it was asked for; None for none."""
    value = document.get(name)
    if value is None:
        return None
    return _own_id(value if isinstance(value, dict) else {"id": value})


def _price(document: Mapping[str, Any], amount: str) -> Money:
    """Return what was charged. Stripe counts in the smallest unit as well: https://docs.stripe.com/currencies."""
    currency = document.get("currency")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise Unfit("the currency is none")
    return Money(_amount(document, amount), currency.upper())


def _amount(document: Mapping[str, Any], name: str) -> int:
    amount = document.get(name)
    if type(amount) is not int or not 0 <= amount <= MAX_AMOUNT:
        raise Unfit(f"{name} is no amount")
    return amount


def _text(value: Any) -> str:
    """Return a text that can be stored: without card numbers, and without NUL, which no text of PostgreSQL's holds."""
    return scrubbed_text(value).replace("\x00", "?")[:MAX_MESSAGE_LENGTH] if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
