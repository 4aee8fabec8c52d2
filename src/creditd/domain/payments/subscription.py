"""Subscriptions at a provider, and whether they keep an account's unlimited plan in force (requirement E6).

Providers repeat and reorder their reports. Each report describes a subscription completely, so only its newest
description counts (:func:`newer`). The plan is a function of the newest descriptions and the clock
(:func:`entitlement`). No subscription ends another: the plan is in force while any of them keeps it in force.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from creditd.domain.instant import Instant
from creditd.domain.payments.provider import Provider


class SubscriptionStatus(IntEnum):
    """What the provider calls it. The numbers are those of the proto and of the rows.

    A later one is further on its way from the first payment to the end; that decides between two descriptions with one
    time (:func:`newer`).
    """

    ON_TRIAL = 1
    ACTIVE = 2
    PAST_DUE = 3
    PAUSED = 4
    UNPAID = 5
    CANCELLED = 6
    EXPIRED = 7


class Subscription(NamedTuple):
    """A subscription as its provider last described it.

    ``account_id`` is empty if the provider does not name the account; then the account is found by ``subscription_id``.
    ``end_time`` is when a cancelled subscription runs out, or None. ``keeps_service`` tells of a paused one whether the
    service goes on. ``provider_update_time`` is the provider's own time of the description.
    """

    provider: Provider
    live: bool
    subscription_id: str
    account_id: str
    status: SubscriptionStatus
    keeps_service: bool
    end_time: Instant | None
    provider_update_time: Instant


_ON = {SubscriptionStatus.ON_TRIAL, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE}


def newer(known: Subscription | None, said: Subscription) -> Subscription:
    """Return the newer of two descriptions of one subscription, in whatever order they arrived.

    Providers count in seconds, so two descriptions may have the same time; then the further one counts, by status, end
    and service. The function commutes, associates and is idempotent. An account that only one of them names is kept.
    """
    if known is None:
        return said
    account_id = max(known.account_id, said.account_id)
    return max(known, said, key=_order)._replace(account_id=account_id)


def _order(subscription: Subscription) -> tuple[Instant, SubscriptionStatus, bool, Instant, bool]:
    end_time = subscription.end_time
    return (
        subscription.provider_update_time,
        subscription.status,
        end_time is not None,
        end_time or Instant(0),
        subscription.keeps_service,
    )


class Entitlement(NamedTuple):
    """Whether the unlimited plan is in force, and until when, if that is known."""

    unlimited: bool
    until: Instant | None


def entitlement(subscriptions: Iterable[Subscription], now: Instant) -> Entitlement:
    """Return what an account's subscriptions entitle it to at ``now``; the end of one does not end another.

    Entitling are those on trial, active or past due, those paused with the service kept, and cancelled ones before
    their ``end_time``. Unpaid and expired ones, and those paused without the service, entitle to nothing.
    """
    ends: list[Instant] = []
    for subscription in subscriptions:
        status, end_time = subscription.status, subscription.end_time
        if status in _ON or (status == SubscriptionStatus.PAUSED and subscription.keeps_service):
            return Entitlement(unlimited=True, until=None)
        if status == SubscriptionStatus.CANCELLED and end_time is not None and end_time > now:
            ends.append(end_time)
    return Entitlement(unlimited=bool(ends), until=max(ends, default=None))
