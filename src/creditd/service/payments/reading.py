"""Purchases looked up."""

from collections.abc import Callable

from creditd.domain.payment_errors import PurchaseNotFound
from creditd.domain.purchase import Purchase, PurchaseChange, PurchaseKey, purchase_name
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.storage import purchase_history, purchases
from creditd.storage.database import Database
from creditd.storage.purchases import PurchaseFilter


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

    def page(self, wanted: PurchaseFilter, asked: Asked, show: Callable[[Purchase], Shown]) -> Page[Shown]:
        """Return a page of an account's purchases as ``show`` writes them, newest first. Raises PageTokenInvalid."""
        query = query_of("purchases", account=wanted.account_id, state=wanted.state)
        before = self._tokens.open(query, asked.page_token) if asked.page_token else None
        with self._database.listing() as connection:
            found = purchases.page(connection, wanted, before, asked.size + 1)
        return self._tokens.page(query, found, asked.size, show, lambda purchase: purchase.purchase_id)
