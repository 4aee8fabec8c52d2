"""PaymentRequests a provider for a payment, once for each purchase whatever happens in between.

A purchase is stored before anything is asked. Whoever asks holds it for a while, so that nobody asks beside them. After
an unknown outcome the provider is looked at before it is asked again: there is never a second payment for one purchase.
"""

from collections.abc import Callable
from typing import Final

from creditd.domain.instant import SECOND, Instant
from creditd.domain.package import Money
from creditd.domain.payment_facts import Fact, FactKind, PaymentStage
from creditd.domain.provider import PaymentMethod
from creditd.domain.purchase import STILL_OPEN, Purchase, PurchaseKey, PurchaseState
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.payments.card_numbers import scrubbed_text
from creditd.payments.provider import CallFailed, CallRefused, Checkout, Order, Report
from creditd.service.payments.providers import InThread, Providers
from creditd.service.payments.recorder import Recorder
from creditd.storage import payment_events, payment_references, purchases

ASK_LEASE: Final = 180 * SECOND
"""Longer than a look through a provider and a call after it take, each with all its tries: whoever asked is gone."""

MAX_WORDS_LENGTH: Final = 500
"""Why a provider refused is a sentence for the payer; what is longer helps nobody."""


class AskedElsewhere(Exception):
    """Somebody else is asking the provider at this moment."""


def order_of(purchase: Purchase, token: str = "") -> Order:
    """Return a purchase as its provider needs to know it."""
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
        """Have the provider asked for a purchase's payment, unless it was, and return the purchase then.

        A provider that refuses makes it a failed one. Raises AskedElsewhere, and CallFailed when it is not
        known whether the provider did what was asked.
        """
        purchase = await self._transact(lambda transaction: _hold(transaction, key))
        if _is_asked(purchase):
            return purchase
        provider = self._providers.get(purchase.provider)
        order = order_of(purchase, token)
        try:
            # Nobody asked before if nobody held it before.
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
        """Find out what became of asking, without asking again; return the purchase then.

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
        """Make a purchase a failed one. The fact's subject is the purchase: nothing exists at the provider."""
        code, words = _storable(refusal.code), _storable(str(refusal))
        fact = Fact(FactKind.PAYMENT, purchase.purchase_id, PaymentStage.FAILED, 0, code, words)
        report = Report(purchase.provider, purchase.live, (), purchase.key, None, (fact,))
        self._recorder.record(report, purchase.provider.name.lower(), "the provider refused")
        return self._ledger.transact(lambda transaction: _let_go(transaction, purchase.key))


def _storable(said: str) -> str:
    """Return a provider's words as a row may hold them: without card numbers, and NUL, which PostgreSQL cannot."""
    return scrubbed_text(said)[:MAX_WORDS_LENGTH].replace("\x00", "?")


def _is_asked(purchase: Purchase) -> bool:
    """Tell that there is nothing to ask: the provider has answered, or the purchase is over."""
    return bool(purchase.reference) or purchase.state not in STILL_OPEN


def _hold(transaction: Transaction, key: PurchaseKey) -> Purchase:
    """Hold a purchase for asking, unless there is nothing to ask; return it as it was before."""
    purchase = _locked(transaction, key)
    if _is_asked(purchase):
        return purchase
    now = transaction.now
    if purchase.ask_end_time is not None and purchase.ask_end_time > now:
        raise AskedElsewhere
    purchases.write(transaction.connection, purchase._replace(ask_end_time=Instant(now + ASK_LEASE)))
    return purchase


def _let_go(transaction: Transaction, key: PurchaseKey) -> Purchase:
    purchase = _locked(transaction, key)._replace(ask_end_time=transaction.now)
    purchases.write(transaction.connection, purchase)
    return purchase


def _answered(transaction: Transaction, key: PurchaseKey, checkout: Checkout) -> Purchase:
    purchase = _locked(transaction, key)
    # One that was refused has perhaps something at the provider all the same, and nobody is to pay there.
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
