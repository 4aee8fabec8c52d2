"""Accounts for staff: one, or pages of them."""

from collections.abc import Callable, Sequence

from creditd.domain import errors
from creditd.domain.account import Account
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.storage import accounts, purchases
from creditd.storage.accounts import AccountFilter
from creditd.storage.database import Database
from creditd.storage.purchases import Heeded


class Accounts:
    """Looks accounts up, without opening any."""

    def __init__(self, database: Database, tokens: PageTokens) -> None:
        """Read through ``database``."""
        self._database = database
        self._tokens = tokens

    def get(self, account_id: str) -> Account:
        """Return an account. Raises AccountNotFound."""
        with self._database.autocommit() as connection:
            found = accounts.find(connection, account_id)
        if found is None:
            raise errors.AccountNotFound(account_id=account_id)
        return found

    def to_heed(self, account_ids: Sequence[str]) -> dict[str, Heeded]:
        """Return what staff have to know of some accounts' payments, for those of which there is anything."""
        with self._database.autocommit() as connection:
            return purchases.to_heed(connection, account_ids)

    def list(self, wanted: AccountFilter, asked: Asked, show: Callable[[Account], Shown]) -> Page[Shown]:
        """Return a page of accounts, by account id, each as ``show`` writes it. Raises PageTokenInvalid."""
        query = query_of("accounts", prefix=wanted.prefix, status=wanted.status)
        after = self._tokens.open(query, asked.page_token) if asked.page_token else ""
        with self._database.listing() as connection:
            found = accounts.page(connection, wanted, after, asked.size + 1)
        return self._tokens.page(query, found, asked.size, show, lambda account: account.account_id)
