"""Purchases: those of an account, one with all that became of it, and taking it back or cancelling it."""

from collections.abc import Mapping, Sequence
from typing import Final

from credit.v1.payment_admin_service_pb2 import InspectPurchaseRequest, ReversePurchaseRequest
from credit.v1.payment_provider_pb2 import PaymentMethod, PaymentProvider
from credit.v1.payment_service_pb2 import (
    CancelPurchaseRequest,
    GetPurchaseRequest,
    GetPurchaseResponse,
    ListPurchasesRequest,
)
from credit.v1.purchase_pb2 import Purchase, PurchaseState
from creditd.console.shapes.act_page import REASON, SEEN_VERSION, ActField, ActPage
from creditd.console.shapes.balance_look import LookRow, asked_only, balance_rows, look_row
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.detail_page import DetailPage, DetailSection, KnownFact, ShownDetail
from creditd.console.shapes.list_filters import ListFilter
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.resource_names import purchase_name
from creditd.console.shapes.resource_paths import page_of, resource_path
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.subjects.approval_pages import asked_or_done
from creditd.console.subjects.payment_event_pages import PAYMENT_EVENTS
from creditd.console.visit import Visit

_LATE_SECONDS: Final = 15 * 60
"""After which a purchase that is not paid is late."""


def is_late(write: CellWriter, purchase: Purchase) -> bool:
    """Tell whether a purchase waits for its payment for longer than people take to pay."""
    is_pending = purchase.state == PurchaseState.PURCHASE_STATE_PENDING
    return is_pending and write.visit.now - purchase.create_time.seconds > _LATE_SECONDS


def _state(write: CellWriter, purchase: Purchase) -> Cell:
    if is_late(write, purchase):
        return write.tag(("t-warn", "clock"), write.word(PurchaseState, purchase.state))
    return write.state(PurchaseState, purchase.state)


def _ordered(write: CellWriter, purchase: Purchase) -> Cell:
    return write.waiting_time(purchase.create_time, waits=purchase.state == PurchaseState.PURCHASE_STATE_PENDING)


def _price(write: CellWriter, purchase: Purchase) -> Cell:
    return write.money(purchase.price.amount, purchase.price.currency)


PURCHASES: Final = ListPage(
    "purchases",
    "/accounts/{account_id}/purchases",
    "purchases.read",
    lambda stubs: stubs.payment.ListPurchases,
    ListPurchasesRequest,
    "purchases",
    (
        ListColumn("time", _ordered),
        ListColumn("package", lambda write, one: write.said(one.display_name)),
        ListColumn("price", _price, "n", has_unit=True),
        ListColumn("state", _state),
        ListColumn("provider", lambda write, one: write.word(PaymentProvider, one.provider)),
        ListColumn("payment", lambda write, one: write.identifier(one.payment_id or one.provider_reference)),
        ListColumn(
            "credited", lambda write, one: write.credits(one.credits_granted, one.credit_type), "n", has_unit=True
        ),
        ListColumn(
            "reversed", lambda write, one: write.credits(one.credits_reversed, one.credit_type), "n", has_unit=True
        ),
        ListColumn("failure", lambda write, one: write.code(one.failure_code), "hide"),
    ),
    filters=(ListFilter("state", "state", PurchaseState),),
    has_amounts=True,
    opens=lambda visit, one: resource_path(visit, one.name),
)


def _detail(write: CellWriter, answer: GetPurchaseResponse) -> ShownDetail:
    purchase = answer.purchase
    return ShownDetail(
        purchase_title(write, purchase),
        (
            _state(write, purchase),
            write.mode(is_live=purchase.live),
        ),
        (write.account(purchase.account_id), write.identifier(purchase.name.rpartition("/")[2], is_whole=True)),
        alert=_alert(write, purchase),
        sections=(DetailSection("purchase", purchase_facts(write, purchase)), _changes(write, answer)),
        aside=(DetailSection("money", payment_facts(write, answer)),),
        lists=[(PAYMENT_EVENTS, {"purchase": purchase.name})] if write.visit.may("finances.read") else (),
        acts=_offers(write.visit, purchase),
    )


def _alert(write: CellWriter, purchase: Purchase) -> Cell | None:
    if purchase.extra_amount_left:
        return write.text("purchase.extra", amount=write.money(purchase.extra_amount_left, purchase.price.currency))
    if purchase.failure_message or purchase.failure_code:
        return write.said(f"{purchase.failure_code} {purchase.failure_message}".strip())
    return None


def purchase_title(write: CellWriter, purchase: Purchase) -> Cell:
    """Return what was bought, and for how much."""
    return write.text("purchase", price=_price(write, purchase), package=write.said(purchase.display_name))


def purchase_facts(write: CellWriter, purchase: Purchase) -> tuple[KnownFact, ...]:
    """Return what is known of a purchase: its credits, and what brought them."""
    code = purchase.credit_type
    return (
        KnownFact("package", write.code(purchase.package.rpartition("/")[2])),
        KnownFact("credits", write.credits(purchase.credits, code)),
        KnownFact("bonus", write.credits(purchase.bonus, code)),
        KnownFact("credited", write.credits(purchase.credits_granted, code)),
        KnownFact("reversed", write.credits(purchase.credits_reversed, code)),
        KnownFact("promo_code", write.resource(purchase.promo_code) if purchase.promo_code else NOTHING),
        KnownFact("created", write.time(purchase.create_time, with_seconds=True)),
        KnownFact("changed", write.time(purchase.update_time, with_seconds=True)),
    )


def payment_facts(write: CellWriter, answer: GetPurchaseResponse) -> tuple[KnownFact, ...]:
    """Return what is known of the payment of a purchase."""
    purchase = answer.purchase
    currency = purchase.price.currency
    return (
        KnownFact("provider", write.word(PaymentProvider, purchase.provider)),
        KnownFact("method", write.word(PaymentMethod, purchase.method) if purchase.method else NOTHING),
        KnownFact("paid", write.money(purchase.paid_amount, currency)),
        KnownFact("refunded", write.money(purchase.refunded_amount, currency)),
        KnownFact("disputed", write.money(purchase.disputed_amount, currency)),
        KnownFact("payment", write.identifier(purchase.payment_id, is_whole=True)),
        KnownFact("reference", write.identifier(purchase.provider_reference, is_whole=True)),
        KnownFact("extra_payments", write.beside([write.code(one) for one in purchase.extra_payment_ids])),
        KnownFact("next_look", write.time(answer.next_poll_time, with_seconds=True)),
    )


def _changes(write: CellWriter, answer: GetPurchaseResponse) -> DetailSection:
    code = answer.purchase.credit_type
    rows = [
        (
            write.time(change.create_time, with_seconds=True),
            write.state(PurchaseState, change.state),
            write.credits(change.credits_granted, code),
            write.credits(change.credits_reversed, code),
            write.identifier(change.actor),
            write.said(change.reason),
        )
        for change in answer.changes
    ]
    heads = (("time", ""), ("state", ""), ("credited", "n"), ("reversed", "n"), ("who", ""), ("reason", "txt"))
    return DetailSection("changes", heads=heads, rows=rows)


def _offers(visit: Visit, purchase: Purchase) -> list[OfferedAct]:
    path = resource_path(visit, purchase.name)
    offers = [OfferedAct("act.inspect_purchase.do", f"{path}/inspect", "purchases.inspect", "again")]
    if purchase.paid_amount:
        offers.append(OfferedAct("purchase.receipt", f"{path}/receipt/payment", "purchases.read"))
    if purchase.refunded_amount:
        offers.append(OfferedAct("purchase.refund_receipt", f"{path}/receipt/refund", "purchases.read"))
    if purchase.state == PurchaseState.PURCHASE_STATE_PENDING:
        offers.append(OfferedAct("act.cancel_purchase.do", f"{path}/cancel", "purchases.change", is_danger=True))
    if purchase.paid_amount > purchase.refunded_amount + purchase.disputed_amount:
        offers.append(
            OfferedAct("act.reverse_purchase.do", f"{path}/reverse", "purchases.reverse", "claw", is_danger=True)
        )
    return offers


PURCHASE: Final = DetailPage(
    "/accounts/{account_id}/purchases/{purchase_id}",
    lambda stubs: stubs.payment.GetPurchase,
    lambda parts: GetPurchaseRequest(name=purchase_name(parts)),
    _detail,
)


_BACK: Final = page_of(purchase_name)


async def _purchase(visit: Visit) -> Purchase:
    request = GetPurchaseRequest(name=purchase_name(visit.parts))
    answer: GetPurchaseResponse = await visit.ask(visit.stubs.payment.GetPurchase, request)
    return answer.purchase


def _reversal(form: TypedForm) -> ReversePurchaseRequest:
    purchase: Purchase = form.loaded
    return ReversePurchaseRequest(
        name=purchase.name,
        # What was shown, and not all that may be there by then.
        amount=form.money("money", purchase.price.currency),
        request_id=form.request_id,
        # As the page showed it: what the provider has given back meanwhile is not taken back twice.
        expected_version=form.seen_version,
        reason=form.reason(),
    )


async def _begun(visit: Visit) -> Mapping[str, str]:
    return {"version": str((await _purchase(visit)).version)}


async def _look(write: CellWriter, request: ReversePurchaseRequest) -> Sequence[LookRow]:
    """Return what it would do: to the balance if it waits for approval, else to the purchase. Raises ServiceRefusal."""
    visit = write.visit
    before = await _purchase(visit)
    answer = await visit.ask(visit.stubs.payment_admin.ReversePurchase, asked_only(request))
    if answer.HasField("approval"):
        return await balance_rows(write, before.account_id, answer.approval.preview)
    after, currency = answer.purchase, before.price.currency
    money = (
        write.text("col.refunded"),
        write.money(before.refunded_amount, currency),
        write.money(after.refunded_amount - before.refunded_amount, currency),
        write.money(after.refunded_amount, currency),
    )
    reversed_label = write.text("col.reversed")
    return [money, look_row(write, reversed_label, before.credits_reversed, after.credits_reversed, before.credit_type)]


REVERSE_PURCHASE: Final = ActPage(
    "reverse_purchase",
    "/accounts/{account_id}/purchases/{purchase_id}/reverse",
    "purchases.reverse",
    lambda stubs: stubs.payment_admin.ReversePurchase,
    _reversal,
    _BACK,
    fields=(SEEN_VERSION, ActField("money", "number", is_needed=True, hint="field.money.hint", of=("amount",)), REASON),
    subject="account_id",
    will=3,
    is_danger=True,
    is_typed=True,
    outcome=asked_or_done,
    look=_look,
    load=_purchase,
    begun=_begun,
)

INSPECT_PURCHASE: Final = ActPage(
    "inspect_purchase",
    "/accounts/{account_id}/purchases/{purchase_id}/inspect",
    "purchases.inspect",
    lambda stubs: stubs.payment_admin.InspectPurchase,
    lambda form: InspectPurchaseRequest(
        name=purchase_name(form.visit.parts), request_id=form.request_id, reason=form.reason()
    ),
    _BACK,
    fields=(REASON._replace(hint=""),),
    subject="account_id",
    will=2,
)

CANCEL_PURCHASE: Final = ActPage(
    "cancel_purchase",
    "/accounts/{account_id}/purchases/{purchase_id}/cancel",
    "purchases.change",
    lambda stubs: stubs.payment.CancelPurchase,
    lambda form: CancelPurchaseRequest(
        name=purchase_name(form.visit.parts), request_id=form.request_id, reason=form.reason()
    ),
    _BACK,
    subject="account_id",
    will=1,
    is_danger=True,
)
