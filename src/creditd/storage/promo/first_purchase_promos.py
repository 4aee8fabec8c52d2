"""Which purchase of an account goes with a promo code for first purchases: one at most, until it is given back."""

from typing import Final

from sqlalchemy import Connection, delete, text
from sqlalchemy.dialects.postgresql import insert

from creditd.domain.payments.purchase import PurchaseKey
from creditd.storage.promo.promo_tables import first_purchase_promos

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


def take(connection: Connection, key: PurchaseKey) -> bool:
    """Have a purchase be the account's first one; return whether no other is."""
    statement = insert(first_purchase_promos).values(key._asdict()).on_conflict_do_nothing()
    return connection.execute(statement.returning(first_purchase_promos.c.account_id)).one_or_none() is not None


def leave(connection: Connection, key: PurchaseKey) -> None:
    """Have a purchase not be the account's first one any more."""
    c = first_purchase_promos.c
    same = c.account_id == key.account_id, c.purchase_id == key.purchase_id
    connection.execute(delete(first_purchase_promos).where(*same))
