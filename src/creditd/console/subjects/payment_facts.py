"""What a provider said in an event, fact by fact, beside what we have of the purchase."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from credit.v1.payment_admin_service_pb2 import GetPaymentEventResponse
from credit.v1.payment_event_pb2 import PaymentFact, PaymentFactKind
from credit.v1.payment_service_pb2 import GetPurchaseRequest
from credit.v1.purchase_pb2 import Purchase
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.detail_page import DetailSection
from creditd.console.visit import Visit

_DISPUTES: Final = frozenset(
    {
        PaymentFactKind.PAYMENT_FACT_KIND_DISPUTE_FUNDS,
        PaymentFactKind.PAYMENT_FACT_KIND_DISPUTE,
        PaymentFactKind.PAYMENT_FACT_KIND_DISPUTE_TRANSACTION,
    }
)

HEADS: Final = (
    ("fact", ""),
    ("reference", ""),
    ("stage", ""),
    ("said", "n"),
    ("ours", "n"),
    ("time", ""),
)


class HeardEvent(NamedTuple):
    """An event, and the purchase that it is about, as far as that is known."""

    answer: GetPaymentEventResponse
    purchase: Purchase | None


async def with_purchase(visit: Visit, answer: GetPaymentEventResponse) -> HeardEvent:
    """Return an event with its purchase; without it if that cannot be read. Raises ServiceRefusal for all alike."""
    name = answer.payment_event.purchase
    if not name:
        return HeardEvent(answer, None)
    try:
        found = await visit.ask(visit.stubs.payment.GetPurchase, GetPurchaseRequest(name=name))
    except ServiceRefusal as refusal:
        if refusal.concerns_the_page:
            raise
        return HeardEvent(answer, None)
    return HeardEvent(answer, found.purchase)


def facts_section(
    write: CellWriter, facts: Iterable[PaymentFact], purchase: Purchase | None, *, is_applied: bool
) -> DetailSection:
    """Return the facts of an event, each beside what we have.

    Those that name no currency were read by a server of before. Of an event that ``is_applied`` they are in that of the
    purchase; it would not be else.
    """
    rows = [
        (
            write.word(PaymentFactKind, fact.kind),
            write.identifier(fact.subject),
            _stage(write, fact),
            _said(write, fact, purchase, is_applied=is_applied),
            _ours(write, fact, purchase) if purchase else NOTHING,
            write.time(fact.said_time, with_seconds=True),
        )
        for fact in facts
    ]
    return DetailSection("facts", heads=HEADS, rows=rows, hint="section.facts.hint")


def _stage(write: CellWriter, fact: PaymentFact) -> Cell:
    stage, why = write.code(fact.stage), " ".join(part for part in (fact.code, fact.message) if part)
    return write.under(stage, write.said(why)) if why else stage


def _said(write: CellWriter, fact: PaymentFact, purchase: Purchase | None, *, is_applied: bool) -> Cell:
    if not fact.amount:
        return NOTHING
    currency = fact.currency or (purchase.price.currency if purchase and is_applied else "")
    if currency:
        said = write.money(fact.amount, currency)
    else:
        said = write.text("smallest_unit.money", amount=write.number(fact.amount))
    if purchase is None or fact.kind != PaymentFactKind.PAYMENT_FACT_KIND_PAYMENT:
        return said
    # With taxes a provider may take more than the price; what is less is never right, nor is another currency.
    price = purchase.price
    is_wrong = fact.amount < price.amount or currency not in {"", price.currency}
    return write.tag(("t-bad", "alert"), said) if is_wrong else said


def _ours(write: CellWriter, fact: PaymentFact, purchase: Purchase) -> Cell:
    currency = purchase.price.currency
    if fact.kind == PaymentFactKind.PAYMENT_FACT_KIND_PAYMENT:
        price, paid = write.money(purchase.price.amount, currency), write.money(purchase.paid_amount, currency)
        return write.text("fact.paid", paid=paid, price=price)
    if fact.kind in _DISPUTES:
        return write.money(purchase.disputed_amount, currency)
    return write.money(purchase.refunded_amount, currency)
