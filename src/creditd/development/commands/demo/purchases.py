"""The story of dora, who buys credits through each provider and gets money back once. The providers are fake ones."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from credit.v1.money_pb2 import Money
from credit.v1.package_pb2 import Package
from credit.v1.payment_provider_pb2 import PaymentProvider
from credit.v1.purchase_pb2 import Purchase, PurchaseState
from creditd.cli.output import CommandFailure
from creditd.development.commands.demo.narrator import CREDIT_TYPE, Narrator, expect
from creditd.development.fakes.server import Fakes

PRICE_SATANG: Final = 9_900
CREDITS: Final = 90
BONUS: Final = 10

_PAUSE_SECONDS: Final = 0.1
_LOOKS: Final = 100


async def tell_of_purchases(narrator: Narrator, fakes: Fakes) -> None:
    """Tell it. Raises CommandFailure where something does not come about."""
    await _purchases(narrator, fakes)
    await _money_back(narrator, fakes)


async def _purchases(narrator: Narrator, fakes: Fakes) -> None:
    narrator.chapter("Credits are bought")
    package = Package(
        package_id="small",
        display_name="100 credits",
        price=Money(amount=PRICE_SATANG, currency="THB"),
        credit_type=CREDIT_TYPE,
        credits=CREDITS,
        bonus=BONUS,
    )
    await narrator.sell("CreatePackage", package=package)
    narrator.tell(
        f"A package is put on sale: {CREDITS} credits and {BONUS} more for {PRICE_SATANG / 100:.0f} baht. dora buys it "
        "through each of three providers, here fake ones. A purchase is pending until its provider says it is paid."
    )
    payers: Mapping[str, Callable[[str], object]] = {
        "STRIPE": fakes.stripe.pay,
        "OMISE": fakes.omise.pay,
        "LEMON_SQUEEZY": fakes.lemonsqueezy.pay,
    }
    bought = {}
    for provider, pay in payers.items():
        purchase = await _created(narrator, provider)
        pay(purchase.provider_reference)
        bought[provider] = await _in_state(narrator, purchase.name, PurchaseState.PURCHASE_STATE_COMPLETED)
    rows = [
        (provider.lower(), purchase.redirect_url or purchase.qr_image_url, purchase.credits_granted)
        for provider, purchase in bought.items()
    ]
    narrator.show(("provider", "where she paid", "credits"), rows)
    narrator.tell("Each payment came in by a signed webhook, and Omise's was read back from Omise itself.")
    await narrator.show_balance("dora", available=1 + 3 * (CREDITS + BONUS))


async def _money_back(narrator: Narrator, fakes: Fakes) -> None:
    narrator.chapter("Money back")
    (purchase,) = [p for p in await narrator.purchases("dora") if p.provider == PaymentProvider.PAYMENT_PROVIDER_STRIPE]
    narrator.tell("Stripe gives a third of one payment back. That share of its credits goes too, and no free credit.")
    fakes.stripe.refund(purchase.payment_id, PRICE_SATANG // 3)
    after = await _in_state(narrator, purchase.name, PurchaseState.PURCHASE_STATE_PARTIALLY_REFUNDED)
    expect(after.credits_reversed == (CREDITS + BONUS) // 3, "a third of the credits, rounded down")
    await narrator.show_balance("dora", available=1 + 3 * (CREDITS + BONUS) - after.credits_reversed)
    await narrator.show_ledger("dora")


async def _created(narrator: Narrator, provider: str) -> Purchase:
    answer = await narrator.buy(
        "CreatePurchase",
        account_id="dora",
        package_id="small",
        provider=PaymentProvider.Value(f"PAYMENT_PROVIDER_{provider}"),
        return_url="https://shop.example/thanks",
    )
    purchase: Purchase = answer.purchase
    expect(purchase.state == PurchaseState.PURCHASE_STATE_PENDING, "a new purchase is pending")
    return purchase


async def _in_state(narrator: Narrator, name: str, state: int) -> Purchase:
    """Return a purchase once it is in a state. Raises CommandFailure if it does not get there."""
    for _ in range(_LOOKS):
        purchase: Purchase = (await narrator.buy("GetPurchase", name=name)).purchase
        if purchase.state == state:
            return purchase
        await asyncio.sleep(_PAUSE_SECONDS)
    raise CommandFailure(f"{name} did not become {PurchaseState.Name(state)}")
