"""Webhooks that were rejected: how many, why and when; nothing of what they said is kept."""

from typing import NamedTuple

from sqlalchemy import Connection, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from creditd.domain.instant import Instant
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.rejected_webhooks import RejectedWebhooks, RejectionReason
from creditd.storage.payments.payment_tables import rejected_webhooks


def add(connection: Connection, rejection: RejectedWebhooks) -> None:
    """Add to an hour's count."""
    statement = insert(rejected_webhooks).values(rejection._asdict() | _plain(rejection))
    more = {
        "rejections": rejected_webhooks.c.rejections + statement.excluded.rejections,
        "last_time": statement.excluded.last_time,
        "last_remote_address": statement.excluded.last_remote_address,
    }
    connection.execute(statement.on_conflict_do_update(constraint="rejected_webhooks_pkey", set_=more))


class RejectionPlace(NamedTuple):
    """Where a count stands among the others: newer hours come first."""

    hour: Instant
    provider: int
    reason: str


def page(connection: Connection, start: Instant, after: RejectionPlace | None, count: int) -> list[RejectedWebhooks]:
    """Return the counts since an instant that come after a place, newest first; from the newest on after None.

    An hour has as many counts as there are providers times reasons: the index on the hours alone is enough.
    """
    c = rejected_webhooks.c
    query = select(*(c[name] for name in RejectedWebhooks._fields)).where(c.hour >= start)
    if after is not None:
        is_later = tuple_(c.provider, c.reason) > tuple_(after.provider, after.reason)
        query = query.where(c.hour <= after.hour, or_(c.hour < after.hour, is_later))
    rows = connection.execute(query.order_by(c.hour.desc(), c.provider, c.reason).limit(count))
    return [
        RejectedWebhooks(*row)._replace(provider=Provider(row.provider), reason=RejectionReason(row.reason))
        for row in rows
    ]


def _plain(rejection: RejectedWebhooks) -> dict[str, object]:
    # The driver would write the name of an enum's member.
    return {"provider": int(rejection.provider), "reason": rejection.reason.value}
