"""Payment requests: the provider is asked for a payment, once for each purchase, whatever fails in between.

A purchase is stored before its provider is asked. The asking process holds a lease on it, so that no other asks at the
same time. After an unknown outcome the provider is searched before it is asked again: there is never a second payment
for one purchase.
"""

from collections.abc import Callable
from typing import Final

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.payment_errors import PurchaseExpired
from creditd.domain.payments.payment_facts import Fact, FactKind, PaymentStage
from creditd.domain.payments.provider import PaymentMethod
from creditd.domain.payments.purchase import STILL_OPEN, Purchase, PurchaseKey, PurchaseState
from creditd.domain.promo.promo_claim import UNASKED_AGE
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.payments.card_numbers import scrubbed_text
from creditd.payments.provider import CallFailed, CallRefused, Checkout, Order, Report
from creditd.service.payments.providers import InThread, Providers
from creditd.service.payments.recorder import Recorder
from creditd.storage.payments import payment_events, payment_references, purchases

ASK_LEASE: Final = 180 * SECOND
"""The lease: longer than a search at the provider and a call after it, each with all retries."""

MAX_WORDS_LENGTH: Final = 500
"""The longest message of a provider that is stored: enough for a sentence."""


class AskedElsewhere(Exception):
    """Another process is asking the provider at this moment."""


def order_of(purchase: Purchase, token: str = "") -> Order:
    """Return what the provider needs to know of a purchase."""
    return Order(
        PurchaseKey(purchase.account_id, purchase.purchase_id),
        Money(purchase.amount, purchase.currency),
        purchase.display_name,
        PaymentMethod(purchase.method),
        purchase.return_url,
        purchase.create_time,
        purchase.reference,
        token,
    )


class PaymentRequests:
    """Asks providers for payments."""

    def __init__(
        self, ledger: TransactionLedger, providers: Providers, recorder: Recorder, in_thread: InThread
    ) -> None:
        """Write purchases in transactions of ``ledger``."""
        self._ledger = ledger
        self._providers = providers
        self._recorder = recorder
        self._in_thread = in_thread

    async def ask(self, key: PurchaseKey, token: str = "") -> Purchase:
        """Ask the provider for a purchase's payment, unless it was asked; return the purchase afterwards.

        If the provider refuses, the purchase fails. Raises AskedElsewhere; PurchaseExpired for one with a promo code
        that waited for too long; CallFailed if it is not known whether the provider did what was asked.
        """
        purchase = await self._transact(lambda transaction: _hold_to_ask(transaction, key))
        if _is_asked(purchase):
            return purchase
        provider = self._providers.get(purchase.provider)
        order = order_of(purchase, token)
        try:
            # Without an earlier lease nobody has asked before.
            found = await provider.look_up(order) if purchase.ask_end_time else None
            checkout = found or await provider.begin(order)
        except CallFailed:
            await self._transact(lambda transaction: _let_go(transaction, key))
            raise
        except CallRefused as error:
            refusal = error
            return await self._in_thread(lambda: self._refused(purchase, refusal))
        return await self._transact(lambda transaction: _answered(transaction, key, checkout))

    async def look(self, key: PurchaseKey) -> Purchase:
        """Find out what became of a request, without asking again; return the purchase afterwards.

        Raises AskedElsewhere, CallFailed.
        """
        purchase = await self._transact(lambda transaction: _hold(transaction, key))
        if _is_asked(purchase):
            return purchase
        try:
            checkout = await self._providers.get(purchase.provider).look_up(order_of(purchase))
        except CallFailed:
            await self._transact(lambda transaction: _let_go(transaction, key))
            raise
        if checkout is None:
            return await self._transact(lambda transaction: _let_go(transaction, key))
        return await self._transact(lambda transaction: _answered(transaction, key, checkout))

    async def _transact(self, change: Callable[[Transaction], Purchase]) -> Purchase:
        return await self._in_thread(lambda: self._ledger.transact(change))

    def _refused(self, purchase: Purchase, refusal: CallRefused) -> Purchase:
        """Record that a purchase failed. The fact's subject is the purchase: nothing exists at the provider."""
        code, words = _storable(refusal.code), _storable(str(refusal))
        fact = Fact(FactKind.PAYMENT, purchase.purchase_id, PaymentStage.FAILED, 0, code, words)
        report = Report(purchase.provider, purchase.live, (), purchase.key, None, (fact,))
        self._recorder.record(report, purchase.provider.name.lower(), "the provider refused")
        return self._ledger.transact(lambda transaction: _let_go(transaction, purchase.key))


def _storable(said: str) -> str:
    """Return a provider's text without card numbers, and without NUL, which PostgreSQL cannot store."""
    return scrubbed_text(said)[:MAX_WORDS_LENGTH].replace("\x00", "?")


def _is_asked(purchase: Purchase) -> bool:
    """Tell whether there is nothing to ask: the provider has answered, or the purchase has ended."""
    return bool(purchase.reference) or purchase.state not in STILL_OPEN


def _hold(transaction: Transaction, key: PurchaseKey) -> Purchase:
    """Take the lease of a purchase, unless there is nothing to ask; return the purchase as it was before."""
    purchase = _locked(transaction, key)
    if _is_asked(purchase):
        return purchase
    now = transaction.now
    if purchase.ask_end_time is not None and purchase.ask_end_time > now:
        raise AskedElsewhere
    purchases.write(transaction.connection, purchase._replace(ask_end_time=Instant(now + ASK_LEASE)))
    return purchase


def _hold_to_ask(transaction: Transaction, key: PurchaseKey) -> Purchase:
    """Take the lease to ask. Raises PurchaseExpired: soon afterwards the use of its promo code is others'."""
    purchase = _hold(transaction, key)
    if purchase.promo_code and not _is_asked(purchase) and transaction.now >= purchase.create_time + UNASKED_AGE:
        raise PurchaseExpired(purchase=purchase.name)
    return purchase


def _let_go(transaction: Transaction, key: PurchaseKey) -> Purchase:
    purchase = _locked(transaction, key)._replace(ask_end_time=transaction.now)
    purchases.write(transaction.connection, purchase)
    return purchase


def _answered(transaction: Transaction, key: PurchaseKey, checkout: Checkout) -> Purchase:
    purchase = _locked(transaction, key)
    # A purchase that has ended may still have a checkout at the provider, where nobody is to pay.
    is_offered = purchase.state == PurchaseState.PENDING
    answered = purchase._replace(
        version=purchase.version + 1,
        reference=checkout.reference,
        redirect_url=checkout.redirect_url if is_offered else "",
        qr_image_url=checkout.qr_image_url if is_offered else "",
        payment_expire_time=checkout.expire_time,
        update_time=max(transaction.now, purchase.update_time),
    )
    purchases.write(transaction.connection, answered)
    purchases.record(
        transaction.connection, answered, purchase.provider.name.lower(), "the provider was asked for a payment"
    )
    payment_references.refer(
        transaction.connection, answered.provider, answered.name, [checkout.reference], live=answered.live
    )
    payment_events.wake(transaction.connection, answered.provider, [checkout.reference], transaction.now)
    return answered


def _locked(transaction: Transaction, key: PurchaseKey) -> Purchase:
    purchase = purchases.lock(transaction.connection, key)
    assert purchase is not None  # noqa: S101 - it was stored before anything was asked, and none is ever deleted.
    return purchase
