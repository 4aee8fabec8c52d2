"""Purchases looked up and listed."""

from collections.abc import Callable

from creditd.domain.payments.payment_errors import PurchaseNotFound
from creditd.domain.payments.purchase import Purchase, PurchaseChange, PurchaseKey, purchase_name
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage.database import Database
from creditd.storage.payments import purchases
from creditd.storage.payments.purchases import PurchaseFilter


class PurchaseReader:
    """Looks up purchases."""

    def __init__(self, database: Database, tokens: PageTokens, threads: Threads) -> None:
        """Read through ``database``."""
        self._database = database
        self._tokens = tokens
        self._threads = threads

    async def get(self, key: PurchaseKey) -> tuple[Purchase, list[PurchaseChange]]:
        """Return a purchase and its history, oldest first. Raises PurchaseNotFound."""
        return await self._threads.lookups.submit(lambda: self._get(key), owner=key.account_id)

    def _get(self, key: PurchaseKey) -> tuple[Purchase, list[PurchaseChange]]:
        with self._database.snapshot() as connection:
            found = purchases.find(connection, key)
            changes = purchases.changes_of(connection, key)
        if found is None:
            raise PurchaseNotFound(purchase=purchase_name(key))
        return found, changes

    async def page(self, wanted: PurchaseFilter, asked: Asked, show: Callable[[Purchase], Shown]) -> Page[Shown]:
        """Return a page of an account's purchases as ``show`` writes them, newest first. Raises PageTokenInvalid."""
        return await self._threads.pages.submit(lambda: self._page(wanted, asked, show), owner=wanted.account_id)

    def _page(self, wanted: PurchaseFilter, asked: Asked, show: Callable[[Purchase], Shown]) -> Page[Shown]:
        query = query_of("purchases", account=wanted.account_id, state=wanted.state)
        before = self._tokens.open(query, asked.page_token) if asked.page_token else None
        with self._database.listing() as connection:
            found = purchases.page(connection, wanted, before, asked.size + 1)
        return self._tokens.page(query, found, asked.size, show, lambda purchase: purchase.purchase_id)
