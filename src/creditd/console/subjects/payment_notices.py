"""What stands out of an account's payments: those that brought nothing, and those that may have been made twice."""

from collections.abc import Sequence
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1.payment_admin_service_pb2 import ListPaymentEventsRequest
from credit.v1.payment_event_pb2 import PaymentEvent, PaymentEventState
from credit.v1.payment_service_pb2 import ListPurchasesRequest
from credit.v1.purchase_pb2 import Purchase, PurchaseState
from creditd.console import limits
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.cells import CellWriter
from creditd.console.shapes.resource_paths import resource_path
from creditd.console.subjects.account_notices import Notice
from creditd.console.subjects.purchase_comparison import comparison_path
from creditd.console.subjects.purchase_pages import is_late

_MOST_PARKED: Final = 3

_TWICE_SECONDS: Final = 15 * 60
"""Within which the same package may be bought a second time by mistake."""

_OLD_SECONDS: Final = 30 * 86_400
"""What happened before is no more news."""


async def payment_notices(write: CellWriter, account_id: str) -> list[Notice]:
    """Return what stands out of the newest payments, worst first; none if they cannot be read.

    Raises ServiceRefusal for what concerns all of the page.
    """
    visit = write.visit
    bought = ListPurchasesRequest(account_id=account_id, page_size=limits.PAGE_SIZE)
    parked = ListPaymentEventsRequest(
        account_id=account_id, state=PaymentEventState.PAYMENT_EVENT_STATE_PARKED, page_size=_MOST_PARKED
    )
    calls = [visit.ask(visit.stubs.payment.ListPurchases, bought)]
    if visit.may("finances.read"):
        calls.append(visit.ask(visit.stubs.payment_admin.ListPaymentEvents, parked))
    try:
        answers = await visit.ask_all(*calls)
    except ServiceRefusal as refusal:
        if refusal.concerns_the_page:
            raise
        return []
    events = answers[1].payment_events if len(answers) > 1 else ()
    recent = [one for one in answers[0].purchases if _age(write, one.create_time) < _OLD_SECONDS]
    return [*(_of_event(write, event) for event in events), *purchase_notices(write, recent)]


def _of_event(write: CellWriter, event: PaymentEvent) -> Notice:
    problem = write.said(event.problem).html
    return Notice("notice.parked", "bad", "stop", {"problem": problem}, resource_path(write.visit, event.name))


def purchase_notices(write: CellWriter, purchases: Sequence[Purchase]) -> list[Notice]:
    """Return what stands out of purchases, which are newest first."""
    found = []
    for purchase, before in zip(purchases, [*purchases[1:], None], strict=False):
        path = resource_path(write.visit, purchase.name)
        values: dict[str, object] = {
            "price": write.money(purchase.price.amount, purchase.price.currency).html,
            "package": write.said(purchase.display_name).html,
        }
        if purchase.state == PurchaseState.PURCHASE_STATE_FAILED:
            values |= {"code": write.code(purchase.failure_code or "?").html}
            found.append(Notice("notice.failed", "warn", "x", values, path))
        elif is_late(write, purchase):
            values |= {"time": write.time(purchase.create_time).html}
            found.append(Notice("notice.late", "warn", "clock", values, path))
        elif before is not None and _is_twice(purchase, before):
            beside = comparison_path(write.visit, purchase, before)
            found.append(Notice("notice.twice", "warn", "alert", values, beside))
    return found


def _is_twice(purchase: Purchase, before: Purchase) -> bool:
    """Tell whether a package was bought that was bought shortly before, and both were paid."""
    apart = purchase.create_time.seconds - before.create_time.seconds
    is_same = purchase.package == before.package and apart < _TWICE_SECONDS
    return is_same and purchase.paid_amount > 0 and before.paid_amount > 0


def _age(write: CellWriter, moment: Timestamp) -> float:
    return write.visit.now - moment.seconds
