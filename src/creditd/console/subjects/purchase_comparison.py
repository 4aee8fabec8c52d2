"""Two purchases side by side: whoever was charged twice is told which one to give back."""

from typing import Final, NamedTuple

from credit.v1.payment_service_pb2 import GetPurchaseRequest, GetPurchaseResponse
from credit.v1.purchase_pb2 import Purchase, PurchaseState
from creditd.console.shapes.cells import CellWriter
from creditd.console.shapes.detail_page import DetailPage, DetailSection, ShownDetail
from creditd.console.shapes.resource_names import purchase_name
from creditd.console.subjects.purchase_pages import payment_facts, purchase_facts, purchase_title
from creditd.console.visit import Visit

HEADS: Final = (("fact", ""), ("first", ""), ("second", ""))


class Pair(NamedTuple):
    """Two purchases of an account, as GetPurchase has them."""

    first: GetPurchaseResponse
    second: GetPurchaseResponse


async def _with_other(visit: Visit, first: GetPurchaseResponse) -> Pair:
    """Return a purchase with the other one of the path. Raises ServiceRefusal."""
    other = {**visit.parts, "purchase_id": visit.parts["other_id"]}
    request = GetPurchaseRequest(name=purchase_name(other))
    return Pair(first, await visit.ask(visit.stubs.payment.GetPurchase, request))


def _detail(write: CellWriter, pair: Pair) -> ShownDetail:
    purchases = [pair.first.purchase, pair.second.purchase]
    rows = [
        (write.text("col.purchase"), *(write.resource(one.name) for one in purchases)),
        (write.text("col.state"), *(write.state(PurchaseState, one.state) for one in purchases)),
        (write.text("col.price"), *(purchase_title(write, one) for one in purchases)),
    ]
    known = [[*purchase_facts(write, one.purchase), *payment_facts(write, one)] for one in pair]
    rows += [(write.text(f"col.{one.name}"), one.cell, other.cell) for one, other in zip(*known, strict=True)]
    return ShownDetail(
        write.text("comparison"),
        beneath=(write.account(pair.first.purchase.account_id), write.text("comparison.text")),
        sections=(DetailSection("comparison", heads=HEADS, rows=rows),),
    )


def comparison_path(visit: Visit, purchase: Purchase, other: Purchase) -> str:
    """Return the path of the page for two purchases of an account, the newer first."""
    ids = [one.name.rpartition("/")[2] for one in (purchase, other)]
    return visit.account_path(purchase.account_id, f"/purchases/{ids[0]}/beside/{ids[1]}")


COMPARISON: Final = DetailPage(
    "/accounts/{account_id}/purchases/{purchase_id}/beside/{other_id}",
    lambda stubs: stubs.payment.GetPurchase,
    lambda parts: GetPurchaseRequest(name=purchase_name(parts)),
    _detail,
    more=_with_other,
)
