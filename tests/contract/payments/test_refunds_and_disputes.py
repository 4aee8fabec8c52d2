"""Refunds and disputes at the provider take credits back, and give them back when they come to nothing (E5)."""

from typing import Any

import pytest

from credit.v1 import admin_service_pb2 as admin
from tests.contract.payments.shopper import PROVIDER_NAMES, Shopper, state_of
from tests.support.market import LEMON_SQUEEZY, PRICE, STRIPE

pytestmark = pytest.mark.requirement("E5")


def act(shopper: Shopper, name: str, *arguments: Any, **options: Any) -> Any:
    """Have something done at Stripe."""
    return shopper.market.act(getattr(shopper.market.fakes.stripe, name), *arguments, **options)


@pytest.mark.parametrize("provider", [STRIPE, LEMON_SQUEEZY], ids=PROVIDER_NAMES.get)
def test_a_partial_refund_takes_its_share_and_a_full_one_all(shopper: Shopper, provider: int) -> None:
    purchase = shopper.buy(provider)
    payment = shopper.pay(purchase)
    shopper.becomes(purchase.name, "COMPLETED")
    fake = getattr(shopper.market.fakes, PROVIDER_NAMES[provider])
    shopper.market.act(fake.refund, payment, PRICE * 3 // 8)
    seen = shopper.becomes(purchase.name, "PARTIALLY_REFUNDED")
    assert (seen.refunded_amount, seen.credits_reversed, shopper.figures()) == (37_500, 37, (63, 0))
    shopper.market.act(fake.refund, payment)
    seen = shopper.becomes(purchase.name, "REFUNDED")
    assert (seen.refunded_amount, seen.credits_reversed, shopper.figures()) == (PRICE, 100, (0, 0))


def test_a_refund_that_fails_gives_the_credits_back(shopper: Shopper) -> None:
    purchase = shopper.bought()
    refund = act(shopper, "refund", purchase.payment_id)
    shopper.becomes(purchase.name, "REFUNDED")
    act(shopper, "fail_refund", refund)
    seen = shopper.becomes(purchase.name, "COMPLETED")
    assert (seen.refunded_amount, seen.credits_reversed, shopper.figures()) == (0, 0, (100, 0))
    assert shopper.kinds() == ["RESTORE", "CLAWBACK", "TOP_UP"]


def test_an_open_dispute_is_told_of_and_takes_credits_only_with_the_money(shopper: Shopper) -> None:
    purchase = shopper.bought()
    dispute = act(shopper, "open_dispute", purchase.payment_id)
    seen = shopper.when(purchase.name, lambda p: p.open_disputes == 1)
    assert (state_of(seen), seen.disputed_amount, shopper.figures()) == ("COMPLETED", 0, (100, 0))
    act(shopper, "withdraw", dispute)
    seen = shopper.when(purchase.name, lambda p: p.disputed_amount == PRICE)
    assert (seen.credits_reversed, seen.refunded_amount, shopper.figures()) == (100, 0, (0, 0))


def test_staff_see_how_many_disputes_of_an_account_are_open(shopper: Shopper) -> None:
    """Over all of its purchases, alone and in the list."""
    shopper.bought()
    assert shopper.overview().open_disputes == 0
    disputed = [shopper.bought() for _ in range(2)]
    disputes = [act(shopper, "open_dispute", purchase.payment_id) for purchase in disputed]
    for purchase in disputed:
        shopper.when(purchase.name, lambda p: p.open_disputes == 1)
    assert shopper.overview().open_disputes == 2
    listing = admin.ListAccountsRequest(account_id_prefix=shopper.account_id)
    assert [one.open_disputes for one in shopper.staff.admin.ListAccounts(listing).account_overviews] == [2]
    act(shopper, "close_dispute", disputes[0])
    shopper.when(disputed[0].name, lambda p: p.open_disputes == 0)
    assert shopper.overview().open_disputes == 1


def test_a_dispute_that_is_won_gives_the_credits_back(shopper: Shopper) -> None:
    purchase = shopper.bought()
    dispute = act(shopper, "open_dispute", purchase.payment_id)
    act(shopper, "withdraw", dispute)
    shopper.when(purchase.name, lambda p: p.credits_reversed == 100)
    act(shopper, "reinstate", dispute)
    act(shopper, "close_dispute", dispute, "won")
    seen = shopper.when(purchase.name, lambda p: not p.credits_reversed and not p.open_disputes)
    assert (seen.disputed_amount, shopper.figures()) == (0, (100, 0))


def test_a_dispute_that_is_lost_keeps_them(shopper: Shopper) -> None:
    purchase = shopper.bought()
    shopper.spend(25)
    dispute = act(shopper, "open_dispute", purchase.payment_id)
    act(shopper, "withdraw", dispute)
    act(shopper, "close_dispute", dispute, "lost")
    seen = shopper.when(purchase.name, lambda p: p.credits_reversed and not p.open_disputes)
    assert (seen.disputed_amount, shopper.figures()) == (PRICE, (0, 25))


def test_an_inquiry_moves_nothing(shopper: Shopper) -> None:
    purchase = shopper.bought()
    dispute = act(shopper, "open_dispute", purchase.payment_id, inquiry=True)
    shopper.when(purchase.name, lambda p: p.open_disputes == 1)
    act(shopper, "close_dispute", dispute, "warning_closed")
    shopper.when(purchase.name, lambda p: not p.open_disputes)
    assert shopper.kinds() == ["TOP_UP"]


def test_a_refund_and_a_dispute_together_take_no_more_than_there_was(shopper: Shopper) -> None:
    purchase = shopper.bought()
    act(shopper, "refund", purchase.payment_id, PRICE // 2)
    act(shopper, "withdraw", act(shopper, "open_dispute", purchase.payment_id))
    seen = shopper.when(purchase.name, lambda p: p.refunded_amount and p.disputed_amount)
    assert (seen.credits_reversed, shopper.figures()) == (100, (0, 0))


def test_at_omise_a_dispute_takes_the_money_at_once(shopper: Shopper) -> None:
    purchase = shopper.bought(2)
    fake = shopper.market.fakes.omise
    dispute = shopper.market.act(fake.open_dispute, purchase.payment_id)
    shopper.when(purchase.name, lambda p: p.open_disputes == 1 and p.credits_reversed == 100)
    assert shopper.overview().open_disputes == 1
    shopper.market.act(fake.win_dispute, dispute)
    shopper.when(purchase.name, lambda p: not p.open_disputes and not p.credits_reversed)
    assert shopper.figures() == (100, 0)
