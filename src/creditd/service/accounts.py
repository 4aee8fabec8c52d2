"""Accounts for staff: look-up, status and plan."""

from collections.abc import Callable, Sequence

from creditd.domain import errors
from creditd.domain.account import Account, AccountStatus
from creditd.domain.controls.audit_event import Act
from creditd.domain.instant import Instant
from creditd.ledger.accounts import AccountLedger
from creditd.service.call import Call
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage import accounts
from creditd.storage.accounts import AccountFilter
from creditd.storage.database import Database
from creditd.storage.payments import purchases
from creditd.storage.payments.purchases import Heeded


class Accounts:
    """Looks accounts up, without opening any, and changes them.

    All raise DatabaseUnavailable, Overloaded, ShuttingDown.
    """

    def __init__(self, database: Database, ledger: AccountLedger, threads: Threads, tokens: PageTokens) -> None:
        """Read through ``database``, and change accounts through ``ledger``."""
        self._database = database
        self._ledger = ledger
        self._threads = threads
        self._tokens = tokens

    async def get(self, account_id: str) -> tuple[Account, Heeded | None]:
        """Return an account, and what staff have to know of its payments. Raises AccountNotFound."""
        return await self._threads.lookups.submit(lambda: self._get(account_id), owner=account_id)

    def _get(self, account_id: str) -> tuple[Account, Heeded | None]:
        with self._database.autocommit() as connection:
            found = accounts.find(connection, account_id)
            if found is None:
                raise errors.AccountNotFound(account_id=account_id)
            return found, purchases.to_heed(connection, [account_id]).get(account_id)

    async def to_heed(self, call: Call, account_ids: Sequence[str]) -> dict[str, Heeded]:
        """Return what staff have to know of the accounts' payments; accounts without anything are left out."""
        return await self._threads.surveys.submit(lambda: self._to_heed(account_ids), owner=call.subject)

    def _to_heed(self, account_ids: Sequence[str]) -> dict[str, Heeded]:
        with self._database.autocommit() as connection:
            return purchases.to_heed(connection, account_ids)

    async def list(
        self, call: Call, wanted: AccountFilter, asked: Asked, show: Callable[[Account], Shown]
    ) -> Page[Shown]:
        """Return a page of accounts, by account id, each as ``show`` writes it. Raises PageTokenInvalid."""
        return await self._threads.surveys.submit(lambda: self._list(wanted, asked, show), owner=call.subject)

    def _list(self, wanted: AccountFilter, asked: Asked, show: Callable[[Account], Shown]) -> Page[Shown]:
        query = query_of("accounts", prefix=wanted.prefix, status=wanted.status)
        after = self._tokens.open(query, asked.page_token) if asked.page_token else ""
        with self._database.listing() as connection:
            found = accounts.page(connection, wanted, after, asked.size + 1)
        return self._tokens.page(query, found, asked.size, show, lambda account: account.account_id)

    async def set_status(
        self,
        call: Call,
        account_id: str,
        status: AccountStatus,
        act: Act,
        *,
        allow_balance: bool,
        version: int | None = None,
        dry_run: bool = False,
    ) -> Account:
        """Activate, suspend or close an account; one never seen is opened. A ``dry_run`` changes nothing.

        Raises RequestIdReused; VersionMismatch if its version is not ``version``; VersionConflict, RecordBusy;
        AccountNotEmpty for closing one that has credits, reservations or debt, unless ``allow_balance`` is set.
        """
        account, call.replayed = await self._threads.changes.submit(
            lambda: self._ledger.set_status(
                account_id, status, act, allow_balance=allow_balance, version=version, dry_run=dry_run
            ),
            owner=account_id,
        )
        return account

    async def set_plan(
        self,
        call: Call,
        account_id: str,
        act: Act,
        *,
        unlimited: bool,
        until: Instant | None,
        version: int | None = None,
        dry_run: bool = False,
    ) -> Account:
        """Switch the unlimited plan on or off; an account never seen is opened.

        A ``dry_run`` changes nothing. Raises AccountClosed, ExpiryInPast, RequestIdReused, VersionMismatch if the
        account's version is not ``version``, VersionConflict, RecordBusy.
        """
        account, call.replayed = await self._threads.changes.submit(
            lambda: self._ledger.set_plan(
                account_id, act, unlimited=unlimited, until=until, version=version, dry_run=dry_run
            ),
            owner=account_id,
        )
        return account
