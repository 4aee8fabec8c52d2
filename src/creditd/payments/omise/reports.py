"""The reports in Omise's charges, refunds, disputes and links. Pure.

They are in the shapes of version 2019-05-29: https://docs.omise.co/charges-api, .../refunds-api, .../disputes-api,
.../links-api. Whatever is not as it says there is ReportMismatch.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from creditd.domain.instant import Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.payment_facts import (
    DisputeStage,
    Fact,
    FactKind,
    FundsStage,
    PaymentStage,
    RefundStage,
    refund_facts,
)
from creditd.domain.payments.provider import Provider
from creditd.payments.documents import amount_in, mapping, purchase_in, text_of
from creditd.payments.omise.ids import ObjectKind, id_in
from creditd.payments.provider import Report, ReportMismatch

MAX_CODE_CHARACTERS: Final = 100
"""Failure codes are an open set of short names: https://docs.omise.co/api-testing."""

MAX_MESSAGE_CHARACTERS: Final = 500
"""The longest failure message that is kept: a sentence or two."""

REVERSED: Final = "reversed"
"""The failure code of an authorisation that was given back before any money moved; Omise has none for it."""

_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_DISPUTES: Final[Mapping[Any, tuple[FundsStage, DisputeStage]]] = {
    "open": (FundsStage.WITHDRAWN, DisputeStage.OPEN),
    "pending": (FundsStage.WITHDRAWN, DisputeStage.OPEN),
    "lost": (FundsStage.WITHDRAWN, DisputeStage.CLOSED),
    "won": (FundsStage.REINSTATED, DisputeStage.CLOSED),
}
"""Omise takes the money when a dispute opens, gives it back when it is won, and may take it again."""


def is_pending(charge: Mapping[str, Any]) -> bool:
    """Tell whether there is no outcome yet: the payer has still to pay."""
    return charge.get("status") == "pending"


def is_paid(charge: Mapping[str, Any]) -> bool:
    """Tell whether the money is ours: paid, and not voided as a whole."""
    is_captured = charge.get("status") == "successful" and charge.get("paid") is True
    return is_captured and not _is_taken_back(charge)


def charge_report(
    charge: Mapping[str, Any], disputes: Sequence[Mapping[str, Any]], read_time: Instant | None = None
) -> Report | None:
    """Report a charge and its disputes; None while it is pending. Raises ReportMismatch.

    ``read_time`` is from before it was asked for: of two readings the later one counts. What was paid and voided later
    stays one that was paid, all of it refunded.
    """
    charge_id = _id(charge, ObjectKind.CHARGE)
    payment = _payment(charge, charge_id)
    if payment is None:
        return None
    facts, price = [payment], None
    if payment.stage == PaymentStage.PAID:
        taken_back = [*_refunds(charge, charge_id), *_disputes(charge, disputes)]
        facts += [fact._replace(said_time=read_time) for fact in taken_back]
        price = _money(charge)
    link, source = id_in(charge.get("link"), ObjectKind.LINK), id_in(charge.get("source"), ObjectKind.SOURCE)
    return Report(
        Provider.OMISE,
        _live(charge),
        (charge_id, *(other for other in (link, source) if other)),
        purchase_in(charge.get("metadata")),
        price,
        tuple(facts),
        currency=_currency(charge),
        checkout=link or charge_id,
    )


def link_report(link: Mapping[str, Any], charges: Iterable[Report]) -> Report | None:
    """Report a link by the reports of its charges; None while there are none. Raises ReportMismatch.

    A deleted link takes no payment any more. Several charges are attempts of one payer, and usually at most one is
    paid. If more are paid they are all reported, and staff have to refund the extra ones.
    """
    link_id, live = _id(link, ObjectKind.LINK), _live(link)
    facts: list[Fact] = []
    references, price = [link_id], None
    for charge in charges:
        if charge.currency != _currency(link):
            raise ReportMismatch("a charge of the link is in another currency")
        facts += charge.facts
        references += (one for one in charge.references if one not in references)
        price = price or charge.price
    if link.get("deleted") is True:
        facts.append(Fact(FactKind.PAYMENT, link_id, PaymentStage.CANCELLED, amount_in(link, "amount")))
    if not facts:
        return None
    return Report(
        Provider.OMISE,
        live,
        tuple(references),
        None,
        price,
        tuple(facts),
        currency=_currency(link),
        checkout=link_id,
    )


def nothing_yet(said: Mapping[str, Any]) -> Report:
    """Report a charge or a link of which nothing has come yet, and whose it is. Raises ReportMismatch."""
    kind = ObjectKind.LINK if said.get("object") == "link" else ObjectKind.CHARGE
    others = [id_in(said.get("link"), ObjectKind.LINK), id_in(said.get("source"), ObjectKind.SOURCE)]
    references = (_id(said, kind), *(other for other in others if other))
    return Report(Provider.OMISE, _live(said), references, purchase_in(said.get("metadata")), None, (), is_final=False)


def is_under_way(report: Report) -> bool:
    """Tell whether something that a report tells may change without another event: a refund on its way may fail."""
    under_way = {RefundStage.REQUESTED, RefundStage.PENDING}
    return any(fact.kind == FactKind.REFUND and fact.stage in under_way for fact in report.facts)


def failure_in(charge: Mapping[str, Any]) -> tuple[str, str]:
    """Return Omise's code and words for why a charge failed, as they can be stored; empty where it says nothing."""
    code = text_of(charge.get("failure_code"), MAX_CODE_CHARACTERS)
    return code, text_of(charge.get("failure_message"), MAX_MESSAGE_CHARACTERS)


def _is_taken_back(charge: Mapping[str, Any]) -> bool:
    """Tell whether all of a charge went back: given back on the day that it was paid it is voided, not refunded."""
    return charge.get("voided") is True or charge.get("reversed") is True


def _payment(charge: Mapping[str, Any], charge_id: str) -> Fact | None:
    amount = _money(charge).amount
    match charge.get("status"):
        case "pending":
            return None
        case "failed":
            return Fact(FactKind.PAYMENT, charge_id, PaymentStage.FAILED, amount, *failure_in(charge))
        case "expired":
            return Fact(FactKind.PAYMENT, charge_id, PaymentStage.EXPIRED, amount)
        case "successful" | "reversed" if _was_paid(charge):
            return Fact(FactKind.PAYMENT, charge_id, PaymentStage.PAID, amount)
        case "reversed":
            return Fact(FactKind.PAYMENT, charge_id, PaymentStage.FAILED, amount, REVERSED)
        case _:
            raise ReportMismatch("the charge's status is not known, or it is successful and was not paid")


def _was_paid(charge: Mapping[str, Any]) -> bool:
    """Tell whether money moved at any time: what was voided had been paid, whatever ``paid`` says afterwards."""
    return charge.get("paid") is True or charge.get("voided") is True or charge.get("paid_at") is not None


def _refunds(charge: Mapping[str, Any], charge_id: str) -> Iterable[Fact]:
    """Say what was refunded: one by one, and as a total, which holds those that the charge does not list."""
    active = every = 0
    for refund in _list(charge.get("refunds")):
        if _currency(refund) != _currency(charge):
            raise ReportMismatch("a refund of the charge is in another currency")
        fact = Fact(FactKind.REFUND, _id(refund, ObjectKind.REFUND), _refund_stage(refund), amount_in(refund, "amount"))
        every += fact.amount
        active += 0 if fact.stage == RefundStage.FAILED else fact.amount
        yield from refund_facts(fact, made_time=None)
    is_whole = _is_taken_back(charge) or charge.get("status") == "reversed"
    total = amount_in(charge, "amount" if is_whole else "refunded_amount")
    # Omise does not document whether a failed refund is in the total.
    yield Fact(FactKind.REFUND_TOTAL, charge_id, 0, total if is_whole or total > every else active)


def _refund_stage(refund: Mapping[str, Any]) -> RefundStage:
    match refund.get("status"):
        case "failed":
            return RefundStage.FAILED
        case "closed" | None:
            return RefundStage.SUCCEEDED
        case _:
            # ``pending``, or a stage that was added since: the money is on its way.
            return RefundStage.PENDING


def _disputes(charge: Mapping[str, Any], disputes: Sequence[Mapping[str, Any]]) -> Iterable[Fact]:
    for dispute in disputes:
        dispute_id, amount = _id(dispute, ObjectKind.DISPUTE), amount_in(dispute, "amount")
        stages = _DISPUTES.get(dispute.get("status"))
        if stages is None:
            raise ReportMismatch("the dispute's status is not known")
        if id_in(dispute.get("charge"), ObjectKind.CHARGE) != charge["id"] or _currency(dispute) != _currency(charge):
            raise ReportMismatch("the dispute is of another charge, or in another currency")
        yield Fact(FactKind.DISPUTE_FUNDS, dispute_id, stages[0], amount)
        yield Fact(FactKind.DISPUTE, dispute_id, stages[1], amount)


def _list(said: Any) -> list[Mapping[str, Any]]:
    data = mapping(said).get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise ReportMismatch("a list is missing, or holds what does not belong there")
    return data


def _id(said: Mapping[str, Any], kind: ObjectKind) -> str:
    found = id_in(said.get("id"), kind)
    if found is None:
        raise ReportMismatch(f"a {kind.name.lower()} has no id of one")
    return found


def _live(said: Mapping[str, Any]) -> bool:
    live = said.get("livemode")
    if not isinstance(live, bool):
        raise ReportMismatch("it does not say which mode it is of")
    return live


def _money(said: Mapping[str, Any]) -> Money:
    return Money(amount_in(said, "amount"), _currency(said))


def _currency(said: Mapping[str, Any]) -> str:
    currency = str(said.get("currency")).upper()
    if not _CURRENCY.fullmatch(currency):
        raise ReportMismatch("the currency is none")
    return currency
