"""Which wallets have something due."""

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.domain.wallet import WalletKey
from creditd.storage.rows import micros, timestamp

_DUE = text(f"""
SELECT account_id, credit_type, {micros("next_expire_time")} FROM wallets
WHERE next_expire_time <= {timestamp(":now ::bigint")} ORDER BY next_expire_time LIMIT :count
""")


def due_wallets(connection: Connection, now: Instant, count: int) -> list[tuple[WalletKey, Instant]]:
    """Return wallets in which something may have expired, and since when; the longest overdue first."""
    rows = connection.execute(_DUE, {"now": now, "count": count})
    return [(WalletKey(account_id, credit_type), Instant(since)) for account_id, credit_type, since in rows]
