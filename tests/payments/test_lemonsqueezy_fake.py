"""The fake Lemon Squeezy and our client understand each other, over its API and its signed webhooks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from creditd.development.fakes.deliveries import Outgoing
from creditd.development.fakes.lemonsqueezy import PLAN_VARIANT_ID, STORE_ID, VARIANT_ID, FakeLemonSqueezy
from creditd.development.fakes.lemonsqueezy_objects import PERIOD, time_after
from creditd.domain.instant import Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.payment_facts import Fact, merged
from creditd.domain.payments.payment_standing import Standing, standing
from creditd.domain.payments.purchase import PurchaseState
from creditd.domain.payments.subscription import Entitlement, Subscription, entitlement, newer
from creditd.payments.documents import instant_in
from creditd.payments.lemonsqueezy.provider import LemonSqueezy, LemonSqueezySettings
from creditd.payments.provider import CallRefused, Order, Report, Said, Webhook
from tests.payments.lemonsqueezy_payloads import NOW, ORDER, SECRET


def now() -> Instant:
    time = instant_in({"now": time_after(datetime.now(UTC))}, "now")
    assert time is not None
    return time


@dataclass
class Shop:
    """The fake, a client of it, and a browser."""

    fake: FakeLemonSqueezy
    outgoing: Outgoing
    provider: LemonSqueezy
    browser: httpx.AsyncClient
    order: Order

    async def buy(self) -> str:
        """Make a checkout, and return its id."""
        checkout = await self.provider.begin(self.order)
        self.order = self.order._replace(reference=checkout.reference)
        return checkout.reference

    async def told(self) -> list[Said]:
        """Return what the webhooks sent so far tell."""
        said = []
        for delivery in self.outgoing.deliveries:
            headers, body = delivery.make()
            taken = self.provider.receive(Webhook(body, headers), NOW)
            said.append(await self.provider.interpret(taken) if taken.is_of_interest else None)
        return [one for one in said if one is not None]

    async def stands(self) -> Standing:
        """Return where the purchase stands."""
        facts: dict[Any, Fact] = {}
        for said in await self.told():
            assert isinstance(said, Report)
            assert (said.price, said.purchase, said.live) == (self.order.price, self.order.name, False)
            facts = merged(facts.values(), said.facts)
        return standing(facts.values())

    async def plan(self, at: Instant | None = None) -> Entitlement:
        """Return the plan of an account with one subscription."""
        known: Subscription | None = None
        for said in await self.told():
            assert isinstance(said, Subscription)
            assert said.account_id == "alice"
            known = newer(known, said)
        return entitlement([known] if known else [], at or now())


@asynccontextmanager
async def shop_open() -> AsyncIterator[Shop]:
    outgoing = Outgoing()
    fake = FakeLemonSqueezy("http://fake", outgoing, SECRET)
    transport = httpx.ASGITransport(Starlette(routes=fake.routes))
    plan_variant_ids = (PLAN_VARIANT_ID,)
    settings = LemonSqueezySettings("key", (SECRET,), "http://fake", STORE_ID, VARIANT_ID, plan_variant_ids, live=False)
    provider = LemonSqueezy(settings, now, transport)
    order = ORDER._replace(price=Money(999, "THB"), create_time=now(), reference="")
    async with httpx.AsyncClient(transport=transport) as browser:
        yield Shop(fake, outgoing, provider, browser, order)
    await outgoing.close()


def run(visit: Callable[[Shop], Awaitable[None]]) -> None:
    async def visiting() -> None:
        async with shop_open() as shop:
            await visit(shop)

    asyncio.run(visiting())


@pytest.mark.parametrize(("tax_percent", "tax_inclusive"), [(0, False), (7, False), (7, True)])
def test_what_is_paid_and_given_back_in_parts_arrives(tax_percent: int, *, tax_inclusive: bool) -> None:
    async def visit(shop: Shop) -> None:
        shop.fake.sell_on("THB", tax_percent, tax_inclusive=tax_inclusive)
        order_id = shop.fake.pay(await shop.buy())
        paid = await shop.stands()
        assert (paid.state, paid.refunded) == (PurchaseState.COMPLETED, 0)
        shop.fake.refund(order_id, 300)
        assert await shop.stands() == paid._replace(state=PurchaseState.PARTIALLY_REFUNDED, refunded=300)
        shop.fake.refund(order_id)
        assert await shop.stands() == paid._replace(state=PurchaseState.REFUNDED, refunded=paid.paid)

    run(visit)


def test_a_discounted_order_has_another_price() -> None:
    async def visit(shop: Shop) -> None:
        shop.fake.pay(await shop.buy(), discount=100)
        [said] = await shop.told()
        assert isinstance(said, Report)
        assert said.price == Money(899, "THB")

    run(visit)


def test_a_browser_pays_on_the_page_and_goes_back_to_the_shop() -> None:
    async def visit(shop: Shop) -> None:
        url = (await shop.provider.begin(shop.order)).redirect_url
        assert "9.99 THB" in (await shop.browser.get(url)).text
        paid = await shop.browser.post(url)
        assert (paid.status_code, paid.headers["location"]) == (303, ORDER.return_url)
        assert (await shop.stands()).state is PurchaseState.COMPLETED

    run(visit)


def test_a_checkout_of_unknown_outcome_is_found_again() -> None:
    async def visit(shop: Shop) -> None:
        assert await shop.provider.look_up(shop.order) is None
        checkout = await shop.provider.begin(shop.order)
        assert await shop.provider.look_up(shop.order) == checkout

    run(visit)


def test_a_payment_without_a_webhook_is_found() -> None:
    async def visit(shop: Shop) -> None:
        checkout_id = await shop.buy()
        assert await shop.provider.inspect(shop.order) == []
        order_id = shop.fake.pay(checkout_id)
        [seen] = await shop.provider.inspect(shop.order)
        [listed] = [said async for said in shop.provider.recent(shop.order.create_time)]
        assert seen == listed
        assert (seen.purchase, seen.suggested) == (None, shop.order.name)
        assert seen.references[0] == f"order:{order_id}"

    run(visit)


def test_a_checkout_from_long_ago_has_expired_and_takes_no_payment() -> None:
    async def visit(shop: Shop) -> None:
        shop.order = shop.order._replace(create_time=NOW)
        checkout_id = await shop.buy()
        [seen] = await shop.provider.inspect(shop.order)
        assert standing(seen.facts).state is PurchaseState.EXPIRED
        with pytest.raises(ValueError, match="expired"):
            shop.fake.pay(checkout_id)
        assert (await shop.browser.post(f"http://fake/checkout/custom/{checkout_id}")).status_code == 410

    run(visit)


def test_the_store_refuses_no_key_no_price_and_sells_in_its_own_currency() -> None:
    async def visit(shop: Shop) -> None:
        assert (await shop.browser.get("http://fake/v1/orders")).status_code == 401
        with pytest.raises(CallRefused, match="positive"):
            await shop.provider.begin(shop.order._replace(price=Money(0, "THB")))
        with pytest.raises(CallRefused, match="currency"):
            await shop.provider.begin(shop.order._replace(price=Money(999, "USD")))

    run(visit)


def test_no_more_is_given_back_than_was_paid() -> None:
    async def visit(shop: Shop) -> None:
        order_id = shop.fake.pay(await shop.buy())
        with pytest.raises(ValueError, match="999 is left"):
            shop.fake.refund(order_id, 1_000)

    run(visit)


def test_the_plan_follows_the_life_of_a_subscription() -> None:
    async def visit(shop: Shop) -> None:
        fake, until = shop.fake, Instant(now() + 2 * PERIOD.days * 86_400_000_000)
        one = fake.subscribe("alice", trial=True)
        life: list[tuple[Callable[[], None], bool]] = [
            (lambda: fake.renew(one), True),
            (lambda: fake.fail_payment(one), True),
            (lambda: fake.give_payment_up(one), False),
            (lambda: fake.recover_payment(one), True),
            (lambda: fake.pause(one), False),
            (lambda: fake.unpause(one), True),
            (lambda: fake.pause(one, "free"), True),
            (lambda: fake.unpause(one), True),
            (lambda: fake.change_plan(one, VARIANT_ID), False),
            (lambda: fake.change_plan(one, PLAN_VARIANT_ID), True),
            (lambda: fake.refund_payment(one), True),
            (lambda: fake.cancel_subscription(one), True),
            (lambda: fake.resume(one), True),
            (lambda: fake.expire(one), False),
        ]
        assert (await shop.plan()).unlimited
        for act, has_plan in life:
            act()
            assert (await shop.plan()).unlimited is has_plan
        fake.cancel_subscription(one)
        assert (await shop.plan()).until is not None
        assert not (await shop.plan(until)).unlimited

    run(visit)


def test_a_subscription_is_listed_without_its_account() -> None:
    async def visit(shop: Shop) -> None:
        before = now()
        subscription_id = shop.fake.subscribe("alice")
        [said] = [said async for said in shop.provider.recent(before)]
        assert isinstance(said, Subscription)
        assert (said.subscription_id, said.account_id) == (subscription_id, "")

    run(visit)
