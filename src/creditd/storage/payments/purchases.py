"""Purchases as rows, with what is known of each and how it came to stand as it does."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, Select, insert, literal, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from creditd.domain.instant import LAST_SECOND, SECOND, Instant
from creditd.domain.payments.payment_facts import Fact, FactKind
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.purchase import Purchase, PurchaseChange, PurchaseKey, PurchaseState
from creditd.storage.arrays import texts
from creditd.storage.payments.payment_tables import purchase_changes, purchase_facts, purchases


def add(connection: Connection, purchase: Purchase) -> None:
    """Store a new purchase, whose request id is claimed."""
    connection.execute(insert(purchases).values(_values(purchase)))


def find(connection: Connection, key: PurchaseKey) -> Purchase | None:
    """Return a purchase, or None."""
    return _one(connection, _select().where(*_same(key)))


def find_by_request(connection: Connection, account_id: str, request_id: str) -> Purchase | None:
    """Return the purchase that a request id made, or None."""
    c = purchases.c
    return _one(connection, _select().where(c.account_id == account_id, c.request_id == request_id))


def lock(connection: Connection, key: PurchaseKey) -> Purchase | None:
    """Return a purchase and hold its row until the transaction ends."""
    return _one(connection, _select().where(*_same(key)).with_for_update())


class PurchaseFilter(NamedTuple):
    """Which purchases of an account."""

    account_id: str
    state: PurchaseState | None


def page(connection: Connection, wanted: PurchaseFilter, before: str | None, count: int) -> list[Purchase]:
    """Return up to ``count`` purchases older than one, newest first: ids are UUIDv7, so they sort by time."""
    c = purchases.c
    query = _select().where(c.account_id == wanted.account_id).order_by(c.purchase_id.desc()).limit(count)
    if wanted.state is not None:
        query = query.where(c.state == int(wanted.state))
    if before is not None:
        query = query.where(c.purchase_id < before)
    return [_purchase_from(row) for row in connection.execute(query)]


def write(connection: Connection, purchase: Purchase) -> None:
    """Write a purchase whose row is locked."""
    connection.execute(update(purchases).where(*_same(purchase.key)).values(_values(purchase)))


def due(connection: Connection, provider: Provider, now: Instant, count: int) -> list[Purchase]:
    """Return a provider's open purchases to look at now, and hold their rows; those that others hold are left out."""
    c = purchases.c
    query = _select().where(c.provider == int(provider), c.next_poll_time <= now)
    query = query.order_by(c.next_poll_time).limit(count)
    return [_purchase_from(row) for row in connection.execute(query.with_for_update(skip_locked=True))]


def postpone(connection: Connection, key: PurchaseKey, polls: int, next_poll_time: Instant | None) -> None:
    """Say how often a purchase was looked at, and when it is again; None for never."""
    values = {"polls": polls, "next_poll_time": next_poll_time}
    connection.execute(update(purchases).where(*_same(key)).values(values))


class Heeded(NamedTuple):
    """What staff have to know of an account beside what it is itself.

    How many disputes are open, how many of its purchases were paid more than once, with money to be given back, and how
    many flags of velocity rules are open.
    """

    open_disputes: int
    extra_payments: int
    open_flags: int


_TO_HEED = text("""
SELECT k.account_id, coalesce(d.open_disputes, 0) AS open_disputes, e.extra_payments, f.open_flags
FROM unnest(:account_id ::text[]) AS k (account_id)
CROSS JOIN LATERAL (
    SELECT sum(open_disputes)::integer AS open_disputes FROM purchases
    WHERE account_id = k.account_id AND open_disputes > 0 OFFSET 0
) AS d
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS extra_payments FROM purchases
    WHERE account_id = k.account_id AND extra_left > 0 OFFSET 0
) AS e
CROSS JOIN LATERAL (
    SELECT count(flag_id)::integer AS open_flags FROM velocity_states WHERE account_id = k.account_id OFFSET 0
) AS f
WHERE d.open_disputes > 0 OR e.extra_payments > 0 OR f.open_flags > 0
""")


def to_heed(connection: Connection, account_ids: Sequence[str]) -> dict[str, Heeded]:
    """Return what staff have to know of some accounts, for those of which there is anything."""
    rows = connection.execute(_TO_HEED, {"account_id": texts(account_ids)})
    return {row.account_id: Heeded(row.open_disputes, row.extra_payments, row.open_flags) for row in rows}


def _same(key: PurchaseKey) -> tuple[Any, Any]:
    return purchases.c.account_id == key.account_id, purchases.c.purchase_id == key.purchase_id


def _select() -> Select[Any]:
    return select(*(purchases.c[name] for name in Purchase._fields))


def _one(connection: Connection, query: Select[Any]) -> Purchase | None:
    row = connection.execute(query).one_or_none()
    return _purchase_from(row) if row else None


def _purchase_from(row: Row[Any]) -> Purchase:
    purchase = Purchase._make(row)
    return purchase._replace(
        provider=Provider(purchase.provider),
        state=PurchaseState(purchase.state),
        grant_ids=tuple(map(str, purchase.grant_ids)),
        extra_payment_ids=tuple(purchase.extra_payment_ids),
    )


def _values(purchase: Purchase) -> dict[str, Any]:
    return purchase._asdict() | {
        "provider": int(purchase.provider),
        "state": int(purchase.state),
        "grant_ids": list(purchase.grant_ids),
        "extra_payment_ids": list(purchase.extra_payment_ids),
    }


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


class ChangePlace(NamedTuple):
    """Where a change stands among all of an account's purchases, newest first."""

    create_time: Instant
    purchase_id: str
    version: int


class PlacedChange(NamedTuple):
    """A change, and of which purchase."""

    purchase_id: str
    change: PurchaseChange

    @property
    def place(self) -> ChangePlace:
        """Where it stands."""
        return ChangePlace(self.change.create_time, self.purchase_id, self.change.version)


AFTER_ALL: Final = ChangePlace(Instant(LAST_SECOND * SECOND), "ffffffff-ffff-ffff-ffff-ffffffffffff", 0)


def changes_before(connection: Connection, account_id: str, before: ChangePlace, count: int) -> list[PlacedChange]:
    """Return up to ``count`` changes of an account's purchases before one, newest first."""
    c = purchase_changes.c
    columns = c.create_time, c.purchase_id, c.version
    place = [literal(value, column.type) for value, column in zip(before, columns, strict=True)]
    query = select(c.purchase_id, *(c[name] for name in PurchaseChange._fields)).where(
        c.account_id == account_id, tuple_(*columns) < tuple_(*place)
    )
    ordered = query.order_by(*(column.desc() for column in columns)).limit(count)
    return [
        PlacedChange(str(row[0]), PurchaseChange(*row[1:])._replace(state=PurchaseState(row.state)))
        for row in connection.execute(ordered)
    ]


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
