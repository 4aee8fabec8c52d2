"""Subscriptions switch the unlimited plan, and staff see them (requirements E6, A10)."""

from typing import Any

import pytest

from credit.v1 import account_pb2, subscription_pb2
from credit.v1 import payment_admin_service_pb2 as payment_admin
from tests.contract.payments.shopper import Shopper
from tests.support.customer import Customer
from tests.support.market import LEMON_SQUEEZY, SECONDS
from tests.support.patience import eventually
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("E6")


def act(shopper: Shopper, name: str, *arguments: Any, **options: Any) -> str:
    """Have something done at Lemon Squeezy."""
    return str(shopper.market.act(getattr(shopper.market.fakes.lemonsqueezy, name), *arguments, **options))


def listed(shopper: Shopper) -> list[subscription_pb2.Subscription]:
    """Return an account's subscriptions."""
    request = payment_admin.ListSubscriptionsRequest(account_id=shopper.account_id)
    return list(shopper.staff.payment_admin.ListSubscriptions(request).subscriptions)


def status_of(subscription: subscription_pb2.Subscription) -> str:
    """Return what the provider calls a subscription."""
    return subscription_pb2.SubscriptionStatus.Name(subscription.status).removeprefix("SUBSCRIPTION_STATUS_")


def becomes(shopper: Shopper, subscription_id: str, status: str) -> subscription_pb2.Subscription:
    """Wait until a subscription has a status, and return it."""

    def found() -> subscription_pb2.Subscription | None:
        known = [one for one in listed(shopper) if one.subscription_id == subscription_id]
        return known[0] if known and status_of(known[0]) == status else None

    subscription: subscription_pb2.Subscription = eventually(found, SECONDS)
    return subscription


def subscribed(shopper: Shopper, **options: Any) -> str:
    """Subscribe, and wait until it is known."""
    subscription_id = act(shopper, "subscribe", shopper.account_id, **options)
    becomes(shopper, subscription_id, "ON_TRIAL" if options else "ACTIVE")
    return subscription_id


def is_unlimited(shopper: Shopper) -> bool:
    """Tell whether the unlimited plan is in force."""
    return shopper.account().plan.kind == account_pb2.PLAN_KIND_UNLIMITED


def test_who_has_none_is_shown_none(shopper: Shopper) -> None:
    assert listed(shopper) == []


@pytest.mark.parametrize("account_id", ["", "a/../b", "x" * 129])
def test_what_is_no_account_is_refused(shopper: Shopper, account_id: str) -> None:
    request = payment_admin.ListSubscriptionsRequest(account_id=account_id)
    assert refused(shopper.staff.payment_admin.ListSubscriptions, request).violations == ["account_id"]


def test_an_active_one_is_listed_and_carries_the_plan(shopper: Shopper) -> None:
    subscription_id = subscribed(shopper)
    (seen,) = listed(shopper)
    assert (seen.provider, seen.subscription_id, seen.account_id) == (
        LEMON_SQUEEZY,
        subscription_id,
        shopper.account_id,
    )
    assert (status_of(seen), seen.live, seen.keeps_service, seen.HasField("end_time")) == (
        "ACTIVE",
        False,
        False,
        False,
    )
    assert seen.provider_update_time.seconds
    assert is_unlimited(shopper)
    assert not listed(shopper.another("other"))


@pytest.mark.parametrize(
    "acts",
    [
        {"cancel_subscription": "CANCELLED", "resume": "ACTIVE", "expire": "EXPIRED"},
        {"pause": "PAUSED", "unpause": "ACTIVE", "cancel_subscription": "CANCELLED", "expire": "EXPIRED"},
        {"fail_payment": "PAST_DUE", "recover_payment": "ACTIVE", "renew": "ACTIVE"},
        {"fail_payment": "PAST_DUE", "give_payment_up": "UNPAID", "recover_payment": "ACTIVE"},
    ],
    ids="-".join,
)
def test_the_plan_follows_its_status(shopper: Shopper, acts: dict[str, str]) -> None:
    subscription_id = subscribed(shopper)
    for name, status in acts.items():
        act(shopper, name, subscription_id)
        becomes(shopper, subscription_id, status)
        assert is_unlimited(shopper) == (status in {"ACTIVE", "PAST_DUE", "CANCELLED"})


def test_on_trial_the_plan_is_on(shopper: Shopper) -> None:
    subscribed(shopper, trial=True)
    assert is_unlimited(shopper)


def test_paused_with_the_service_kept_the_plan_stays(shopper: Shopper) -> None:
    subscription_id = subscribed(shopper)
    act(shopper, "pause", subscription_id, "free")
    assert becomes(shopper, subscription_id, "PAUSED").keeps_service
    assert is_unlimited(shopper)


def test_a_cancelled_one_says_when_it_ends_and_so_does_the_plan(shopper: Shopper) -> None:
    subscription_id = subscribed(shopper)
    act(shopper, "cancel_subscription", subscription_id)
    assert becomes(shopper, subscription_id, "CANCELLED").end_time == shopper.account().plan.end_time


def test_the_end_of_an_old_one_ends_no_newer_one(shopper: Shopper) -> None:
    old, new = subscribed(shopper), subscribed(shopper)
    act(shopper, "expire", old)
    becomes(shopper, old, "EXPIRED")
    assert [one.subscription_id for one in listed(shopper)] == [old, new]
    assert is_unlimited(shopper)


@pytest.mark.requirement("A10")
def test_purchased_credits_survive_the_plan(shopper: Shopper) -> None:
    shopper.bought()
    subscription_id = subscribed(shopper)
    shopper.spend(70)
    shopper.bought()
    act(shopper, "expire", subscription_id)
    becomes(shopper, subscription_id, "EXPIRED")
    assert shopper.figures() == (200, 0)


def test_what_staff_set_holds_until_a_subscription_changes_what_it_entitles_to(
    shopper: Shopper, customer: Customer
) -> None:
    subscription_id = subscribed(shopper)
    customer.go_standard()
    act(shopper, "fail_payment", subscription_id)
    becomes(shopper, subscription_id, "PAST_DUE")
    assert not is_unlimited(shopper)
    act(shopper, "expire", subscription_id)
    becomes(shopper, subscription_id, "EXPIRED")
    act(shopper, "resume", subscription_id)
    becomes(shopper, subscription_id, "ACTIVE")
    assert is_unlimited(shopper)
