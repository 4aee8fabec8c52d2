"""Grants that expire soon, in the order in which they do, from where the notices have come to."""

from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.grants import Grant, Source
from creditd.domain.instant import Instant
from creditd.domain.wallet import WalletKey
from creditd.storage.rows import micros, timestamp

NO_ID: Final = "00000000-0000-0000-0000-000000000000"


class ExpiryPlace(NamedTuple):
    """Where a grant stands among all that expire."""

    expire_time: Instant
    account_id: str = ""
    credit_type: str = ""
    grant_id: str = NO_ID


class ExpiringGrant(NamedTuple):
    """A grant that expires, and whose it is."""

    wallet: WalletKey
    grant: Grant
    expire_time: Instant

    @property
    def place(self) -> ExpiryPlace:
        """Where it stands."""
        return ExpiryPlace(self.expire_time, *self.wallet, self.grant.grant_id)


_PLACE = text(f"""
SELECT {micros("expire_time")}, account, credit_type, grant_id::text
FROM expiry_notices WHERE name = 'grants' FOR UPDATE SKIP LOCKED
""")

_NEXT = text(f"""
SELECT account_id, credit_type, grant_id::text, source, remaining, grace_end IS NOT NULL, {micros("expire_time")}
FROM grants
WHERE live AND expire_time IS NOT NULL
  AND (expire_time, account_id, credit_type, grant_id)
      > ({timestamp(":expire_time ::bigint")}, :account_id, :credit_type, :grant_id ::uuid)
  AND expire_time <= {timestamp(":upto ::bigint")}
ORDER BY expire_time, account_id, credit_type, grant_id LIMIT :count
""")

_COME_TO = text(f"""
UPDATE expiry_notices SET expire_time = {timestamp(":expire_time ::bigint")}, account = :account_id,
    credit_type = :credit_type, grant_id = :grant_id ::uuid
WHERE name = 'grants'
""")


def take_turn(connection: Connection) -> ExpiryPlace | None:
    """Return the place that notices have come to, and hold off all others; None if another gives notice."""
    row = connection.execute(_PLACE).one_or_none()
    return ExpiryPlace(*row) if row else None


def next_expiring(connection: Connection, after: ExpiryPlace, upto: Instant, count: int) -> list[ExpiringGrant]:
    """Return the next live grants that expire no later than an instant, up to ``count``."""
    rows = connection.execute(_NEXT, after._asdict() | {"upto": upto, "count": count})
    return [
        ExpiringGrant(
            WalletKey(account_id, credit_type),
            Grant(grant_id, Source(source), remaining, expire_time, graced),
            expire_time,
        )
        for account_id, credit_type, grant_id, source, remaining, graced, expire_time in rows
    ]


def come_to(connection: Connection, place: ExpiryPlace) -> None:
    """Note the place that notices have come to."""
    connection.execute(_COME_TO, place._asdict())
