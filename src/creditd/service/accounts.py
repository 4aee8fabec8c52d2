"""Accounts for staff: look-up, status and plan."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from creditd.domain import errors
from creditd.domain.account import Account, AccountStatus
from creditd.domain.controls.audit_event import Act
from creditd.domain.instant import Instant
from creditd.ledger.accounts import AccountLedger
from creditd.service.call import Call
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage import account_lists, accounts
from creditd.storage.account_lists import AFTER_ALL, Concern, MovedAccount, MovementPlace
from creditd.storage.accounts import AccountFilter
from creditd.storage.database import Connection, Database
from creditd.storage.layout import Layout
from creditd.storage.payments import purchases
from creditd.storage.payments.purchases import Heeded


class WantedAccounts(NamedTuple):
    """Which accounts, and in which order; an empty prefix, no status and no concern let all pass."""

    prefix: str = ""
    status: AccountStatus | None = None
    concern: Concern | None = None
    by_movement: bool = False

    def require_served(self) -> None:
        """Raise InvalidField for what no index has together."""
        if self.concern is not None and self.status is not None:
            raise errors.InvalidField(field="concern", rule="not together with a status")
        if self.by_movement and (self.prefix or self.status is not None or self.concern is not None):
            raise errors.InvalidField(field="order", rule="by the last movement only without a filter")


class AccountStanding(NamedTuple):
    """What staff are told of an account beside what it is itself; ``last_movement`` is None if it never had one."""

    heeded: Heeded | None
    last_movement: Instant | None


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

    async def get(self, account_id: str) -> tuple[Account, AccountStanding]:
        """Return an account, and what staff have to know of it beside. Raises AccountNotFound."""
        return await self._threads.lookups.submit(lambda: self._get(account_id), owner=account_id)

    def _get(self, account_id: str) -> tuple[Account, AccountStanding]:
        with self._database.autocommit() as connection:
            found = accounts.find(connection, account_id)
            if found is None:
                raise errors.AccountNotFound(account_id=account_id)
            return found, _standings(connection, [account_id])[account_id]

    async def standings(self, call: Call, account_ids: Sequence[str]) -> dict[str, AccountStanding]:
        """Return what staff have to know of each of some accounts."""
        return await self._threads.surveys.submit(lambda: self._standings(account_ids), owner=call.subject)

    def _standings(self, account_ids: Sequence[str]) -> dict[str, AccountStanding]:
        with self._database.autocommit() as connection:
            return _standings(connection, account_ids)

    async def list(
        self, call: Call, wanted: WantedAccounts, asked: Asked, show: Callable[[Account], Shown]
    ) -> Page[Shown]:
        """Return a page of accounts, each as ``show`` writes it. Raises PageTokenInvalid.

        Raises InvalidField for filters that do not go together.
        """
        wanted.require_served()
        if wanted.by_movement and self._database.layout is not Layout.PLAIN:
            # The rollup tells of it, and does not run there.
            raise errors.InvalidField(field="order", rule=f"not carried by the layout {self._database.layout}")
        return await self._threads.surveys.submit(lambda: self._list(wanted, asked, show), owner=call.subject)

    def _list(self, wanted: WantedAccounts, asked: Asked, show: Callable[[Account], Shown]) -> Page[Shown]:
        query = query_of(
            "accounts",
            prefix=wanted.prefix,
            status=wanted.status,
            concern=wanted.concern,
            by_movement=wanted.by_movement or None,
        )
        place = self._tokens.open(query, asked.page_token) if asked.page_token else None
        with self._database.listing() as connection:
            if wanted.by_movement:
                before = MovementPlace(*place) if place else AFTER_ALL
                moved = account_lists.page_by_movement(connection, before, asked.size + 1)
                return self._tokens.page(query, moved, asked.size, lambda one: show(one.account), _place)
            found = _by_id(connection, wanted, place or "", asked.size + 1)
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


def _by_id(connection: Connection, wanted: WantedAccounts, after: str, count: int) -> Sequence[Account]:
    if wanted.concern is not None:
        return account_lists.page_of_concern(connection, wanted.concern, wanted.prefix, after, count)
    return accounts.page(connection, AccountFilter(wanted.prefix, wanted.status), after, count)


def _place(moved: MovedAccount) -> Sequence[object]:
    return list(moved.place)


def _standings(connection: Connection, account_ids: Sequence[str]) -> dict[str, AccountStanding]:
    heeded = purchases.to_heed(connection, account_ids)
    moved = account_lists.last_movements(connection, account_ids)
    return {one: AccountStanding(heeded.get(one), moved.get(one)) for one in account_ids}
