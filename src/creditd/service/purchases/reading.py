"""Purchases looked up."""

from typing import NamedTuple

from creditd.domain.payment_errors import PurchaseNotFound
from creditd.service.pages import DEFAULT_PAGE_SIZE, PageTokens, query_of
from creditd.storage import purchase_history, purchases
from creditd.storage.database import Database
from creditd.storage.purchase_history import PurchaseChange
from creditd.storage.purchases import Purchase, PurchaseFilter, PurchaseKey, purchase_name


class PurchasePage(NamedTuple):
    """A page of purchases; an empty token ends it."""

    purchases: list[Purchase]
    next_page_token: str


class PurchaseReading:
    """Looks purchases up."""

    def __init__(self, database: Database, tokens: PageTokens) -> None:
        """Read through ``database``."""
        self._database = database
        self._tokens = tokens

    def get(self, key: PurchaseKey) -> tuple[Purchase, list[PurchaseChange]]:
        """Return a purchase and its history, oldest first. Raises PurchaseNotFound."""
        with self._database.snapshot() as connection:
            found = purchases.find(connection, key)
            changes = purchase_history.changes_of(connection, key)
        if found is None:
            raise PurchaseNotFound(purchase=purchase_name(key))
        return found, changes

    def page(self, wanted: PurchaseFilter, page_size: int, page_token: str) -> PurchasePage:
        """Return a page of an account's purchases, newest first. Raises PageTokenInvalid."""
        size = page_size or DEFAULT_PAGE_SIZE
        query = query_of("purchases", account=wanted.account_id, state=wanted.state)
        before = self._tokens.open(query, page_token) if page_token else None
        with self._database.autocommit() as connection:
            found = purchases.page(connection, wanted, before, size + 1)
        page = found[:size]
        token = self._tokens.seal(query, page[-1].purchase_id) if len(found) > size else ""
        return PurchasePage(page, token)
