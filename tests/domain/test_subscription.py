"""Subscriptions decide the unlimited plan by what was said of each last and by the clock, never by order of arrival."""

from collections.abc import Iterable
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.subscription import Entitlement, Subscription, SubscriptionStatus, entitlement, newer

NOW = Instant(1_700_000_000 * SECOND)
DAY = 86_400 * SECOND
AHEAD = Instant(NOW + 10 * DAY)
ON = Entitlement(unlimited=True, until=None)
OFF = Entitlement(unlimited=False, until=None)
S = SubscriptionStatus


def description(
    status: SubscriptionStatus = S.ACTIVE,
    *,
    of: str = "1",
    at: int = NOW,
    end: int | None = None,
    keeps_service: bool = False,
    account_id: str = "alice",
) -> Subscription:
    """Return what a provider says of a subscription: of the only one, at this moment, unless told otherwise."""
    end_time = None if end is None else Instant(end)
    return Subscription(
        provider=Provider.LEMON_SQUEEZY,
        live=True,
        subscription_id=of,
        account_id=account_id,
        status=status,
        keeps_service=keeps_service,
        end_time=end_time,
        provider_update_time=Instant(at),
    )


def known_after(said: Iterable[Subscription]) -> dict[str, Subscription]:
    """Return what is known of each subscription after all that was said, in the order of arrival."""
    known: dict[str, Subscription] = {}
    for subscription in said:
        known[subscription.subscription_id] = newer(known.get(subscription.subscription_id), subscription)
    return known


# Times and ends are few, so that they often meet, and lie on both sides of the present.
descriptions = st.builds(
    description,
    st.sampled_from(S),
    of=st.sampled_from(["1", "2"]),
    at=st.sampled_from([NOW + second * SECOND for second in range(-2, 2)]),
    end=st.none() | st.sampled_from([0, NOW - 1, NOW, NOW + 1, AHEAD]),
    keeps_service=st.booleans(),
)
of_one = descriptions.map(lambda said: said._replace(subscription_id="1"))


@given(st.data(), st.lists(descriptions, max_size=7))
def test_every_order_with_repeats_ends_in_the_same_plan(data: st.DataObject, said: list[Subscription]) -> None:
    repeats = data.draw(st.lists(st.sampled_from(said), max_size=7)) if said else []
    arrived = data.draw(st.permutations([*said, *repeats]))
    assert known_after(arrived) == known_after(said)
    known = known_after(arrived).values()
    assert entitlement(known, NOW) == entitlement(reversed(known), NOW)


@given(of_one, of_one, of_one)
def test_merging_commutes_associates_and_is_idempotent(a: Subscription, b: Subscription, c: Subscription) -> None:
    assert newer(a, b) == newer(b, a)
    assert newer(newer(a, b), c) == newer(a, newer(b, c))
    assert newer(a, a) == a


@given(st.lists(of_one, min_size=1))
def test_nothing_said_earlier_undoes_what_was_said_last(said: list[Subscription]) -> None:
    known = reduce(newer, said)
    assert known.provider_update_time == max(one.provider_update_time for one in said)


@given(descriptions, st.sampled_from([S.ON_TRIAL, S.ACTIVE, S.PAST_DUE]))
def test_whatever_becomes_of_an_old_subscription_a_newer_one_keeps_the_plan(
    old: Subscription, status: SubscriptionStatus
) -> None:
    assert entitlement([old, description(status, of="newer")], NOW) == ON


@pytest.mark.parametrize("status", [S.ON_TRIAL, S.ACTIVE, S.PAST_DUE])
def test_a_trial_a_running_and_an_overdue_subscription_have_the_plan(status: SubscriptionStatus) -> None:
    assert entitlement([description(status)], NOW) == ON


@pytest.mark.parametrize("status", [S.PAUSED, S.UNPAID, S.EXPIRED])
def test_a_pause_without_service_an_unpaid_and_an_expired_one_end_it_even_with_an_end_ahead(
    status: SubscriptionStatus,
) -> None:
    assert entitlement([description(status, end=AHEAD)], NOW) == OFF


def test_a_pause_that_keeps_the_service_keeps_the_plan() -> None:
    assert entitlement([description(S.PAUSED, keeps_service=True)], NOW) == ON


def test_a_cancelled_subscription_has_the_plan_until_its_end_and_not_at_it() -> None:
    cancelled = [description(S.CANCELLED, end=AHEAD)]
    assert entitlement(cancelled, NOW) == Entitlement(unlimited=True, until=AHEAD)
    assert entitlement(cancelled, Instant(AHEAD - 1)) == Entitlement(unlimited=True, until=AHEAD)
    assert entitlement(cancelled, AHEAD) == OFF


def test_a_cancelled_subscription_without_an_end_has_no_plan() -> None:
    assert entitlement([description(S.CANCELLED)], NOW) == OFF


def test_of_two_cancelled_subscriptions_the_later_end_counts() -> None:
    both = [description(S.CANCELLED, of="1", end=AHEAD), description(S.CANCELLED, of="2", end=NOW + DAY)]
    assert entitlement(both, NOW) == Entitlement(unlimited=True, until=AHEAD)


def test_no_subscription_is_no_plan() -> None:
    assert entitlement([], NOW) == OFF


def test_an_update_in_the_second_of_the_creation_counts_whichever_arrives_first() -> None:
    created, updated = description(S.ON_TRIAL), description(S.ACTIVE)
    assert newer(created, updated) == newer(updated, created) == updated


def test_a_resumed_subscription_is_no_longer_bound_to_end() -> None:
    cancelled, resumed = description(S.CANCELLED, end=AHEAD), description(at=NOW + SECOND)
    assert entitlement([newer(resumed, cancelled)], NOW) == ON


def test_a_description_that_does_not_say_whose_it_is_loses_no_account() -> None:
    listed = description(S.EXPIRED, at=NOW + SECOND, account_id="")
    assert newer(description(), listed) == newer(listed, description()) == listed._replace(account_id="alice")
