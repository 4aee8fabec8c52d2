"""What is known of a purchase, and how it came to stand as it does."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from creditd.domain.payment_facts import Fact, FactKind
from creditd.domain.purchase import Purchase, PurchaseChange, PurchaseKey, PurchaseState
from creditd.storage.payment_tables import purchase_changes, purchase_facts

MAX_CHANGES = 200
"""Shown of one purchase: half a megabyte with the longest reasons, and far more than refunds and disputes make."""


def record(connection: Connection, purchase: Purchase, actor: str, reason: str) -> None:
    """Add a row to a purchase's history: how it stands now."""
    same = ("account_id", "purchase_id", "version", "granted", "reversed", "refunded", "disputed", "failure_code")
    values = {name: getattr(purchase, name) for name in same} | {
        "state": int(purchase.state),
        "actor": actor,
        "reason": reason,
        "create_time": purchase.update_time,
    }
    connection.execute(insert(purchase_changes).values(values))


def changes_of(connection: Connection, key: PurchaseKey) -> list[PurchaseChange]:
    """Return a purchase's history, oldest first: its last MAX_CHANGES changes."""
    c = purchase_changes.c
    query = select(*(c[name] for name in PurchaseChange._fields)).where(
        c.account_id == key.account_id, c.purchase_id == key.purchase_id
    )
    rows = connection.execute(query.order_by(c.version.desc()).limit(MAX_CHANGES)).all()
    return [PurchaseChange(*row)._replace(state=PurchaseState(row.state)) for row in reversed(rows)]


def facts_of(connection: Connection, key: PurchaseKey) -> list[Fact]:
    """Return what is known of a purchase."""
    c = purchase_facts.c
    query = select(*(c[name] for name in Fact._fields))
    rows = connection.execute(query.where(c.account_id == key.account_id, c.purchase_id == key.purchase_id))
    return [Fact(*row)._replace(kind=FactKind(row.kind)) for row in rows]


def facts_about(connection: Connection, account_id: str, kind: FactKind, subject: str) -> list[Fact]:
    """Return the facts of all of an account's purchases about one thing."""
    c = purchase_facts.c
    query = select(*(c[name] for name in Fact._fields))
    rows = connection.execute(query.where(c.account_id == account_id, c.kind == int(kind), c.subject == subject))
    return [Fact(*row)._replace(kind=FactKind(row.kind)) for row in rows]


_TOLD: Final = ("stage", "amount", "code", "message", "said_time", "receive_time", "payment")
"""What a fact says, beside what it is about."""


def write_facts(connection: Connection, key: PurchaseKey, facts: Iterable[Fact]) -> None:
    """Store facts in place of those about the same things, all in one statement. The purchase's row is locked."""
    rows = [key._asdict() | fact._asdict() | {"kind": int(fact.kind), "stage": int(fact.stage)} for fact in facts]
    if not rows:
        return
    statement = upsert(purchase_facts).values(rows)
    told = {name: statement.excluded[name] for name in _TOLD}
    connection.execute(statement.on_conflict_do_update(constraint="purchase_facts_pkey", set_=told))
