"""What Lemon Squeezy's subscriptions tell of an account's plan, and that the order of arrival tells nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditd.domain.instant import Instant
from creditd.domain.payments.subscription import Subscription, SubscriptionStatus, entitlement, newer
from creditd.payments.provider import ReportMismatch
from tests.payments.lemonsqueezy_payloads import NOW, OTHER, PLAN, order_object, subscription_object, told

ALICE = {"account_id": "alice"}
S = SubscriptionStatus


def said(name: str = "subscription_updated", custom: Any = ALICE, **attributes: Any) -> Subscription:
    told_of = told(name, subscription_object(**attributes), custom_data=custom)
    assert isinstance(told_of, Subscription)
    return told_of


@pytest.mark.parametrize("status", S)
def test_every_status_is_known(status: SubscriptionStatus) -> None:
    assert said(status=status.name.lower()).status is status


def test_a_subscription_tells_whose_it_is_and_when_to_the_microsecond() -> None:
    subscription = said()
    assert (subscription.subscription_id, subscription.account_id, subscription.live) == ("1", "alice", True)
    assert subscription.provider_update_time == NOW + 1
    assert subscription.end_time is None


def test_a_cancelled_subscription_tells_when_it_ends() -> None:
    cancelled = said(status="cancelled", cancelled=True, ends_at="2023-11-14T22:13:21.000000Z")
    assert cancelled.end_time == NOW + 1_000_000


@pytest.mark.parametrize(("pause", "keeps"), [({"mode": "free"}, True), ({"mode": "void"}, False), (None, False)])
def test_a_pause_keeps_the_service_if_it_is_free(pause: Any, *, keeps: bool) -> None:
    assert said("subscription_paused", status="paused", pause=pause).keeps_service is keeps


@pytest.mark.parametrize(
    "attributes",
    [
        {"store_id": OTHER},
        {"status": "gone fishing"},
        {"status": None},
        {"updated_at": None},
        {"updated_at": "yesterday"},
        {"updated_at": "2023-11-14T22:13:20"},
        {"ends_at": 7},
    ],
)
def test_a_subscription_of_another_store_or_that_makes_no_sense_is_for_a_person(attributes: dict[str, Any]) -> None:
    with pytest.raises(ReportMismatch):
        said(**attributes)


def test_an_event_of_a_subscription_about_an_order_is_for_a_person() -> None:
    with pytest.raises(ReportMismatch):
        told("subscription_updated", order_object())


@pytest.mark.parametrize("custom", [None, [], {}, {"account_id": "../alice"}, {"account_id": ""}, {"account_id": 7}])
def test_a_subscription_to_the_plan_that_does_not_say_whose_it_is_is_for_a_person(custom: Any) -> None:
    with pytest.raises(ReportMismatch):
        said(custom=custom)


def test_a_subscription_to_another_product_tells_nothing() -> None:
    assert told("subscription_created", subscription_object(variant_id=OTHER), custom_data=ALICE) is None
    assert told("subscription_updated", subscription_object(variant_id=OTHER), custom_data={}) is None


@pytest.mark.parametrize("name", ["subscription_updated", "subscription_plan_changed"])
def test_a_subscription_that_changed_to_another_product_has_left_the_plan(name: str) -> None:
    assert said(name, variant_id=OTHER).status is S.EXPIRED


LIFE: list[tuple[str, dict[str, Any]]] = [
    ("subscription_created", {"status": "on_trial"}),
    ("subscription_updated", {"status": "active"}),
    ("subscription_cancelled", {"status": "cancelled", "ends_at": "2023-12-14T00:00:00.000000Z"}),
    ("subscription_resumed", {"status": "active"}),
    ("subscription_paused", {"status": "paused", "pause": {"mode": "void"}}),
    ("subscription_unpaused", {"status": "active"}),
    ("subscription_updated", {"variant_id": OTHER}),
    ("subscription_plan_changed", {"variant_id": PLAN}),
    ("subscription_expired", {"status": "expired", "ends_at": "2023-12-14T00:00:00.000000Z"}),
]
HAS_PLAN = [True, True, True, True, False, True, False, True, False]


@pytest.fixture(scope="module")
def life() -> list[Subscription]:
    """Return what each event tells, one second after the other."""
    return [
        said(name, updated_at=f"2023-11-14T22:13:{20 + number}.000000Z", **attributes)
        for number, (name, attributes) in enumerate(LIFE)
    ]


@given(st.integers(1, len(LIFE)), st.data())
def test_the_last_that_happened_decides_the_plan_in_every_order_with_repeats(
    life: list[Subscription], count: int, data: st.DataObject
) -> None:
    happened = life[:count]
    repeats = data.draw(st.lists(st.sampled_from(happened), max_size=5))
    known = None
    for subscription in data.draw(st.permutations([*happened, *repeats])):
        known = newer(known, subscription)
    assert known == happened[-1]
    assert entitlement([known], Instant(NOW + 1)).unlimited is HAS_PLAN[count - 1]
