"""Purchases are looked up by name, and listed newest first, page by page."""

from types import SimpleNamespace

import grpc
import pytest

from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import payment_service_pb2 as pb
from creditd.ledger.ids import uuid7
from tests.contract.payments.shopper import Shopper, facts_of
from tests.support.market import LEMON_SQUEEZY
from tests.support.refusals import refused

UNKNOWN = "01890000-0000-7000-8000-000000000000"

BAD_NAMES = [
    "",
    "accounts/x",
    f"accounts/x/purchases/{UNKNOWN[:-1]}",
    f"accounts/x/purchases/{UNKNOWN[:-2]}AB",
    f"accounts/x/../y/purchases/{UNKNOWN}",
    f"accounts//purchases/{UNKNOWN}",
    f"accounts/x/purchases/../purchases/{UNKNOWN}",
    f"accounts/x/purchases/{UNKNOWN}/",
    f"accounts/x/purchases/{UNKNOWN}\n",
    f"../accounts/x/purchases/{UNKNOWN}",
]


def listing(shopper: Shopper, **fields: object) -> pb.ListPurchasesRequest:
    """Return the request for a page."""
    return pb.ListPurchasesRequest(account_id=shopper.account_id, **fields)  # type: ignore[arg-type]


def pages(shopper: Shopper, **fields: object) -> list[list[str]]:
    """Return the names on every page."""
    found, token = [], ""
    while True:
        page = shopper.staff.payment.ListPurchases(listing(shopper, page_token=token, **fields))
        found.append([purchase.name for purchase in page.purchases])
        token = page.next_page_token
        if not token:
            return found


def test_pages_hold_every_purchase_once_newest_first(shopper: Shopper) -> None:
    names = [shopper.buy().name for _ in range(5)][::-1]
    assert pages(shopper, page_size=2) == [names[:2], names[2:4], names[4:]]
    assert pages(shopper, page_size=5) == pages(shopper) == [names]
    assert pages(shopper.another("other")) == [[]]


def test_what_is_bought_meanwhile_moves_no_page(shopper: Shopper) -> None:
    names = [shopper.buy().name for _ in range(3)][::-1]
    first = shopper.staff.payment.ListPurchases(listing(shopper, page_size=2))
    shopper.buy()
    rest = shopper.staff.payment.ListPurchases(listing(shopper, page_size=2, page_token=first.next_page_token))
    assert [purchase.name for purchase in rest.purchases] == names[2:]


def test_a_list_may_be_of_one_state(shopper: Shopper) -> None:
    paid, pending = shopper.bought(), shopper.buy()
    assert [purchase.name for purchase in shopper.purchases(state=paid.state)] == [paid.name]
    assert [purchase.name for purchase in shopper.purchases(state=pending.state)] == [pending.name]
    assert not shopper.purchases(state=7)


@pytest.mark.requirement("E4")
def test_a_purchase_by_itself_is_as_it_is_listed_and_comes_with_its_history(shopper: Shopper) -> None:
    purchase = shopper.bought()
    assert shopper.purchases() == [purchase]
    assert len(shopper.changes(purchase.name)) == purchase.version


def test_a_page_token_is_for_its_own_query_alone(shopper: Shopper) -> None:
    for _ in range(2):
        shopper.buy()
    token = shopper.staff.payment.ListPurchases(listing(shopper, page_size=1)).next_page_token
    for request in (
        listing(shopper.another("other"), page_token=token),
        listing(shopper, page_token=token, state=1),
        listing(shopper, page_token=token[:-2]),
        listing(shopper, page_token="x"),  # noqa: S106 - no secret.
    ):
        refusal = refused(shopper.staff.payment.ListPurchases, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")
    events = payment_admin.ListPaymentEventsRequest(page_token=token)
    assert refused(shopper.staff.payment_admin.ListPaymentEvents, events).reason == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize(
    ("field", "value"), [("page_size", -1), ("page_size", 101), ("state", 8), ("account_id", "a/b")]
)
def test_a_list_out_of_bounds_is_refused(shopper: Shopper, field: str, value: object) -> None:
    request = listing(shopper)
    setattr(request, field, value)
    refusal = refused(shopper.staff.payment.ListPurchases, request)
    assert (refusal.reason, refusal.violations) == ("INVALID_FIELD", [field])


@pytest.mark.parametrize("name", BAD_NAMES)
def test_what_is_no_name_of_a_purchase_is_refused_everywhere(staff: SimpleNamespace, name: str) -> None:
    for call, request in (
        (staff.payment.GetPurchase, pb.GetPurchaseRequest(name=name)),
        (staff.payment.CancelPurchase, pb.CancelPurchaseRequest(name=name, request_id=uuid7())),
        (
            staff.payment_admin.ReversePurchase,
            payment_admin.ReversePurchaseRequest(name=name, reason="r", request_id=uuid7()),
        ),
    ):
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
        assert refusal.violations == ["name"]


def test_a_purchase_is_found_on_its_own_account_alone(shopper: Shopper) -> None:
    """Also not on one whose name is a path: that is a name like any other."""
    purchase = shopper.buy(LEMON_SQUEEZY)
    for account_id in (shopper.another("other").account_id, "..", "."):
        name = purchase.name.replace(shopper.account_id, account_id)
        for call, request in (
            (shopper.staff.payment.GetPurchase, pb.GetPurchaseRequest(name=name)),
            (shopper.staff.payment.CancelPurchase, pb.CancelPurchaseRequest(name=name, request_id=uuid7())),
            (
                shopper.staff.payment_admin.ReversePurchase,
                payment_admin.ReversePurchaseRequest(name=name, reason="r", request_id=uuid7()),
            ),
        ):
            refusal = refused(call, request)
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "PURCHASE_NOT_FOUND")
            assert facts_of(refusal) == {"purchase": name}
