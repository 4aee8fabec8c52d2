"""Limits for staff: set, and shown with what is used of them."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from creditd.domain import errors
from creditd.domain.account import Account
from creditd.domain.controls.audit_event import Act
from creditd.domain.instant import Instant
from creditd.domain.limits import Limit, Usage
from creditd.domain.wallet import WalletKey
from creditd.ledger.accounts import AccountLedger
from creditd.ledger.clock import DatabaseClock
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.threads import Threads
from creditd.storage import accounts, counts
from creditd.storage.database import Database

COUNTS_SHOWN: Final = 1_000
"""Of one account, those of yesterday included: more than a person reads, and some 100 kB."""


class LimitsInUse(NamedTuple):
    """An account with its limits, and what was counted at an instant by wallet and spender."""

    account: Account
    usage: Mapping[WalletKey, Usage]
    now: Instant


class AccountLimits:
    """Sets limits, and looks up how much of them is used. All raise DatabaseUnavailable, Overloaded, ShuttingDown."""

    def __init__(
        self, database: Database, ledger: AccountLedger, catalogue: Catalogue, threads: Threads, clock: DatabaseClock
    ) -> None:
        """Read through ``database``, and change accounts through ``ledger``."""
        self._database = database
        self._ledger = ledger
        self._catalogue = catalogue
        self._threads = threads
        self._clock = clock

    async def set(
        self,
        call: Call,
        account_id: str,
        limits: tuple[Limit, ...],
        act: Act,
        *,
        version: int | None = None,
        dry_run: bool = False,
    ) -> Account:
        """Put limits in the place of an account's; one never seen is opened. A ``dry_run`` changes nothing.

        Raises CreditTypeNotFound, InvalidField, AccountClosed, RequestIdReused, VersionMismatch if the account's
        version is not ``version``, VersionConflict, RecordBusy.
        """
        await self._catalogue.require(*{limit.credit_type for limit in limits})
        account, call.replayed = await self._threads.changes.submit(
            lambda: self._ledger.set_limits(account_id, act, limits, version=version, dry_run=dry_run),
            owner=account_id,
        )
        return account

    async def get(self, account_id: str) -> LimitsInUse:
        """Return the limits of an account and what is used of them. Raises AccountNotFound."""
        return await self._threads.lookups.submit(lambda: self._get(account_id), owner=account_id)

    def _get(self, account_id: str) -> LimitsInUse:
        now = self._clock.now()
        with self._database.autocommit() as connection:
            account = accounts.find(connection, account_id)
            if account is None:
                raise errors.AccountNotFound(account_id=account_id)
            found = counts.counts_of(connection, account_id, COUNTS_SHOWN)
        usage = {
            key: {who: count.at(now) for who, count in each.items() if count.at(now).in_day}
            for key, each in found.items()
        }
        return LimitsInUse(account, usage, now)
