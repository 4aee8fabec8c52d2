"""The search: what an id leads to that somebody has in hand."""

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

from creditd.domain.account import Account
from creditd.domain.controls.approval import ApprovalKey, approval_name
from creditd.domain.payments.purchase import PURCHASE_NAME, PurchaseKey, purchase_name
from creditd.domain.promo.promo_code import promo_code_name
from creditd.domain.promo.promo_text import is_possible, normalised
from creditd.domain.reservation import reservation_name
from creditd.domain.resource_names import account_name, entry_name, grant_name, payment_event_name
from creditd.service.call import Call, require_text
from creditd.service.threads import Threads
from creditd.storage import account_labels, accounts, search
from creditd.storage.accounts import AccountFilter
from creditd.storage.controls import approvals
from creditd.storage.database import Connection, Database
from creditd.storage.payments import purchases
from creditd.storage.search import MOST_OF_A_KIND

MOST_HITS: Final = 50
"""Of an answer: some of each kind, and a screen or two."""

_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_ACCOUNT: Final = re.compile(r"[A-Za-z0-9._:@+-]{1,128}")

_EVENT_NAME: Final = re.compile(rf"paymentEvents/({_ID.pattern})")

_OF_ACCOUNT: Final = re.compile(
    rf"accounts/({_ACCOUNT.pattern})"
    rf"(?:/(?:wallets/[A-Za-z][A-Za-z0-9_]{{0,31}}/)?(?:reservations|grants|approvals)/({_ID.pattern}))?"
)
"""The name of an account, or of something within it."""


class HitKind(IntEnum):
    """What was found. The numbers are those of the proto."""

    ACCOUNT = 1
    PURCHASE = 2
    PAYMENT_EVENT = 3
    RESERVATION = 4
    ENTRY = 5
    GRANT = 6
    APPROVAL = 7
    PROMO_CODE = 8


class Hit(NamedTuple):
    """Something that was found, by its resource name; ``matched`` is what of it was asked for."""

    kind: HitKind
    name: str
    account_id: str
    matched: str


class Search:
    """Finds what an id belongs to. All raise DatabaseUnavailable, Overloaded, ShuttingDown."""

    def __init__(self, database: Database, threads: Threads) -> None:
        """Read through ``database``."""
        self._database = database
        self._threads = threads

    async def find(self, call: Call, query: str, account_id: str) -> list[Hit]:
        """Return what a query leads to, within an account if one is named: exact hits first.

        Raises InvalidField for a text that cannot be stored.
        """
        query = query.strip()
        require_text("query", query)
        return await self._threads.surveys.submit(lambda: self._find(query, account_id), owner=call.subject)

    def _find(self, query: str, account_id: str) -> list[Hit]:
        with self._database.listing() as connection:
            hits = dict.fromkeys(_hits(connection, query, account_id))
        return [hit for hit in hits if account_id in ("", hit.account_id)][:MOST_HITS]


def _hits(connection: Connection, query: str, account_id: str) -> Iterator[Hit]:
    if not query:
        return
    if named := _OF_ACCOUNT.fullmatch(query):
        owner, of_account = named.groups()
        yield from _by_account_id(connection, owner) if of_account is None else _within(connection, owner, of_account)
    yield from _by_purchase_name(connection, query)
    event = _EVENT_NAME.fullmatch(query)
    if event or _ID.fullmatch(query):
        yield from _by_id(connection, event[1] if event else query)
    if account_id and _ID.fullmatch(query):
        yield from _within(connection, account_id, query)
    if account_id:
        yield from _by_request(connection, account_id, query)
    yield from _by_provider(connection, query)
    yield from _by_promo_code(connection, query, account_id)
    yield from _by_label(connection, query)
    yield from _by_correlation(connection, query, account_id)
    if _ACCOUNT.fullmatch(query):
        yield from _by_account_id(connection, query)
        yield from _by_prefix(connection, query)


def _by_account_id(connection: Connection, account_id: str) -> Iterator[Hit]:
    if accounts.find(connection, account_id):
        yield Hit(HitKind.ACCOUNT, account_name(account_id), account_id, "account_id")


def _by_prefix(connection: Connection, prefix: str) -> Iterator[Hit]:
    found: list[Account] = accounts.page(connection, AccountFilter(prefix, None), "", MOST_OF_A_KIND + 1)
    for account in found:
        if account.account_id != prefix:
            yield Hit(HitKind.ACCOUNT, account_name(account.account_id), account.account_id, "account_id_prefix")


def _by_purchase_name(connection: Connection, name: str) -> Iterator[Hit]:
    named = PURCHASE_NAME.fullmatch(name)
    if named and purchases.find(connection, PurchaseKey(*named.groups())):
        yield Hit(HitKind.PURCHASE, name, named[1], "name")


def _by_id(connection: Connection, found_id: str) -> Iterator[Hit]:
    for purchase in search.purchases_by_id(connection, found_id):
        yield Hit(HitKind.PURCHASE, purchase_name(PurchaseKey(*purchase)), purchase.account_id, "id")
    for event in search.events_by_id(connection, found_id):
        yield Hit(HitKind.PAYMENT_EVENT, payment_event_name(event.event_id), event.account_id, "id")


def _within(connection: Connection, account_id: str, found_id: str) -> Iterator[Hit]:
    for credit_type in search.credit_types_of_reservation(connection, account_id, found_id):
        yield Hit(HitKind.RESERVATION, reservation_name(account_id, credit_type, found_id), account_id, "id")
    for credit_type in search.credit_types_of_grant(connection, account_id, found_id):
        yield Hit(HitKind.GRANT, grant_name(account_id, credit_type, found_id), account_id, "id")
    if approvals.find(connection, ApprovalKey(account_id, found_id)):
        yield Hit(HitKind.APPROVAL, approval_name(account_id, found_id), account_id, "id")


def _by_request(connection: Connection, account_id: str, request_id: str) -> Iterator[Hit]:
    for credit_type, version, reservation_id in search.entries_by_request(connection, account_id, request_id):
        yield Hit(HitKind.ENTRY, entry_name(account_id, credit_type, version), account_id, "request_id")
        if reservation_id:
            name = reservation_name(account_id, credit_type, reservation_id)
            yield Hit(HitKind.RESERVATION, name, account_id, "request_id")
    if search.is_archived(connection, account_id, request_id):
        yield Hit(HitKind.ACCOUNT, account_name(account_id), account_id, "archived_request_id")
    purchase = search.purchase_by_request(connection, account_id, request_id)
    if purchase:
        yield Hit(HitKind.PURCHASE, purchase_name(PurchaseKey(*purchase)), account_id, "request_id")
    approval = approvals.find_by_request(connection, account_id, request_id)
    if approval:
        name = approval_name(account_id, approval.approval_id)
        yield Hit(HitKind.APPROVAL, name, account_id, "request_id")


def _by_provider(connection: Connection, reference: str) -> Iterator[Hit]:
    for name in search.names_by_reference(connection, reference):
        if purchase := PURCHASE_NAME.fullmatch(name):
            yield Hit(HitKind.PURCHASE, name, purchase[1], "provider_reference")
        else:
            # A subscription's, which carries the plan of an account.
            account_id = name.removeprefix(account_name(""))
            yield Hit(HitKind.ACCOUNT, account_name(account_id), account_id, "subscription_id")
    for event in search.events_by_key(connection, reference):
        yield Hit(HitKind.PAYMENT_EVENT, payment_event_name(event.event_id), event.account_id, "delivery_key")


def _by_promo_code(connection: Connection, written: str, account_id: str) -> Iterator[Hit]:
    code = normalised(written.removeprefix(promo_code_name("")))
    if not is_possible(code) or not search.has_promo_code(connection, code):
        return
    yield Hit(HitKind.PROMO_CODE, promo_code_name(code), "", "code")
    for owner, purchase_id in search.promo_uses(connection, code, account_id):
        yield Hit(HitKind.ACCOUNT, account_name(owner), owner, "promo_code")
        if purchase_id:
            name = purchase_name(PurchaseKey(owner, purchase_id))
            yield Hit(HitKind.PURCHASE, name, owner, "promo_code")


def _by_label(connection: Connection, value: str) -> Iterator[Hit]:
    for account_id in account_labels.accounts_of(connection, value):
        yield Hit(HitKind.ACCOUNT, account_name(account_id), account_id, "label")


def _by_correlation(connection: Connection, correlation_id: str, account_id: str) -> Iterator[Hit]:
    for owner, credit_type, version in search.entries_by_correlation(connection, correlation_id, account_id):
        yield Hit(HitKind.ENTRY, entry_name(owner, credit_type, version), owner, "correlation_id")
    for owner, target in search.acts_by_correlation(connection, correlation_id, account_id):
        if purchase := PURCHASE_NAME.fullmatch(target):
            yield Hit(HitKind.PURCHASE, target, purchase[1], "correlation_id")
        elif _EVENT_NAME.fullmatch(target):
            yield Hit(HitKind.PAYMENT_EVENT, target, owner, "correlation_id")
        elif owner:
            yield Hit(HitKind.ACCOUNT, account_name(owner), owner, "correlation_id")
