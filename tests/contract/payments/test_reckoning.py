"""Money reckoned from what providers say: nothing counts twice, what goes back goes back, every unit is checked."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest

from credit.v1 import payment_event_pb2 as event_pb
from credit.v1 import purchase_pb2
from tests.contract.payments.shopper import Shopper, event_state
from tests.support.market import LEMON_SQUEEZY, PRICE, STRIPE
from tests.support.signed_webhooks import body_of, key_of, lemon_squeezy_order, new_id, signed, stripe_event

pytestmark = pytest.mark.requirement("E5")

SECONDS = 1_790_000_000

TIMES = {
    "each a second later": count(SECONDS),
    "all in one second": iter(lambda: SECONDS, 0),
    "without a time": None,
}


def said(shopper: Shopper, kind: str, about: dict[str, Any], **fields: Any) -> event_pb.PaymentEvent:
    """Hand an event of Stripe's in, and return it once it was tried."""
    document = stripe_event(kind, about, **fields)
    shopper.staff.webhook.IngestWebhook(signed(shopper.market, STRIPE, body_of(document)))
    return shopper.settled(key_of(document))


def of(purchase: purchase_pb2.Purchase, **fields: Any) -> dict[str, Any]:
    """Return what names a purchase's payment in an object of Stripe's."""
    return {"payment_intent": purchase.payment_id, "currency": "thb", "metadata": {}} | fields


def charge(purchase: purchase_pb2.Purchase, refunded: int, **fields: Any) -> dict[str, Any]:
    """Return the charge of a purchase of which so much is refunded, as versions since 2022-11-15 tell it."""
    amounts = {"amount": PRICE, "amount_refunded": refunded, "created": SECONDS - 100}
    return of(purchase, id=purchase.payment_id.replace("pi", "ch"), object="charge", **amounts) | fields


def refund(purchase: purchase_pb2.Purchase, name: str, amount: int, status: str, **fields: Any) -> dict[str, Any]:
    """Return a refund of a purchase's payment."""
    return of(purchase, id=name, object="refund", amount=amount, status=status) | fields


def dispute(purchase: purchase_pb2.Purchase, status: str, moves: Sequence[int] = (), **fields: Any) -> dict[str, Any]:
    """Return a dispute over all of a payment, with its balance transactions so far."""
    listed = [{"id": f"txn_{number}", "amount": amount, "currency": "thb"} for number, amount in enumerate(moves)]
    own_id = purchase.payment_id.replace("pi", "dp")
    known = {"id": own_id, "object": "dispute", "amount": PRICE, "balance_transactions": listed, "status": status}
    return of(purchase, **known) | fields


@pytest.mark.parametrize("times", TIMES)
def test_a_failed_refund_is_not_subtracted_from_a_total_that_no_longer_holds_it(shopper: Shopper, times: str) -> None:
    """30 % refunded, that failed, 50 % refunded; an endpoint of a version before 2024-10-28."""
    purchase = shopper.bought()
    for kind, about, left in (
        ("charge.refunded", charge(purchase, PRICE * 3 // 10), 70),
        ("charge.refund.updated", refund(purchase, new_id("re"), PRICE * 3 // 10, "failed"), 100),
        ("charge.refunded", charge(purchase, PRICE // 2), 50),
    ):
        clock = TIMES[times]
        said(shopper, kind, about, **({} if clock is None else {"created": next(clock)}))
        assert shopper.figures() == (left, 0)


def test_a_failed_refund_is_subtracted_once_from_a_total_that_holds_it(shopper: Shopper) -> None:
    """30 % refunded, 20 % more, the first of the two failed."""
    purchase = shopper.bought()
    said(shopper, "charge.refunded", charge(purchase, PRICE * 3 // 10), created=SECONDS)
    said(shopper, "charge.refunded", charge(purchase, PRICE // 2), created=SECONDS + 1)
    failed = refund(purchase, new_id("re"), PRICE * 3 // 10, "failed")
    for kind in ("charge.refund.updated", "refund.failed", "refund.updated"):
        said(shopper, kind, failed, created=SECONDS + 2)
        assert shopper.figures() == (80, 0)


def test_a_refund_that_failed_and_was_made_after_all_counts_again(shopper: Shopper) -> None:
    purchase, name = shopper.bought(), new_id("re")
    steps = [("pending", 75), ("succeeded", 75), ("failed", 100), ("requires_action", 100), ("succeeded", 75)]
    for seconds, (status, left) in enumerate([*steps, ("canceled", 100)]):
        said(shopper, "refund.updated", refund(purchase, name, PRICE // 4, status), created=SECONDS + seconds)
        assert shopper.figures() == (left, 0)


def test_a_dispute_that_is_lost_but_for_the_refunded_part_holds_the_rest(shopper: Shopper) -> None:
    """Paid 1000, refunded 400, disputed 1000, and 400 of that given back: nothing is left."""
    purchase = shopper.bought()
    fake, part = shopper.market.fakes.stripe, PRICE * 4 // 10
    shopper.market.act(fake.refund, purchase.payment_id, part)
    shopper.when(purchase.name, lambda p: p.refunded_amount == part)
    dispute_id = shopper.market.act(fake.open_dispute, purchase.payment_id)
    shopper.market.act(fake.withdraw, dispute_id)
    shopper.when(purchase.name, lambda p: p.disputed_amount == PRICE)
    assert shopper.figures() == (0, 0)
    shopper.market.act(fake.reinstate, dispute_id, part)
    shopper.when(purchase.name, lambda p: p.disputed_amount == PRICE - part)
    assert shopper.figures() == (0, 0)


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("shown", [True, False], ids=["with transactions", "without"])
def test_a_dispute_withdrawn_reinstated_and_withdrawn_again_takes_the_credits(
    shopper: Shopper, times: str, *, shown: bool
) -> None:
    purchase = shopper.bought()
    moves = [-PRICE, PRICE, -PRICE]
    for number, left in enumerate([0, 100, 0], 1):
        kind = "funds_reinstated" if left else "funds_withdrawn"
        clock = TIMES[times]
        about = dispute(purchase, "under_review", moves[:number] if shown else ())
        said(shopper, f"charge.dispute.{kind}", about, **({} if clock is None else {"created": next(clock)}))
        assert shopper.figures() == (left, 0)


def test_each_of_several_disputes_holds_its_own(shopper: Shopper) -> None:
    purchase = shopper.bought()
    for name, moves in (("dp_a", [-PRICE // 4]), ("dp_b", [-PRICE // 4, PRICE // 4]), ("dp_c", [-PRICE // 10])):
        said(shopper, "charge.dispute.funds_withdrawn", dispute(purchase, "lost", moves, id=name))
    assert shopper.figures() == (65, 0)


def test_a_dispute_in_our_own_currency_at_the_provider_is_reckoned_in_the_purchases(shopper: Shopper) -> None:
    """Of a charge in baht whose money lies in dollars, half came back."""
    purchase = shopper.bought()
    moves = [
        {"id": "txn_1", "amount": -2_800, "currency": "usd", "exchange_rate": 0.028},
        {"id": "txn_2", "amount": 1_450, "currency": "usd", "exchange_rate": 0.029},
    ]
    said(shopper, "charge.dispute.funds_reinstated", dispute(purchase, "lost", balance_transactions=moves))
    assert shopper.purchase(purchase.name).disputed_amount == PRICE // 2
    assert shopper.figures() == (50, 0)


@pytest.mark.parametrize(
    ("kind", "object_of"),
    [
        ("refund.created", lambda purchase: refund(purchase, new_id("re"), 50, "succeeded", currency="usd")),
        ("charge.refund.updated", lambda purchase: refund(purchase, new_id("re"), 50, "succeeded", currency="jpy")),
        ("charge.refunded", lambda purchase: charge(purchase, 50, currency="usd")),
        ("charge.dispute.created", lambda purchase: dispute(purchase, "needs_response", currency="usd")),
        ("charge.dispute.funds_withdrawn", lambda p: dispute(p, "needs_response", [-PRICE], currency="usd")),
        ("charge.dispute.funds_withdrawn", lambda p: dispute(p, "needs_response", currency=None)),
    ],
)
def test_a_refund_or_dispute_in_another_currency_is_parked(shopper: Shopper, kind: str, object_of: Any) -> None:
    purchase = shopper.bought()
    event = said(shopper, kind, object_of(purchase))
    assert event_state(event) == "PARKED"
    assert any(word in event.problem for word in ("USD", "JPY", "the currency is none"))
    assert shopper.figures() == (100, 0)
    assert shopper.purchase(purchase.name) == purchase


def test_more_refunded_than_was_paid_takes_no_more_than_was_bought(shopper: Shopper) -> None:
    purchase = shopper.bought()
    for _ in range(3):
        said(shopper, "refund.created", refund(purchase, new_id("re"), PRICE // 2, "succeeded"))
    seen = shopper.purchase(purchase.name)
    assert (seen.refunded_amount, seen.credits_reversed, shopper.figures()) == (PRICE, 100, (0, 0))


def lemon_squeezy_said(shopper: Shopper, order: dict[str, Any], day: int, **fields: Any) -> event_pb.PaymentEvent:
    """Hand in how an order stands on a day of November."""
    order["data"]["attributes"] |= {"updated_at": f"2026-11-{day:02}T00:00:00.000000Z"} | fields
    shopper.staff.webhook.IngestWebhook(signed(shopper.market, LEMON_SQUEEZY, body_of(order)))
    return shopper.settled(key_of(order))


def test_a_refunded_amount_that_goes_down_again_gives_credits_back(shopper: Shopper) -> None:
    order = lemon_squeezy_order(shopper.buy(LEMON_SQUEEZY).name)
    lemon_squeezy_said(shopper, order, 1)
    for day, refunded in ((3, 75_000), (4, 25_000), (2, 90_000)):
        lemon_squeezy_said(shopper, order, day, refunded_amount=refunded, status="partial_refund")
    assert shopper.figures() == (75, 0)


def test_an_order_held_to_be_fraudulent_loses_its_credits_until_it_is_cleared(shopper: Shopper) -> None:
    order = lemon_squeezy_order(shopper.buy(LEMON_SQUEEZY).name)
    for day, (status, left) in enumerate([("paid", 100), ("fraudulent", 0), ("paid", 100), ("fraudulent", 0)], 1):
        lemon_squeezy_said(shopper, order, day, status=status)
        assert shopper.figures() == (left, 0)


def test_at_omise_a_dispute_that_was_won_and_is_lost_again_takes_the_credits_again(shopper: Shopper) -> None:
    purchase = shopper.bought(2)
    fake = shopper.market.fakes.omise
    dispute_id = shopper.market.act(fake.open_dispute, purchase.payment_id)
    shopper.when(purchase.name, lambda p: p.credits_reversed == 100)
    shopper.market.act(fake.win_dispute, dispute_id)
    shopper.when(purchase.name, lambda p: not p.credits_reversed)
    shopper.market.act(fake.reopen_dispute, dispute_id)
    shopper.when(purchase.name, lambda p: p.credits_reversed == 100 and p.open_disputes)
    shopper.market.act(fake.lose_dispute, dispute_id)
    seen = shopper.when(purchase.name, lambda p: not p.open_disputes)
    assert (seen.disputed_amount, shopper.figures()) == (PRICE, (0, 0))
