"""Account flags for staff: listed, and cleared with a reason."""

from collections.abc import Callable

from creditd.domain.account import AccountStatus
from creditd.domain.controls.account_flag import AccountFlag, FlagKey, flag_name
from creditd.domain.controls.audit_event import Act, cleared_event
from creditd.domain.controls.velocity_errors import AccountFlagCleared, AccountFlagNotFound
from creditd.ledger.accounts import AccountLedger
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.service.call import Call
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage.controls import account_flags, audit
from creditd.storage.controls.account_flags import FlagFilter
from creditd.storage.database import Database
from creditd.storage.requests import ClaimKind


class AccountFlags:
    """Lists and clears flags. All raise DatabaseUnavailable, Overloaded, ShuttingDown."""

    def __init__(
        self,
        database: Database,
        ledger: TransactionLedger,
        accounts: AccountLedger,
        make_id: Callable[[], str],
        threads: Threads,
        tokens: PageTokens,
    ) -> None:
        """Read through ``database``, clear in transactions of ``ledger``, activate through ``accounts``."""
        self._database = database
        self._ledger = ledger
        self._accounts = accounts
        self._make_id = make_id
        self._threads = threads
        self._tokens = tokens

    async def page(
        self, call: Call, wanted: FlagFilter, asked: Asked, show: Callable[[AccountFlag], Shown]
    ) -> Page[Shown]:
        """Return a page of flags, newest first, each as ``show`` writes it. Raises PageTokenInvalid."""
        return await self._threads.surveys.submit(lambda: self._page(wanted, asked, show), owner=call.subject)

    def _page(self, wanted: FlagFilter, asked: Asked, show: Callable[[AccountFlag], Shown]) -> Page[Shown]:
        query = query_of("account_flags", account=wanted.account_id, kind=wanted.kind, cleared=wanted.cleared or None)
        before = self._tokens.open(query, asked.page_token) if asked.page_token else None
        with self._database.listing() as connection:
            found = account_flags.page(connection, wanted, before, asked.size + 1)
        return self._tokens.page(query, found, asked.size, show, lambda flag: flag.flag_id)

    async def clear(self, key: FlagKey, act: Act, *, activate: bool) -> tuple[AccountFlag, bool]:
        """Clear a flag; tell whether the request id had done so before. What counted until then counts no more.

        With ``activate`` the account is activated too, if it is suspended. Raises AccountFlagNotFound,
        AccountFlagCleared, RequestIdReused, VersionConflict, RecordBusy.
        """
        return await self._threads.changes.submit(
            lambda: self._ledger.transact(lambda it: self._clear(it, key, act, activate=activate)),
            owner=key.account_id,
        )

    def _clear(self, transaction: Transaction, key: FlagKey, act: Act, *, activate: bool) -> tuple[AccountFlag, bool]:
        connection, origin = transaction.connection, act.origin
        account_flags.lock_states(connection, key.account_id)
        known = account_flags.find(connection, key)
        if known is None:
            raise AccountFlagNotFound(account_flag=flag_name(key))
        flag = known.flag
        is_same_request = flag.clear_time is not None and known.request_id == origin.request_id
        if is_same_request and known.fingerprint == origin.fingerprint:
            return flag, True
        if flag.clear_time is not None and not is_same_request:
            raise AccountFlagCleared(account_flag=flag.name, cleared_by=flag.cleared_by)
        transaction.claim(transaction.hold(key.account_id), origin.request_id or "", ClaimKind.FLAG_CLEARANCE)
        activated = activate and self._accounts.move_status(
            transaction, key.account_id, AccountStatus.SUSPENDED, AccountStatus.ACTIVE, self._activation(act)
        )
        cleared = flag._replace(
            clear_time=transaction.now, cleared_by=origin.actor, clear_reason=origin.reason, activated=activated
        )
        account_flags.clear(connection, cleared, origin)
        audit.append(connection, cleared_event(act, self._make_id(), flag, cleared))
        return cleared, False

    def _activation(self, act: Act) -> Act:
        """Return the activation as an act of its own: the request id is that of the clearance."""
        return act._replace(kind="account.set_status", origin=act.origin._replace(request_id=self._make_id()))
