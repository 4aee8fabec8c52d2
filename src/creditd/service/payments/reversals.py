"""Reversals: staff record that money was refunded outside the provider."""

from collections.abc import Callable

from creditd.domain.controls.audit_event import Act, Document
from creditd.domain.errors import VersionMismatch
from creditd.domain.payments.payment_errors import AmountExceedsPayment, PurchaseNotFound, PurchaseNotPaid
from creditd.domain.payments.payment_facts import Fact, FactKind, RefundStage
from creditd.domain.payments.purchase import Purchase, PurchaseKey, purchase_name
from creditd.domain.wallet import Origin
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.payments.provider import Report
from creditd.service.payments.recorder import PurchaseRecorder
from creditd.service.threads import Threads
from creditd.storage.controls import audit
from creditd.storage.payments import purchases
from creditd.storage.requests import ClaimKind


class Reversals:
    """Takes back credits of purchases for staff."""

    def __init__(
        self, ledger: TransactionLedger, recorder: PurchaseRecorder, make_id: Callable[[], str], threads: Threads
    ) -> None:
        """Move credits through ``ledger``."""
        self._threads = threads
        self._make_id = make_id
        self._ledger = ledger
        self._recorder = recorder

    async def reverse(
        self,
        key: PurchaseKey,
        amount: int | None,
        act: Act,
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
                lambda transaction: self._reverse(transaction, key, amount, act, version), dry_run=dry_run
            ),
            owner=key.account_id,
        )

    def _reverse(
        self, transaction: Transaction, key: PurchaseKey, amount: int | None, act: Act, version: int | None
    ) -> tuple[Purchase, bool]:
        purchase = lock(transaction, key)
        if was_recorded(transaction, key.account_id, act.origin):
            return purchase, True
        self.count(transaction, purchase, act.origin)
        transaction.claim(transaction.hold(key.account_id), act.origin.request_id or "", ClaimKind.REVERSAL)
        return self.record(transaction, purchase, amount, act, version), False

    def count(self, transaction: Transaction, purchase: Purchase, origin: Origin) -> None:
        """Have velocity rules count the reversal of a purchase that is locked; no row of its account is yet."""
        self._recorder.count(transaction, purchase, _report(purchase, origin, 0))

    def record(
        self, transaction: Transaction, purchase: Purchase, amount: int | None, act: Act, version: int | None
    ) -> Purchase:
        """Record a reversal, as ``reverse`` says, of a purchase that is locked; the request id of the act is claimed.

        Return the purchase after it.
        """
        origin = act.origin
        if not purchase.granted:
            raise PurchaseNotPaid(purchase=purchase.name, state=purchase.state.name)
        if version is not None and version != purchase.version:
            raise VersionMismatch(stated=version, current=purchase.version)
        left = left_of(purchase)
        amount = left if amount is None else amount
        if amount > left or not amount:
            raise AmountExceedsPayment(currency=purchase.currency, requested=amount, left=left)
        # The fact keeps the request id: if no credits are left to take back, there is no entry to keep it.
        by = origin._replace(request_id=None, fingerprint=0)
        recorded = self._recorder.bring_up_to_date(transaction, purchase, _report(purchase, origin, amount), by)
        if recorded.refusal:
            # The caller is told of the refusal, so nothing is kept of it.
            raise recorded.refusal
        before_and_after = {"before": _facts(purchase), "after": _facts(recorded.purchase)}
        account_id = purchase.account_id
        done = act.done(self._make_id(), transaction.now, purchase.name, account_id=account_id, **before_and_after)
        audit.append(transaction.connection, done)
        return recorded.purchase


def lock(transaction: Transaction, key: PurchaseKey) -> Purchase:
    """Lock a purchase until the end of a transaction. Raises PurchaseNotFound."""
    purchase = purchases.lock(transaction.connection, key)
    if purchase is None:
        raise PurchaseNotFound(purchase=purchase_name(key))
    return purchase


def _report(purchase: Purchase, origin: Origin, amount: int) -> Report:
    """Return what a reversal says of a purchase: a request id and its fingerprint tell it apart from others."""
    fact = Fact(
        FactKind.OUTSIDE_REFUND, origin.request_id or "", RefundStage.SUCCEEDED, amount, str(origin.fingerprint)
    )
    return Report(purchase.provider, purchase.live, (), None, None, (fact,))


def left_of(purchase: Purchase) -> int:
    """Return how much of a payment has not been given back."""
    return purchase.paid - purchase.refunded


def was_recorded(transaction: Transaction, account_id: str, origin: Origin) -> bool:
    """Tell whether a request id with this content has reversed a purchase of an account before."""
    facts = purchases.facts_about(transaction.connection, account_id, FactKind.OUTSIDE_REFUND, origin.request_id or "")
    # The fingerprint covers the purchase's name as well.
    return any(fact.code == str(origin.fingerprint) for fact in facts)


def _facts(purchase: Purchase) -> Document:
    return {
        "version": purchase.version,
        "state": purchase.state.name,
        "refunded": purchase.refunded,
        "reversed": purchase.reversed,
    }
