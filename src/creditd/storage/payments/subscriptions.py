"""Subscriptions as rows."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from creditd.domain.instant import Instant
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.subscription import Subscription, SubscriptionStatus
from creditd.storage.payments.payment_tables import subscriptions


class SubscriptionPlace(NamedTuple):
    """Where a subscription stands among its account's."""

    provider: int
    live: bool
    subscription_id: str


def page(connection: Connection, account_id: str, after: SubscriptionPlace | None, count: int) -> list[Subscription]:
    """Return an account's subscriptions that come after a place, by place; from the first on after None."""
    c = subscriptions.c
    place = (c.provider, c.live, c.subscription_id)
    query = select(*(c[name] for name in Subscription._fields)).where(c.account_id == account_id)
    if after is not None:
        query = query.where(tuple_(*place) > tuple_(*after))
    return [_from(row) for row in connection.execute(query.order_by(*place).limit(count))]


def of_account(connection: Connection, account_id: str) -> list[Subscription]:
    """Return an account's subscriptions, the newest description first."""
    c = subscriptions.c
    query = select(*(c[name] for name in Subscription._fields)).where(c.account_id == account_id)
    return [_from(row) for row in connection.execute(query.order_by(c.provider_update_time.desc(), c.subscription_id))]


def write(connection: Connection, subscription: Subscription, now: Instant) -> None:
    """Store a subscription in place of an older description. The account's row is locked."""
    values = subscription._asdict() | {"provider": int(subscription.provider), "status": int(subscription.status)}
    statement = insert(subscriptions).values(values | {"create_time": now, "update_time": now})
    changing = ("status", "keeps_service", "end_time", "provider_update_time", "update_time")
    told = {name: statement.excluded[name] for name in changing}
    connection.execute(statement.on_conflict_do_update(constraint="subscriptions_pkey", set_=told))


def _from(row: Any) -> Subscription:
    found = Subscription(*row)
    return found._replace(provider=Provider(found.provider), status=SubscriptionStatus(found.status))
