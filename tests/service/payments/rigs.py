"""A provider as the service knows it, before a fake one whose webhooks are kept for the test to deliver as it likes."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import httpx
from starlette.applications import Starlette

from creditd.development.fakes.deliveries import Make, Outgoing
from creditd.development.fakes.lemonsqueezy import PLAN_VARIANT_ID, STORE_ID, VARIANT_ID, FakeLemonSqueezy
from creditd.development.fakes.omise import FakeOmise
from creditd.development.fakes.stripe import FakeStripe
from creditd.domain.instant import Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.provider import PaymentMethod
from creditd.domain.payments.purchase import Purchase
from creditd.ledger.ids import uuid7
from creditd.payments.lemonsqueezy.provider import LemonSqueezy, LemonSqueezySettings
from creditd.payments.omise.provider import Omise, OmiseSettings
from creditd.payments.provider import PaymentProvider, Webhook
from creditd.payments.stripe.provider import Stripe, StripeSettings
from creditd.service.payments.cases import UnknownPayment
from creditd.service.payments.payment_requests import order_of
from tests.support.till import Till

SECRET = "fake" * 8
URL = "http://fake.example"
PRICE = Money(100_000, "THB")


class Letterbox:
    """Keeps the webhooks that a fake sends."""

    def __init__(self) -> None:
        """Start empty."""
        self.letters: list[tuple[Mapping[str, str], bytes]] = []

    def send(self, provider: str, make: Make) -> None:
        """Keep a webhook as it is now."""
        del provider
        headers, body = make()
        # As the adapter hands them on.
        self.letters.append(({header.lower(): value for header, value in headers.items()}, body))


class Rig(NamedTuple):
    """A provider and its fake; ``run`` runs what has to be awaited."""

    name: str
    provider: PaymentProvider
    fake: Any
    box: Letterbox
    run: Callable[[Any], Any]

    def begin(self, till: Till, account: str, method: PaymentMethod) -> Purchase:
        """Store a purchase and ask the provider for its payment."""
        purchase_id = uuid7()
        wanted = {
            "purchase_id": purchase_id,
            "provider": self.provider.provider,
            "method": int(method),
            "amount": PRICE.amount,
            "return_url": "https://shop.example/thanks",
        }
        draft = till.draft(account, **wanted, reference="")
        checkout = self.run(self.provider.begin(order_of(draft)))
        return till.order(account, **wanted, reference=checkout.reference)

    def deliver(self, till: Till, letters: list[tuple[Mapping[str, str], bytes]]) -> None:
        """Deliver webhooks in this order; what waits for a payment that is not known yet comes again later."""
        waiting = letters
        while waiting:
            left = [letter for letter in waiting if not self._is_taken(till, *letter)]
            assert len(left) < len(waiting), "what waits waits for ever"
            waiting = left

    def _is_taken(self, till: Till, headers: Mapping[str, str], body: bytes) -> bool:
        now = till.desk.clock.now()
        delivery = self.provider.receive(Webhook(body, headers), now)
        said = self.run(self.provider.interpret(delivery)) if delivery.is_of_interest else None
        try:
            if said is not None:
                till.say(said)
        except UnknownPayment:
            return False
        return True


@contextmanager
def rig_of(name: str) -> Iterator[Rig]:
    """Keep a rig until the block ends."""
    box = Letterbox()
    fake = _fake(name, box)
    provider = _provider(name, httpx.ASGITransport(Starlette(routes=fake.routes)))
    loop = asyncio.new_event_loop()
    try:
        yield Rig(name, provider, fake, box, loop.run_until_complete)
        loop.run_until_complete(provider.close())
    finally:
        loop.close()


def _fake(name: str, box: Letterbox) -> Any:
    fakes: dict[str, Callable[..., Any]] = {
        "stripe": FakeStripe,
        "omise": FakeOmise,
        "lemonsqueezy": FakeLemonSqueezy,
    }
    return fakes[name](URL, cast("Outgoing", box), SECRET)


def _provider(name: str, transport: httpx.ASGITransport) -> PaymentProvider:
    key, secrets = "sk_test_fake", (SECRET,)
    if name == "stripe":
        return Stripe(StripeSettings(key, secrets, URL, live=False), transport)
    if name == "omise":
        return Omise(OmiseSettings(key, secrets, URL, live=False), _now, transport)
    plans = (PLAN_VARIANT_ID,)
    settings = LemonSqueezySettings(key, secrets, URL, STORE_ID, VARIANT_ID, plans, live=False)
    return LemonSqueezy(settings, _now, transport)


def _now() -> Instant:
    return Instant(time.time_ns() // 1_000)
