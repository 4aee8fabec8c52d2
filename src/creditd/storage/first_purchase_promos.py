"""Which purchase of an account goes with a promo code for first purchases: one at most, until it is given back."""

from typing import Final

from sqlalchemy import Connection, text

from creditd.domain.purchase import PurchaseKey

# Each state is looked up by the index, and the first row of it is enough.
_HAS_PAID: Final = text("""
SELECT EXISTS (SELECT FROM purchases WHERE account_id = :account_id AND state = 2)
    OR EXISTS (SELECT FROM purchases WHERE account_id = :account_id AND state = 6)
    OR EXISTS (SELECT FROM purchases WHERE account_id = :account_id AND state = 7)
""")


def has_paid(connection: Connection, account_id: str) -> bool:
    """Tell whether an account has paid a purchase, given back since or not."""
    found: bool = connection.execute(_HAS_PAID, {"account_id": account_id}).scalar_one()
    return found


_TAKE: Final = text("""
INSERT INTO first_purchase_promos (account_id, purchase_id) VALUES (:account_id, CAST(:purchase_id AS uuid))
ON CONFLICT (account_id) DO NOTHING
""")


def take(connection: Connection, key: PurchaseKey) -> bool:
    """Have a purchase be the account's first one; return whether no other is."""
    return bool(connection.execute(_TAKE, key._asdict()).rowcount)


_LEAVE: Final = text("""
DELETE FROM first_purchase_promos WHERE account_id = :account_id AND purchase_id = CAST(:purchase_id AS uuid)
""")


def leave(connection: Connection, key: PurchaseKey) -> None:
    """Have a purchase not be the account's first one any more."""
    connection.execute(_LEAVE, key._asdict())
