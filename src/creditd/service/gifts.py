"""Gifts: a few credits that staff give at once, within a small limit by account, credit type and day of UTC."""

from collections.abc import Callable, Mapping

from creditd.domain import errors
from creditd.domain.commands import Add
from creditd.domain.controls.audit_event import Act, moved_event
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.instant import Instant
from creditd.domain.limits import DAY
from creditd.domain.wallet import WalletKey
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.ledger.work import Outcome, Step
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.threads import Threads
from creditd.storage import accounts
from creditd.storage.controls import audit, support_gifts
from creditd.storage.requests import RequestKey, load_requests


class Gifts:
    """Gives credits. Who is given to is held meanwhile, so that two at once cannot pass the limit together."""

    def __init__(
        self,
        ledger: TransactionLedger,
        catalogue: Catalogue,
        limits: Mapping[str, int],
        make_id: Callable[[], str],
        threads: Threads,
    ) -> None:
        """Give in transactions of ``ledger``, of each credit type up to its limit; nothing of one without."""
        self._ledger = ledger
        self._catalogue = catalogue
        self._limits = limits
        self._make_id = make_id
        self._threads = threads

    async def give(
        self, call: Call, act: Act, key: WalletKey, amount: int, version: int | None, *, dry_run: bool
    ) -> Outcome:
        """Give an amount to an account that is there; a ``dry_run`` gives nothing.

        Raises CreditTypeNotFound, AccountNotFound, AccountClosed, SupportLimitExceeded, BalanceTooLarge,
        VersionMismatch if the balance's version is not ``version``, RequestIdReused, VersionConflict, RecordBusy.
        """
        await self._catalogue.require(key.credit_type)
        outcome = await self._threads.changes.submit(
            lambda: self._ledger.transact(lambda t: self._give(t, act, key, amount, version), dry_run=dry_run),
            owner=key.account_id,
        )
        call.replayed = outcome.replayed
        return outcome

    def _give(self, transaction: Transaction, act: Act, key: WalletKey, amount: int, version: int | None) -> Outcome:
        connection, origin = transaction.connection, act.origin
        if accounts.find(connection, key.account_id) is None:
            raise errors.AccountNotFound(account_id=key.account_id)
        transaction.hold(key.account_id)
        now = transaction.now
        day = Instant(now - now % DAY)
        if not load_requests(connection, [RequestKey(key.account_id, origin.request_id or "")]):
            self._require_within(key, amount, support_gifts.given(connection, key, day))
        add = Add(origin, EntryKind.ADMIN_ADD, self._make_id(), Source.ADMIN, amount, None, version)
        outcome = transaction.perform(key.account_id, origin, (Step(key, add),))
        if not outcome.replayed:
            support_gifts.add(connection, key, day, amount)
            audit.append(connection, moved_event(act, self._make_id(), now, key.account_id, outcome.entries))
        return outcome

    def _require_within(self, key: WalletKey, amount: int, given: int) -> None:
        limit = self._limits.get(key.credit_type, 0)
        if given + amount > limit:
            raise errors.SupportLimitExceeded(credit_type=key.credit_type, limit=limit, given=given, requested=amount)
