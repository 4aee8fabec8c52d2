"""Our client of Omise and the fake Omise understand each other, from the payment to the last dispute."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import pytest
from starlette.applications import Starlette

from creditd.development.fakes.deliveries import Mischief, Outgoing
from creditd.development.fakes.misbehaviour import Misbehaving
from creditd.development.fakes.omise import ASKING_TOKEN, DECLINED_TOKEN, FakeOmise
from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.payment_facts import Fact, merged
from creditd.domain.payments.payment_standing import Standing, standing
from creditd.domain.payments.provider import PaymentMethod
from creditd.domain.payments.purchase import PurchaseKey, PurchaseState
from creditd.payments.omise.provider import Omise, OmiseSettings
from creditd.payments.provider import CallFailed, CallRefused, Checkout, Order, Report, Webhook
from tests.payments.omise_payloads import NOW, PURCHASE, SECRET, order

PROMPTPAY, CARD, LINK = PaymentMethod.PROMPTPAY, PaymentMethod.CARD_TOKEN, PaymentMethod.LINK
URL = "http://fake.example"


class Both(NamedTuple):
    """The fake, its API, our client of it, and the webhooks that were sent."""

    fake: FakeOmise
    api: Misbehaving
    omise: Omise
    outgoing: Outgoing

    async def begun(self, asked: Order) -> tuple[Order, Checkout]:
        """Begin a payment, and return the order with its reference."""
        checkout = await self.omise.begin(asked)
        return asked._replace(reference=checkout.reference), checkout

    async def stands(self) -> Standing:
        """Say where the purchase stands by all webhooks sent so far, each read back now."""
        facts: list[Fact] = []
        for webhook in self.webhooks():
            report = await self.omise.interpret(self.omise.receive(webhook, NOW))
            facts += report.facts if isinstance(report, Report) else ()
        return standing(merged((), facts).values())

    def webhooks(self) -> Iterator[Webhook]:
        """Give the webhooks as they would arrive."""
        for delivery in self.outgoing.deliveries:
            headers, body = delivery.make()
            yield Webhook(body, {name.lower(): value for name, value in headers.items()})


@asynccontextmanager
async def both() -> AsyncIterator[Both]:
    outgoing = Outgoing()
    outgoing.mischief = Mischief(hold=True)
    fake = FakeOmise(URL, outgoing, SECRET)
    fake.clock = lambda: NOW / SECOND
    api = Misbehaving(Starlette(routes=fake.routes))
    settings = OmiseSettings("skey_test_fake", (SECRET,), URL, live=False)
    omise = Omise(settings, lambda: NOW, httpx.ASGITransport(api))
    try:
        yield Both(fake, api, omise, outgoing)
    finally:
        await omise.close()
        await outgoing.close()


def played(play: Callable[[Both], Awaitable[Any]]) -> Any:
    async def playing() -> Any:
        async with both() as actors:
            return await play(actors)

    return asyncio.run(playing())


@pytest.mark.parametrize("method", [PROMPTPAY, LINK])
def test_what_is_paid_is_told_by_webhook_by_look_and_by_list(method: PaymentMethod) -> None:
    async def play(actors: Both) -> None:
        asked, _ = await actors.begun(order(method))
        charge = actors.fake.pay(asked.reference)
        assert await actors.stands() == Standing(PurchaseState.COMPLETED, charge, 100_000, 0, 0, 0, "", "")
        (report,) = await actors.omise.inspect(asked)
        assert (report.price, report.live) == (Money(100_000, "THB"), False)
        (listed,) = [said async for said in actors.omise.recent(NOW)]
        assert isinstance(listed, Report)
        assert set(listed.references) & {asked.reference, charge}

    played(play)


def test_a_charge_names_its_purchase_and_a_link_is_known_by_its_reference() -> None:
    async def play(actors: Both) -> None:
        for method, name in ((PROMPTPAY, PURCHASE), (LINK, None)):
            other = PurchaseKey("alice", f"0190b5c2-7d3e-7a41-9c55-00000000000{method}")
            asked, _ = await actors.begun(order(method, name=other if method is LINK else PURCHASE))
            actors.fake.pay(asked.reference)
            (report,) = await actors.omise.inspect(asked)
            assert report.purchase == name
            assert asked.reference in report.references

    played(play)


def test_the_payer_of_a_qr_code_gets_an_image_of_it_until_it_ends() -> None:
    async def play(actors: Both) -> None:
        _, checkout = await actors.begun(order())
        assert checkout.expire_time == Instant(NOW + 86_400 * SECOND)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(actors.api)) as browser:
            image = await browser.get(checkout.qr_image_url)
        assert image.headers["content-type"] == "image/svg+xml"
        assert f"{URL}/pay/{checkout.reference}" in image.text

    played(play)


@pytest.mark.parametrize("method", [CARD, LINK])
def test_a_payer_pays_on_a_page(method: PaymentMethod) -> None:
    async def play(actors: Both) -> None:
        _, checkout = await actors.begun(order(method, **({"token": ASKING_TOKEN} if method is CARD else {})))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(actors.api)) as browser:
            assert "Pay" in (await browser.get(checkout.redirect_url)).text
            await browser.post(checkout.redirect_url, data={"act": "fail" if method is LINK else "pay"})
            await browser.post(checkout.redirect_url, data={"act": "pay"})
        assert (await actors.stands()).state is PurchaseState.COMPLETED

    played(play)


def test_a_card_is_charged_at_once_and_its_token_only_once() -> None:
    async def play(actors: Both) -> None:
        _, checkout = await actors.begun(order(CARD))
        assert not checkout.redirect_url
        assert (await actors.stands()).state is PurchaseState.COMPLETED
        with pytest.raises(CallRefused) as refusal:
            await actors.omise.begin(order(CARD, name=PurchaseKey("alice", "another")))
        assert refusal.value.code == "used_token"

    played(play)


def test_a_declined_card_is_refused_and_told_of() -> None:
    async def play(actors: Both) -> None:
        with pytest.raises(CallRefused) as refusal:
            await actors.omise.begin(order(CARD, token=DECLINED_TOKEN))
        assert refusal.value.code == "insufficient_fund"
        failed = await actors.stands()
        assert (failed.state, failed.failure_code) == (PurchaseState.FAILED, "insufficient_fund")

    played(play)


@pytest.mark.parametrize("method", [PROMPTPAY, LINK])
def test_what_was_begun_is_begun_once_and_found_again(method: PaymentMethod) -> None:
    async def play(actors: Both) -> None:
        assert await actors.omise.look_up(order(method)) is None
        first = await actors.omise.begin(order(method))
        assert await actors.omise.begin(order(method)) == first
        assert await actors.omise.look_up(order(method)) == first

    played(play)


@pytest.mark.parametrize("method", [PROMPTPAY, CARD, LINK])
@pytest.mark.parametrize("how", ["error", "busy", "html", "truncated"])
def test_what_was_made_without_a_sensible_answer_is_found_and_paid_once(method: PaymentMethod, how: str) -> None:
    async def play(actors: Both) -> None:
        actors.api.misbehave(how, times=1, after_work=True)
        with pytest.raises(CallFailed):
            await actors.omise.begin(order(method))
        found = await actors.omise.look_up(order(method))
        assert found is not None
        assert len(actors.fake.charges) + len(actors.fake.links) == 1
        if method is not CARD:
            actors.fake.pay(found.reference)
        assert (await actors.stands()).paid == 100_000

    played(play)


@pytest.mark.parametrize(("method", "state"), [(PROMPTPAY, PurchaseState.EXPIRED), (LINK, PurchaseState.CANCELLED)])
def test_what_is_cancelled_cannot_be_paid(method: PaymentMethod, state: PurchaseState) -> None:
    async def play(actors: Both) -> None:
        asked, _ = await actors.begun(order(method))
        await actors.omise.cancel(asked)
        await actors.omise.cancel(asked)
        with pytest.raises(ValueError, match=r"expired|deleted"):
            actors.fake.pay(asked.reference)
        assert (await actors.stands()).state is state

    played(play)


@pytest.mark.parametrize("method", [PROMPTPAY, LINK])
def test_what_is_paid_cannot_be_cancelled(method: PaymentMethod) -> None:
    async def play(actors: Both) -> None:
        asked, _ = await actors.begun(order(method))
        actors.fake.pay(asked.reference)
        with pytest.raises(CallRefused):
            await actors.omise.cancel(asked)

    played(play)


def refund_all_in_two(fake: FakeOmise, charge: str) -> None:
    fake.refund(charge, 30_000)
    fake.refund(charge)


def win(fake: FakeOmise, charge: str) -> None:
    fake.win_dispute(fake.open_dispute(charge))


def lose(fake: FakeOmise, charge: str) -> None:
    dispute = fake.open_dispute(charge)
    fake.answer_dispute(dispute)
    fake.lose_dispute(dispute)


@pytest.mark.parametrize(
    ("act", "returned"),
    [
        (lambda fake, charge: fake.refund(charge, 30_000), 30_000),
        (refund_all_in_two, 100_000),
        (FakeOmise.void, 100_000),
        (lambda fake, charge: fake.open_dispute(charge, 40_000), 40_000),
        (lose, 100_000),
        (win, 0),
    ],
)
def test_refunds_voids_and_disputes_take_money_back(act: Callable[[FakeOmise, str], Any], returned: int) -> None:
    async def play(actors: Both) -> None:
        asked, _ = await actors.begun(order(CARD))
        act(actors.fake, asked.reference)
        assert (await actors.stands()).returned == returned

    played(play)


def test_what_was_paid_by_promptpay_is_not_refunded() -> None:
    async def play(actors: Both) -> None:
        asked, _ = await actors.begun(order())
        actors.fake.pay(asked.reference)
        with pytest.raises(ValueError, match="cannot be refunded"):
            actors.fake.refund(asked.reference)

    played(play)


@pytest.mark.parametrize("satang", [1_999, 15_000_001])
def test_amounts_beyond_its_limits_are_refused_by_omise_itself(satang: int) -> None:
    async def play(actors: Both) -> None:
        with pytest.raises(CallRefused) as refusal:
            await actors.omise.begin(order(price=Money(satang, "THB")))
        assert refusal.value.code == "invalid_charge"

    played(play)
