"""The adapter and the fake Stripe, against each other: webhooks, look and list tell the same of every story."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import httpx
import pytest
from starlette.applications import Starlette

from creditd.development.fakes.deliveries import Outgoing
from creditd.development.fakes.stripe import FakeStripe
from creditd.domain.payments.payment_facts import Fact, merged
from creditd.domain.payments.payment_standing import Standing, standing
from creditd.domain.payments.purchase import PurchaseState
from creditd.payments.provider import CallRefused, Report, Said, Webhook
from creditd.payments.stripe.provider import Stripe, StripeSettings
from tests.payments.stripe_payloads import NAME, NOW, ORDER, SECONDS, SECRET

Story = Callable[[FakeStripe, str], object]


class Shop:
    """A fake Stripe, the adapter that calls it, and what the fake sent so far."""

    def __init__(self) -> None:
        self.outgoing = Outgoing()
        self.fake = FakeStripe("http://fake.invalid", self.outgoing, SECRET)
        self.fake.clock = lambda: SECONDS
        self.app = httpx.ASGITransport(Starlette(routes=self.fake.routes))
        self.stripe = Stripe(StripeSettings("sk_test_fake", (SECRET,), "http://fake.invalid", live=False), self.app)

    async def told(self) -> list[Said | None]:
        """Return what the webhooks tell."""
        said = []
        for delivery in self.outgoing.deliveries:
            headers, body = delivery.make()
            webhook = Webhook(body, {name.lower(): value for name, value in headers.items()})
            said.append(await self.stripe.interpret(self.stripe.receive(webhook, NOW)))
        return said

    async def close(self) -> None:
        """Stop both."""
        await self.stripe.close()
        await self.outgoing.close()


def in_shop(test: Callable[[Shop], Awaitable[None]]) -> None:
    async def run() -> None:
        shop = Shop()
        try:
            await test(shop)
        finally:
            await shop.close()

    asyncio.run(run())


def standing_after(said: Iterable[Said | None]) -> Standing:
    facts: Iterable[Fact] = ()
    for report in said:
        if report:
            assert isinstance(report, Report)
            facts = merged(facts, report.facts).values()
    return standing(list(facts))


def refund_twice_and_fail_one(fake: FakeStripe, session: str) -> None:
    fake.pay(session)
    fake.fail_refund(fake.refund(session, 500))
    fake.refund(session, 300)


def lose_a_dispute(fake: FakeStripe, session: str) -> None:
    dispute = fake.open_dispute(fake.pay(session))
    fake.withdraw(dispute)
    fake.close_dispute(dispute)


def win_a_dispute(fake: FakeStripe, session: str) -> None:
    dispute = fake.open_dispute(fake.pay(session))
    fake.withdraw(dispute)
    fake.close_dispute(dispute, "won")
    fake.reinstate(dispute)


def only_ask(fake: FakeStripe, session: str) -> None:
    fake.close_dispute(fake.open_dispute(fake.pay(session), inquiry=True), "warning_closed")


STORIES: dict[str, tuple[Story, PurchaseState, int]] = {
    "nothing": (lambda _fake, _session: None, PurchaseState.PENDING, 0),
    "paid": (lambda fake, session: fake.pay(session), PurchaseState.COMPLETED, 0),
    "on its way": (lambda fake, session: fake.pay(session, slowly=True), PurchaseState.PENDING, 0),
    "arrived": (
        lambda fake, session: (fake.pay(session, slowly=True), fake.pay(session)),
        PurchaseState.COMPLETED,
        0,
    ),
    "never arrived": (
        lambda fake, session: (fake.pay(session, slowly=True), fake.fail(session)),
        PurchaseState.FAILED,
        0,
    ),
    "failed": (lambda fake, session: fake.fail(session), PurchaseState.FAILED, 0),
    "failed, then paid": (
        lambda fake, session: (fake.fail(session), fake.pay(session)),
        PurchaseState.COMPLETED,
        0,
    ),
    "expired": (lambda fake, session: fake.expire(session), PurchaseState.EXPIRED, 0),
    "refunded": (lambda fake, session: fake.refund(fake.pay(session)), PurchaseState.REFUNDED, 1000),
    "one refund failed": (refund_twice_and_fail_one, PurchaseState.PARTIALLY_REFUNDED, 300),
    "dispute lost": (lose_a_dispute, PurchaseState.COMPLETED, 1000),
    "dispute won": (win_a_dispute, PurchaseState.COMPLETED, 0),
    "inquiry": (only_ask, PurchaseState.COMPLETED, 0),
}


@pytest.mark.parametrize("name", STORIES)
def test_webhooks_look_and_list_tell_the_same(name: str) -> None:
    story, state, returned = STORIES[name]

    async def test(shop: Shop) -> None:
        checkout = await shop.stripe.begin(ORDER)
        story(shop.fake, checkout.reference)
        stands = standing_after(await shop.told())
        assert (stands.state, stands.returned) == (state, returned)
        made = ORDER._replace(reference=checkout.reference)
        assert standing_after(await shop.stripe.inspect(made)) == stands
        assert standing_after([said async for said in shop.stripe.recent(NOW)]) == stands

    in_shop(test)


def test_asking_again_makes_no_second_session() -> None:
    async def test(shop: Shop) -> None:
        assert await shop.stripe.look_up(ORDER) is None
        first = await shop.stripe.begin(ORDER)
        assert await shop.stripe.begin(ORDER) == first
        assert await shop.stripe.look_up(ORDER) == first
        assert len(shop.fake.sessions) == 1

    in_shop(test)


def test_the_same_key_with_another_call_is_refused() -> None:
    async def test(shop: Shop) -> None:
        await shop.stripe.begin(ORDER)
        with pytest.raises(CallRefused) as refused:
            await shop.stripe.begin(ORDER._replace(description="something else"))
        assert refused.value.code == "idempotency_error"

    in_shop(test)


def test_a_session_is_found_among_more_than_a_page_of_others() -> None:
    async def test(shop: Shop) -> None:
        mine = await shop.stripe.begin(ORDER)
        for number in range(150):
            await shop.stripe.begin(ORDER._replace(name=NAME._replace(purchase_id=f"other-{number}")))
        assert await shop.stripe.look_up(ORDER) == mine

    in_shop(test)


def test_a_session_is_cancelled_once_and_again_but_not_when_it_is_paid() -> None:
    async def test(shop: Shop) -> None:
        checkout = await shop.stripe.begin(ORDER)
        made = ORDER._replace(reference=checkout.reference)
        await shop.stripe.cancel(made)
        await shop.stripe.cancel(made)
        assert standing_after(await shop.told()).state is PurchaseState.EXPIRED
        paid = await shop.stripe.begin(ORDER._replace(name=NAME._replace(purchase_id="other")))
        shop.fake.pay(paid.reference)
        with pytest.raises(CallRefused):
            await shop.stripe.cancel(made._replace(reference=paid.reference))

    in_shop(test)


def test_a_payer_fails_and_pays_on_the_page() -> None:
    async def test(shop: Shop) -> None:
        checkout = await shop.stripe.begin(ORDER._replace(description="<b>100</b> credits"))
        async with httpx.AsyncClient(transport=shop.app) as payer:
            page = await payer.get(checkout.redirect_url)
            assert "&lt;b&gt;100&lt;/b&gt; credits" in page.text
            failed = await payer.post(checkout.redirect_url, data={"act": "fail"})
            assert "Try again" in failed.text
            paid = await payer.post(checkout.redirect_url, data={"act": "pay"})
            assert (paid.status_code, paid.headers["location"]) == (303, ORDER.return_url)
        assert standing_after(await shop.told()).state is PurchaseState.COMPLETED

    in_shop(test)


def test_acts_that_make_no_sense_are_refused() -> None:
    async def test(shop: Shop) -> None:
        session = (await shop.stripe.begin(ORDER)).reference
        with pytest.raises(ValueError, match="not paid"):
            shop.fake.refund(session)
        shop.fake.pay(session)
        for act in (shop.fake.pay, shop.fake.fail, shop.fake.expire):
            with pytest.raises(ValueError, match="complete"):
                act(session)
        with pytest.raises(ValueError, match="1000 is left"):
            shop.fake.refund(session, 1001)

    in_shop(test)


def test_the_fake_takes_no_call_without_a_key() -> None:
    async def test(shop: Shop) -> None:
        async with httpx.AsyncClient(transport=shop.app, base_url="http://fake.invalid") as anybody:
            assert (await anybody.get("/v1/events")).status_code == 401

    in_shop(test)
