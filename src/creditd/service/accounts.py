"""Accounts for staff: one, or pages of them."""

from collections.abc import Sequence
from typing import NamedTuple

from creditd.domain import errors
from creditd.domain.account import Account
from creditd.service.pages import DEFAULT_PAGE_SIZE, PageTokens, query_of
from creditd.storage import accounts, purchases
from creditd.storage.accounts import AccountFilter
from creditd.storage.database import Database


class AccountPage(NamedTuple):
    """A page of accounts; an empty token ends it."""

    accounts: list[Account]
    next_page_token: str


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

    def open_disputes(self, account_ids: Sequence[str]) -> dict[str, int]:
        """Return how many disputes about payments are open, for those of some accounts that have any."""
        with self._database.autocommit() as connection:
            return purchases.open_disputes(connection, account_ids)

    def list(self, wanted: AccountFilter, page_size: int, page_token: str) -> AccountPage:
        """Return a page of accounts, by account id. Raises PageTokenInvalid."""
        size = page_size or DEFAULT_PAGE_SIZE
        query = query_of("accounts", prefix=wanted.prefix, status=wanted.status)
        after = self._tokens.open(query, page_token) if page_token else ""
        with self._database.autocommit() as connection:
            found = accounts.page(connection, wanted, after, size + 1)
        page = found[:size]
        token = self._tokens.seal(query, page[-1].account_id) if len(found) > size else ""
        return AccountPage(page, token)
