"""Where an id leads: each look is by an index, and finds a few rows at most."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.payments.provider import Provider
from creditd.storage.accounts import AFTER_ANY_ID
from creditd.storage.requests import ClaimKind

MOST_OF_A_KIND: Final = 10
"""Hits of one kind: more than one id of a provider ever stands for, and as many accounts as a person looks through."""


class PurchaseFound(NamedTuple):
    """A purchase, by its key."""

    account_id: str
    purchase_id: str


class EventFound(NamedTuple):
    """A payment event, and whose it is, as far as that is known."""

    event_id: str
    account_id: str


class EntryFound(NamedTuple):
    """An entry, by its key; the reservation that it is about, or an empty text."""

    credit_type: str
    version: int
    reservation_id: str


_PURCHASES_BY_ID = text("""
SELECT account_id, purchase_id FROM purchases WHERE purchase_id ::text = :purchase_id ORDER BY account_id LIMIT :count
""")

_PURCHASE_BY_REQUEST = text("""
SELECT account_id, purchase_id FROM purchases WHERE account_id = :account_id AND request_id = :request_id
""")

_PROVIDERS = f"unnest(ARRAY[{', '.join(str(int(each)) for each in Provider)}] ::smallint[]) AS p (provider)"

_REFERRED = text(f"""
SELECT r.name FROM {_PROVIDERS}
CROSS JOIN (VALUES (true), (false)) AS l (live)
CROSS JOIN LATERAL (
    SELECT name FROM payment_references
    WHERE provider = p.provider AND live = l.live AND reference = :reference OFFSET 0
) AS r
""")

_EVENTS_BY_ID = text("SELECT event_id, account FROM payment_events WHERE event_id = :event_id ::uuid")

_EVENTS_BY_KEY = text(f"""
SELECT e.event_id, e.account FROM {_PROVIDERS}
CROSS JOIN LATERAL (
    SELECT event_id, account FROM payment_events WHERE provider = p.provider AND delivery_key = :key OFFSET 0
) AS e
""")

_ENTRIES_BY_REQUEST = text("""
SELECT credit_type, version, reservation_id FROM entries
WHERE account_id = :account_id AND request_id = :request_id ORDER BY ordinal LIMIT :count
""")

_ARCHIVED = text(f"""
SELECT account_id FROM request_claims
WHERE account_id = :account_id AND request_id = :request_id AND kind = {int(ClaimKind.ARCHIVED_ENTRY)}
""")

_RESERVATION = text("""
SELECT credit_type FROM reservations WHERE account_id = :account_id AND reservation_id = :reservation_id ::uuid
""")

_GRANT = text("""
SELECT g.credit_type FROM (SELECT credit_type FROM wallets WHERE account_id = :account_id LIMIT 1000) AS w
CROSS JOIN LATERAL (
    SELECT credit_type FROM grants
    WHERE account_id = :account_id AND credit_type = w.credit_type AND grant_id = :grant_id ::uuid OFFSET 0
) AS g
""")


def purchases_by_id(connection: Connection, purchase_id: str) -> list[PurchaseFound]:
    """Return the purchase with an id; there may be more than one, since ids are an account's."""
    rows = connection.execute(_PURCHASES_BY_ID, {"purchase_id": purchase_id, "count": MOST_OF_A_KIND})
    return [PurchaseFound(account_id, str(found)) for account_id, found in rows]


def purchase_by_request(connection: Connection, account_id: str, request_id: str) -> PurchaseFound | None:
    """Return the purchase that a request id of an account made, or None."""
    row = connection.execute(_PURCHASE_BY_REQUEST, {"account_id": account_id, "request_id": request_id}).one_or_none()
    return PurchaseFound(row[0], str(row[1])) if row else None


def names_by_reference(connection: Connection, reference: str) -> list[str]:
    """Return the resource names that any provider's id of something of ours stands for, live or not."""
    rows = connection.execute(_REFERRED, {"reference": reference})
    return sorted({name for (name,) in rows})


def events_by_id(connection: Connection, event_id: str) -> list[EventFound]:
    """Return the payment event with an id, if there is one."""
    return [
        EventFound(str(found), account) for found, account in connection.execute(_EVENTS_BY_ID, {"event_id": event_id})
    ]


def events_by_key(connection: Connection, key: str) -> list[EventFound]:
    """Return the payment events that any provider calls so."""
    return [EventFound(str(found), account) for found, account in connection.execute(_EVENTS_BY_KEY, {"key": key})]


def entries_by_request(connection: Connection, account_id: str, request_id: str) -> list[EntryFound]:
    """Return the entries that a request id of an account made, the first of them."""
    asked = {"account_id": account_id, "request_id": request_id, "count": MOST_OF_A_KIND}
    rows = connection.execute(_ENTRIES_BY_REQUEST, asked)
    return [EntryFound(code, version, str(held) if held else "") for code, version, held in rows]


def is_archived(connection: Connection, account_id: str, request_id: str) -> bool:
    """Tell whether the entry that a request id of an account made was moved to the archive."""
    asked = {"account_id": account_id, "request_id": request_id}
    return connection.execute(_ARCHIVED, asked).one_or_none() is not None


def credit_types_of_reservation(connection: Connection, account_id: str, reservation_id: str) -> Sequence[str]:
    """Return the credit type of an account's reservation, if there is one."""
    asked = {"account_id": account_id, "reservation_id": reservation_id}
    return connection.execute(_RESERVATION, asked).scalars().all()


def credit_types_of_grant(connection: Connection, account_id: str, grant_id: str) -> Sequence[str]:
    """Return the credit type of an account's grant, if there is one."""
    return connection.execute(_GRANT, {"account_id": account_id, "grant_id": grant_id}).scalars().all()


CORRELATED_ROWS: Final = 1_000
"""Rows of a correlation id that are looked at: a caller may state the same one with every call."""

_ENTRIES_BY_CORRELATION = text(f"""
SELECT account_id, credit_type, version FROM (
    SELECT account_id, credit_type, version FROM entries WHERE correlation_id = :correlation_id LIMIT {CORRELATED_ROWS}
) AS e
WHERE :account_id ::text = '' OR account_id = :account_id ::text
ORDER BY account_id, credit_type, version LIMIT :count
""")

_ACTS_BY_CORRELATION = text(f"""
SELECT DISTINCT account, target FROM (
    SELECT account, target FROM audit_events WHERE correlation_id = :correlation_id AND correlation_id <> ''
    ORDER BY event_id DESC LIMIT {CORRELATED_ROWS}
) AS a
WHERE :account_id ::text = '' OR account = :account_id ::text
ORDER BY account, target LIMIT :count
""")

_CODE = text("SELECT code FROM promo_codes WHERE code = :code ::text")

_USES = text("""
SELECT account_id, purchase_id FROM promo_claims
WHERE code = :code ::text AND account_id >= :first ::text AND account_id <= :last ::text
ORDER BY code, account_id, ordinal LIMIT :count
""")


class CorrelatedEntry(NamedTuple):
    """An entry by its key."""

    account_id: str
    credit_type: str
    version: int


class CorrelatedAct(NamedTuple):
    """What an act of staff was about: an account, as far as there is one, and a resource name."""

    account_id: str
    target: str


class PromoUse(NamedTuple):
    """Who used a promo code, and the purchase that it was used for; empty if for none."""

    account_id: str
    purchase_id: str


def entries_by_correlation(connection: Connection, correlation_id: str, account_id: str) -> list[CorrelatedEntry]:
    """Return entries that calls with a correlation id made, of an account if one is named."""
    asked = {"correlation_id": correlation_id, "account_id": account_id, "count": MOST_OF_A_KIND}
    return [CorrelatedEntry(*row) for row in connection.execute(_ENTRIES_BY_CORRELATION, asked)]


def acts_by_correlation(connection: Connection, correlation_id: str, account_id: str) -> list[CorrelatedAct]:
    """Return what acts of staff with a correlation id were about, of an account if one is named."""
    asked = {"correlation_id": correlation_id, "account_id": account_id, "count": MOST_OF_A_KIND}
    return [CorrelatedAct(*row) for row in connection.execute(_ACTS_BY_CORRELATION, asked)]


def has_promo_code(connection: Connection, code: str) -> bool:
    """Tell whether there is a promo code, written as it is stored."""
    return connection.execute(_CODE, {"code": code}).one_or_none() is not None


def promo_uses(connection: Connection, code: str, account_id: str) -> list[PromoUse]:
    """Return uses of a promo code by account id, of one account if one is named."""
    within = {"first": account_id, "last": account_id or AFTER_ANY_ID}
    rows = connection.execute(_USES, {"code": code, **within, "count": MOST_OF_A_KIND})
    return [PromoUse(found, str(purchase) if purchase else "") for found, purchase in rows]
