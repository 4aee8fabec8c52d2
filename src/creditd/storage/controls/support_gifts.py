"""What staff gave to accounts on the day: one row for each wallet, which begins anew with each day."""

from typing import Final

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.domain.wallet import WalletKey
from creditd.storage.rows import timestamp

# A day that is over there has begun by the clock of another server: it counts as this one.
_GIVEN: Final = text(f"""
SELECT amount FROM support_gifts
WHERE account_id = :account_id AND credit_type = :credit_type AND day >= {timestamp(":day ::bigint")}
""")

_ADD: Final = text(f"""
INSERT INTO support_gifts AS g (account_id, credit_type, day, amount)
VALUES (:account_id, :credit_type, {timestamp(":day ::bigint")}, :amount)
ON CONFLICT (account_id, credit_type) DO UPDATE SET
    day = greatest(g.day, excluded.day),
    amount = CASE WHEN g.day >= excluded.day THEN g.amount ELSE 0 END + excluded.amount
""")


def given(connection: Connection, key: WalletKey, day: Instant) -> int:
    """Return how much was given to a wallet on a day, which began then. The account is held."""
    return int(connection.execute(_GIVEN, {**key._asdict(), "day": day}).scalar_one_or_none() or 0)


def add(connection: Connection, key: WalletKey, day: Instant, amount: int) -> None:
    """Note that so much more was given. The account is held."""
    connection.execute(_ADD, {**key._asdict(), "day": day, "amount": amount})
