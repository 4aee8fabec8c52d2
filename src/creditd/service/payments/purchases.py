"""Purchases: created and cancelled."""

from collections.abc import Callable
from typing import Final, NamedTuple

from creditd.domain.errors import InvalidField, Refusal
from creditd.domain.instant import Instant
from creditd.domain.payments.package import Package
from creditd.domain.payments.payment_errors import (
    PaymentNotSupported,
    ProviderRefused,
    ProviderUnavailable,
    PurchaseExpired,
    PurchaseNotFound,
    PurchasePaid,
)
from creditd.domain.payments.payment_facts import Fact, FactKind, PaymentStage
from creditd.domain.payments.provider import PaymentMethod, Provider
from creditd.domain.payments.purchase import STILL_OPEN, Purchase, PurchaseKey, PurchaseState, purchase_name
from creditd.domain.wallet import Origin
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.payments.limits import limits_of, limits_text
from creditd.payments.provider import CallFailed, CallRefused, PaymentProvider, Report
from creditd.service.payments.open_calls import OpenCall, OpenCalls
from creditd.service.payments.packages import on_sale
from creditd.service.payments.payment_requests import AskedElsewhere, PaymentRequests, order_of
from creditd.service.payments.providers import InThread, Providers
from creditd.service.payments.purchase_promos import PurchasePromos
from creditd.service.payments.recorder import FIRST_LOOK, Recorder
from creditd.service.promo.promo_claims import Offer
from creditd.storage import requests
from creditd.storage.database import Database
from creditd.storage.payments import packages, purchases
from creditd.storage.requests import ClaimKind, RequestKey

USUAL_METHOD: Final = {
    Provider.STRIPE: PaymentMethod.CHECKOUT,
    Provider.OMISE: PaymentMethod.PROMPTPAY,
    Provider.LEMON_SQUEEZY: PaymentMethod.CHECKOUT,
}


class Wanted(NamedTuple):
    """What a caller wants to buy, and how to pay. ``method`` is None for the provider's usual one.

    ``promo_code`` is as it was written; empty for none.
    """

    account_id: str
    package_id: str
    provider: Provider
    method: PaymentMethod | None
    card_token: str
    return_url: str
    promo_code: str = ""


class Purchases:
    """Creates purchases and cancels them."""

    def __init__(
        self,
        database: Database,
        ledger: TransactionLedger,
        providers: Providers,
        payment_requests: PaymentRequests,
        recorder: Recorder,
        clock: DatabaseClock,
        make_id: Callable[[], str],
        in_thread: InThread,
        promos: PurchasePromos,
    ) -> None:
        """Store purchases in ``database``, and ask for payments by ``payment_requests``."""
        self._promos = promos
        self._database = database
        self._ledger = ledger
        self._providers = providers
        self._payment_requests = payment_requests
        self._recorder = recorder
        self._clock = clock
        self._make_id = make_id
        self._in_thread = in_thread
        self._open_calls = OpenCalls()

    async def create(self, wanted: Wanted, origin: Origin) -> tuple[Purchase, bool]:
        """Record a purchase and ask its provider for a payment; tell whether the request id had created it before.

        Raises ProviderNotConfigured, AccountClosed, PackageNotFound, PackageRetired, PaymentNotSupported, InvalidField,
        RequestIdReused, Overloaded; ProviderRefused if the provider refused; ProviderUnavailable if the outcome is not
        known yet; the same request finds it out later. With a promo code also what ``PurchasePromos.claim`` raises, and
        PurchaseExpired if the provider could not be asked for a day.
        """
        provider = self._providers.get(wanted.provider)
        with self._open_calls.begun(provider.provider, wanted.account_id) as open_call:
            return await self._create(provider, wanted, origin, open_call)

    async def _create(
        self, provider: PaymentProvider, wanted: Wanted, origin: Origin, open_call: OpenCall
    ) -> tuple[Purchase, bool]:
        offer = await self._claim(provider, wanted, origin) if wanted.promo_code else None
        try:
            purchase, is_new = await self._in_thread(
                lambda: self._ledger.transact(lambda it: self._record(it, provider, wanted, origin, offer)),
                owner=wanted.account_id,
            )
        except Refusal:
            if offer is not None:
                await self._promos.drop(offer)
            raise
        if purchase.state in STILL_OPEN and not purchase.reference:
            purchase = await open_call.finished(self._ask(purchase, wanted.card_token))
        if purchase.state == PurchaseState.FAILED and not (purchase.redirect_url or purchase.qr_image_url):
            if offer is not None and not purchase.reference:
                # Nothing was begun, so the same code goes with the next try at once.
                await self._promos.drop(offer)
            raise ProviderRefused(code=purchase.failure_code, message=purchase.failure_message)
        return purchase, not is_new

    async def _claim(self, provider: PaymentProvider, wanted: Wanted, origin: Origin) -> Offer | None:
        method = wanted.method or USUAL_METHOD[wanted.provider]
        return await self._promos.claim(
            wanted.account_id,
            wanted.package_id,
            wanted.promo_code,
            provider.provider,
            origin,
            lambda package: _require_supported(provider, method, package, wanted),
        )

    async def _ask(self, purchase: Purchase, token: str) -> Purchase:
        if purchase.state == PurchaseState.FAILED:
            return purchase
        try:
            return await self._payment_requests.ask(purchase.key, token)
        except (AskedElsewhere, CallFailed) as error:
            raise ProviderUnavailable(provider=purchase.provider.name) from error

    async def finish(self, seconds: float) -> None:
        """Wait at most ``seconds`` for purchases whose callers have disconnected.

        Whatever is cut off then is resumed later: the purchase is stored, and its provider is searched before it is
        asked again.
        """
        await self._open_calls.finish(seconds)

    def _record(
        self,
        transaction: Transaction,
        provider: PaymentProvider,
        wanted: Wanted,
        origin: Origin,
        offer: Offer | None,
    ) -> tuple[Purchase, bool]:
        connection, request_id = transaction.connection, origin.request_id or ""
        account = transaction.hold(wanted.account_id)
        known = purchases.find_by_request(connection, wanted.account_id, request_id)
        if known and known.fingerprint == origin.fingerprint:
            return known, False
        transaction.claim(account, request_id, ClaimKind.PURCHASE)
        account.require_open()
        package = on_sale(packages.find(connection, wanted.package_id), wanted.package_id)
        if offer is not None:
            self._promos.require_first(transaction, offer)
        made = self._new(package, provider, wanted, origin, offer)
        purchases.add(connection, made)
        purchases.record(connection, made, origin.actor, "created")
        return made, True

    def _new(
        self, package: Package, provider: PaymentProvider, wanted: Wanted, origin: Origin, offer: Offer | None
    ) -> Purchase:
        package = offer.applied(package) if offer else package
        method = wanted.method or USUAL_METHOD[wanted.provider]
        _require_supported(provider, method, package, wanted)
        now = self._clock.now()
        return Purchase(
            account_id=wanted.account_id,
            purchase_id=offer.claim.purchase_id if offer else self._make_id(),
            version=1,
            request_id=origin.request_id or "",
            fingerprint=origin.fingerprint,
            provider=provider.provider,
            live=provider.live,
            method=int(method),
            return_url=wanted.return_url,
            package_id=package.package_id,
            display_name=package.display_name,
            amount=package.amount,
            currency=package.currency,
            credit_type=package.credit_type,
            credits=package.credits,
            bonus=package.bonus,
            state=PurchaseState.PENDING,
            reference="",
            redirect_url="",
            qr_image_url="",
            payment_expire_time=None,
            payment_id="",
            granted=0,
            reversed=0,
            grant_ids=(),
            paid=0,
            refunded=0,
            disputed=0,
            open_disputes=0,
            extra_payment_ids=(),
            extra_left=0,
            failure_code="",
            failure_message="",
            ask_end_time=None,
            polls=0,
            next_poll_time=Instant(now + FIRST_LOOK),
            create_time=now,
            update_time=now,
            promo_code=offer.code.code if offer else "",
            promo_discount=offer.discount if offer else 0,
            promo_bonus=offer.bonus if offer else 0,
        )

    async def cancel(self, key: PurchaseKey, origin: Origin) -> tuple[Purchase, bool]:
        """Cancel an unpaid purchase, also at its provider where that is possible.

        A cancelled one is left as it is. Return the purchase in its current state, and whether the request id had
        cancelled it before. Raises PurchaseNotFound, RequestIdReused, PurchasePaid, PurchaseExpired,
        ProviderUnavailable, Overloaded.
        """
        purchase, is_over, is_repeat = await self._in_thread(
            lambda: self._ledger.transact(lambda transaction: _look(transaction, key, origin)), owner=key.account_id
        )
        if not is_over:
            with self._open_calls.begun(purchase.provider, key.account_id) as open_call:
                purchase = await open_call.finished(self._cancel(purchase, origin))
        return purchase, is_repeat

    async def _cancel(self, purchase: Purchase, origin: Origin) -> Purchase:
        provider = self._providers.get(purchase.provider)
        try:
            if not purchase.reference and purchase.ask_end_time is not None:
                purchase = await self._payment_requests.look(purchase.key)
            if purchase.reference:
                await provider.cancel(order_of(purchase))
        except (AskedElsewhere, CallFailed) as error:
            raise ProviderUnavailable(provider=purchase.provider.name) from error
        except CallRefused as refusal:
            raise PurchasePaid(purchase=purchase.name, state=purchase.state.name) from refusal
        fact = Fact(FactKind.PAYMENT, purchase.purchase_id, PaymentStage.CANCELLED, 0)
        report = Report(purchase.provider, purchase.live, (), purchase.key, None, (fact,))
        await self._in_thread(lambda: self._recorder.record(report, origin.actor, origin.reason or "cancelled"))
        return await self._in_thread(lambda: self._find(purchase.key))

    def _find(self, key: PurchaseKey) -> Purchase:
        with self._database.autocommit() as connection:
            found = purchases.find(connection, key)
        if found is None:
            raise PurchaseNotFound(purchase=purchase_name(key))
        return found


def _look(transaction: Transaction, key: PurchaseKey, origin: Origin) -> tuple[Purchase, bool, bool]:
    """Claim the request id for the cancellation of a purchase, before its provider is asked.

    Return the purchase, whether nothing is left to do, and whether the id was claimed for this before. Raises
    PurchaseNotFound, RequestIdReused, PurchasePaid, PurchaseExpired.
    """
    account = transaction.hold(key.account_id)
    purchase = purchases.find(transaction.connection, key)
    if purchase is None:
        raise PurchaseNotFound(purchase=purchase_name(key))
    request = RequestKey(key.account_id, origin.request_id or "")
    if requests.is_repeat(transaction.connection, request, origin.fingerprint):
        # If it has expired meanwhile, this very request made the provider expire it.
        return purchase, purchase.state not in {*STILL_OPEN, PurchaseState.EXPIRED}, True
    if purchase.state == PurchaseState.EXPIRED:
        raise PurchaseExpired(purchase=purchase.name)
    if purchase.state not in {*STILL_OPEN, PurchaseState.CANCELLED}:
        raise PurchasePaid(purchase=purchase.name, state=purchase.state.name)
    transaction.claim(account, request.request_id, ClaimKind.CANCELLATION, origin.fingerprint)
    return purchase, purchase.state == PurchaseState.CANCELLED, False


def _require_supported(provider: PaymentProvider, method: PaymentMethod, package: Package, wanted: Wanted) -> None:
    """Raise PaymentNotSupported for what the provider does not take; InvalidField for a missing field."""
    if method not in provider.methods:
        raise PaymentNotSupported(field="method", rule=", ".join(sorted(m.name for m in provider.methods)))
    _require_stated(provider, method, wanted)
    if provider.currencies is not None and package.currency not in provider.currencies:
        raise PaymentNotSupported(field="package_id", rule=f"prices in {', '.join(sorted(provider.currencies))}")
    limits = limits_of(provider.provider, package.currency)
    if not limits.takes(package.amount):
        raise PaymentNotSupported(
            field="package_id",
            rule=limits_text(provider.provider, package.currency),
            provider=provider.provider.name,
            currency=package.currency,
            minimum=limits.minimum,
            maximum=limits.maximum,
        )


def _require_stated(provider: PaymentProvider, method: PaymentMethod, wanted: Wanted) -> None:
    """Raise InvalidField for a field that this method requires, or does not use."""
    way = f"{method.name} by {provider.provider.name}"
    if method in provider.returning and not wanted.return_url:
        raise InvalidField(field="return_url", rule=f"required for {way}")
    if method is PaymentMethod.CARD_TOKEN and not wanted.card_token:
        raise InvalidField(field="card_token", rule=f"required for {way}")
    if method is not PaymentMethod.CARD_TOKEN and wanted.card_token:
        raise InvalidField(field="card_token", rule=f"only for CARD_TOKEN, not for {way}")
