"""Balance alerts for staff: set, and shown."""

from creditd.domain import errors
from creditd.domain.account import Account
from creditd.domain.controls.audit_event import Act
from creditd.domain.events.balance_alert import BalanceAlert
from creditd.ledger.accounts import AccountLedger
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.threads import Threads
from creditd.storage import accounts
from creditd.storage.database import Database


class BalanceAlerts:
    """Sets balance alerts, and looks them up. All raise DatabaseUnavailable, Overloaded, ShuttingDown."""

    def __init__(self, database: Database, ledger: AccountLedger, catalogue: Catalogue, threads: Threads) -> None:
        """Read through ``database``, and change accounts through ``ledger``."""
        self._database = database
        self._ledger = ledger
        self._catalogue = catalogue
        self._threads = threads

    async def set(
        self,
        call: Call,
        account_id: str,
        alerts: tuple[BalanceAlert, ...],
        act: Act,
        *,
        version: int | None = None,
        dry_run: bool = False,
    ) -> Account:
        """Put alerts in the place of an account's; one never seen is opened. A ``dry_run`` changes nothing.

        Raises CreditTypeNotFound, InvalidField, AccountClosed, RequestIdReused, VersionMismatch if the account's
        version is not ``version``, VersionConflict, RecordBusy.
        """
        await self._catalogue.require(*{alert.credit_type for alert in alerts})
        account, call.replayed = await self._threads.changes.submit(
            lambda: self._ledger.set_alerts(account_id, act, alerts, version=version, dry_run=dry_run),
            owner=account_id,
        )
        return account

    async def get(self, account_id: str) -> Account:
        """Return an account with its alerts. Raises AccountNotFound."""
        return await self._threads.lookups.submit(lambda: self._get(account_id), owner=account_id)

    def _get(self, account_id: str) -> Account:
        with self._database.autocommit() as connection:
            account = accounts.find(connection, account_id)
        if account is None:
            raise errors.AccountNotFound(account_id=account_id)
        return account
