"""Webhooks that were rejected: how many, why and when; nothing of what they said is kept."""

from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from creditd.domain.instant import Instant
from creditd.domain.purchase import Provider
from creditd.storage.payment_tables import rejected_webhooks


class Rejection(NamedTuple):
    """Webhooks rejected in an hour for one reason."""

    provider: Provider
    reason: str
    hour: Instant
    rejections: int
    last_time: Instant
    last_remote_address: str


def add(connection: Connection, rejection: Rejection) -> None:
    """Add to an hour's count."""
    statement = insert(rejected_webhooks).values(rejection._asdict() | {"provider": int(rejection.provider)})
    more = {
        "rejections": rejected_webhooks.c.rejections + statement.excluded.rejections,
        "last_time": statement.excluded.last_time,
        "last_remote_address": statement.excluded.last_remote_address,
    }
    connection.execute(statement.on_conflict_do_update(constraint="rejected_webhooks_pkey", set_=more))


def since(connection: Connection, start: Instant, count: int) -> list[Rejection]:
    """Return the counts since an instant, newest first."""
    c = rejected_webhooks.c
    query = select(*(c[name] for name in Rejection._fields)).where(c.hour >= start)
    rows = connection.execute(query.order_by(c.hour.desc(), c.provider, c.reason).limit(count))
    return [Rejection(*row)._replace(provider=Provider(row.provider)) for row in rows]
