"""Reversals: staff record that money was refunded outside the provider."""

from creditd.domain.errors import VersionMismatch
from creditd.domain.payment_errors import AmountExceedsPayment, PurchaseNotFound, PurchaseNotPaid
from creditd.domain.payment_facts import Fact, FactKind, RefundStage
from creditd.domain.purchase import Purchase, PurchaseKey, purchase_name
from creditd.domain.wallet import Origin
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.payments.provider import Report
from creditd.service.payments.recorder import PurchaseRecorder
from creditd.service.threads import Threads
from creditd.storage import purchases
from creditd.storage.requests import ClaimKind


class Reversals:
    """Takes back credits of purchases for staff."""

    def __init__(self, ledger: TransactionLedger, recorder: PurchaseRecorder, threads: Threads) -> None:
        """Move credits through ``ledger``."""
        self._threads = threads
        self._ledger = ledger
        self._recorder = recorder

    async def reverse(
        self,
        key: PurchaseKey,
        amount: int | None,
        origin: Origin,
        *,
        version: int | None = None,
        dry_run: bool = False,
    ) -> tuple[Purchase, bool]:
        """Record a refund of ``amount``, or of all that is left (None); take back its share of the credits.

        Return the purchase, and whether the request id had done so before. A ``dry_run`` changes nothing. Raises
        PurchaseNotFound, PurchaseNotPaid, VersionMismatch if its version is not ``version``, AmountExceedsPayment,
        RequestIdReused, AccountClosed.
        """
        return await self._threads.changes.submit(
            lambda: self._ledger.transact(
                lambda transaction: self._reverse(transaction, key, amount, origin, version), dry_run=dry_run
            ),
            owner=key.account_id,
        )

    def _reverse(
        self, transaction: Transaction, key: PurchaseKey, amount: int | None, origin: Origin, version: int | None
    ) -> tuple[Purchase, bool]:
        purchase = purchases.lock(transaction.connection, key)
        if purchase is None:
            raise PurchaseNotFound(purchase=purchase_name(key))
        subject, fingerprint = origin.request_id or "", str(origin.fingerprint)
        for fact in purchases.facts_about(transaction.connection, key.account_id, FactKind.OUTSIDE_REFUND, subject):
            # The fingerprint covers the purchase's name as well.
            if fact.code == fingerprint:
                return purchase, True
        transaction.claim(transaction.hold(key.account_id), subject, ClaimKind.REVERSAL)
        if not purchase.granted:
            raise PurchaseNotPaid(purchase=purchase.name, state=purchase.state.name)
        if version is not None and version != purchase.version:
            raise VersionMismatch(stated=version, current=purchase.version)
        left = purchase.paid - purchase.refunded
        amount = left if amount is None else amount
        if amount > left or not amount:
            raise AmountExceedsPayment(requested=amount, left=left)
        fact = Fact(FactKind.OUTSIDE_REFUND, subject, RefundStage.SUCCEEDED, amount, fingerprint)
        report = Report(purchase.provider, purchase.live, (), None, None, (fact,))
        # The fact keeps the request id: if no credits are left to take back, there is no entry to keep it.
        by = origin._replace(request_id=None, fingerprint=0)
        recorded = self._recorder.bring_up_to_date(transaction, purchase, report, by)
        if recorded.refusal:
            # The caller is told of the refusal, so nothing is kept of it.
            raise recorded.refusal
        return recorded.purchase, False
