"""Omise without a webhook secret: anybody may send its hints, and nobody else waits or pays for what is made up."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import httpx
import psycopg
import pytest

from credit.v1 import webhook_service_pb2 as webhook_pb
from credit.v1.payment_provider_pb2 import PaymentMethod
from creditd.domain.payments.provider import Provider
from creditd.payments.provider import Delivery
from creditd.service.payments import hints
from creditd.service.payments.hints import Pace
from tests.contract.payments.shopper import Shopper
from tests.support.market import OMISE, SECONDS, Market, open_market
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.signed_webhooks import body_of, ingesting, new_id, omise_event

FORGED = 5 * hints.STRANGE_AT_ONCE
"""Far more than are taken from anybody; three thousand of them are a trouble of the long battery."""

CONNECTIONS = 50
ADDRESSES = 50

CARD, LINK = PaymentMethod.PAYMENT_METHOD_CARD_TOKEN, PaymentMethod.PAYMENT_METHOD_LINK

Hint = dict[str, Any]

_TRIED = "SELECT count(*) FROM payment_hints WHERE tries < %s"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Open a market whose Omise has no webhook secret; nothing comes by polling."""
    settings = {"omise_webhook_secrets": (), "payment_poll_interval_seconds": 3_600.0}
    with open_market(tmp_path_factory.mktemp("unsigned"), **settings) as market:
        yield market


@pytest.fixture
def staff(market: Market) -> SimpleNamespace:
    """Return the stubs of an administrator."""
    return market.staff


@pytest.fixture(autouse=True)
def stranger(market: Market) -> None:
    """Have it be long ago that anybody sent a hint."""
    taken = market.service.server.credit.payments.inbox._hints
    taken._of_all = Pace(hints.STRANGE_A_SECOND, hints.STRANGE_AT_ONCE)
    taken._of_one = Pace(hints.STRANGE_OF_ONE_A_SECOND, hints.STRANGE_OF_ONE_AT_ONCE)


def stop_time(market: Market) -> None:
    """Have no time pass for the pace, so that what is counted does not depend on how fast the machine is."""
    taken = market.service.server.credit.payments.inbox._hints
    taken._of_all = Pace(hints.STRANGE_A_SECOND, hints.STRANGE_AT_ONCE, lambda: 1_000.0)
    taken._of_one = Pace(hints.STRANGE_OF_ONE_A_SECOND, hints.STRANGE_OF_ONE_AT_ONCE, lambda: 1_000.0)


def of_charge(charge_id: str, key: str = "charge.complete", **data: Any) -> Hint:
    """Return an event about a charge."""
    return omise_event(key, {"object": "charge", "id": charge_id, "paid": True, "status": "successful", **data})


def made_up() -> Hint:
    """Return an event about a charge that there is not."""
    return of_charge(new_id("chrg_test"))


def told(market: Market, *told: Hint, address: str = "192.0.2.1") -> list[str]:
    """Tell the service as the adapter does; return the results, or why there is none, in a word each."""
    return [_told(market, one, address) for one in told]


def _told(market: Market, one: Hint, address: str) -> str:
    request = ingesting(OMISE, body_of(one), {})
    request.remote_address = address
    try:
        result = market.staff.webhook.IngestWebhook(request).result
    except Exception as error:  # noqa: BLE001 - read again by its details.
        del error
        return refused(market.staff.webhook.IngestWebhook, request).reason
    return webhook_pb.IngestResult.Name(result).removeprefix("INGEST_RESULT_")


def post_all(market: Market, sent: list[Hint], address_of: Callable[[int], str]) -> Counter[int]:
    """Send hints over HTTP, from the addresses that a proxy names; return how often each status was answered."""

    async def post_them() -> Counter[int]:
        limits = httpx.Limits(max_connections=CONNECTIONS)
        turns = asyncio.Semaphore(CONNECTIONS)
        async with httpx.AsyncClient(base_url=market.webhooks_url, limits=limits, timeout=SECONDS) as sender:

            async def post(number: int) -> int:
                async with turns:
                    headers = {"x-forwarded-for": address_of(number)}
                    answer = await sender.post("/webhooks/omise", content=body_of(sent[number]), headers=headers)
                    return answer.status_code

            return Counter(await asyncio.gather(*map(post, range(len(sent)))))

    return asyncio.run(post_them())


def count(market: Market, query: str, *values: object) -> int:
    """Return what a query counts."""
    with psycopg.connect(market.service.config.database_url) as connection:
        (found,) = connection.execute(query.encode(), values).fetchone() or (0,)
        return int(found)


def kept(market: Market) -> int:
    """Return how many hints wait for Omise's word."""
    return count(market, "SELECT count(*) FROM payment_hints")


def events(market: Market) -> int:
    """Return how many events of Omise's are stored."""
    return count(market, "SELECT count(*) FROM payment_events WHERE provider = 2")


def bought(market: Market, shopper: Shopper, **fields: Any) -> Any:
    """Buy something that is not paid yet, and wait until Omise's word on it has come."""
    before = events(market)
    purchase = shopper.buy(OMISE, **fields)
    eventually(lambda: events(market) == before + 1, SECONDS)
    shopper.quiet()
    return purchase


class Noted(dict[str, Any]):
    """The charges of the fake, which notes the ids that it is asked for by its API."""

    def __init__(self, charges: dict[str, Any]) -> None:
        """Hold the same charges."""
        super().__init__(charges)
        self.asked: list[str] = []

    def __contains__(self, charge_id: object) -> bool:
        """Note what is asked for."""
        self.asked.append(str(charge_id))
        return super().__contains__(charge_id)


@pytest.fixture
def charges(market: Market) -> Noted:
    """Note what Omise is asked for."""
    noted = Noted(market.fakes.omise.charges)
    market.fakes.omise.charges = noted
    return noted


@pytest.mark.requirement("E2", "J5")
@pytest.mark.parametrize(
    ("address_of", "most"),
    [
        (lambda _: "198.51.100.7", hints.STRANGE_OF_ONE_AT_ONCE),
        (lambda number: f"2001:db8::{number:x}", hints.STRANGE_OF_ONE_AT_ONCE),
        (lambda number: f"198.51.100.{number % ADDRESSES}", hints.STRANGE_AT_ONCE),
    ],
    ids=["one address", "one network", "many addresses"],
)
def test_a_flood_of_forged_hints_leaves_no_row_and_few_look_ups(
    market: Market, shopper: Shopper, charges: Noted, address_of: Callable[[int], str], most: int
) -> None:
    purchase = bought(market, shopper)
    before = events(market)
    stop_time(market)
    flood = [made_up() for _ in range(FORGED)]
    # In the middle of the flood comes what pays, from wherever Omise sends.
    middle = FORGED // 2
    answers = post_all(market, flood[:middle], address_of)
    charges.asked.clear()
    shopper.pay(purchase)
    answers += post_all(market, flood[middle:], address_of)
    shopper.becomes(purchase.name, "COMPLETED")
    eventually(lambda: kept(market) == 0, SECONDS)
    assert answers[200] + answers[503] == FORGED
    assert 0 < answers[200] <= most
    looked_up = [one for one in charges.asked if one != purchase.provider_reference]
    assert len(looked_up) <= most
    assert events(market) == before
    assert count(market, "SELECT count(*) FROM rejected_webhooks WHERE provider = 2") <= 2


@pytest.mark.requirement("J5")
def test_a_hint_about_ours_is_taken_however_many_strange_ones_have_come(market: Market, shopper: Shopper) -> None:
    purchase = bought(market, shopper)
    stop_time(market)
    post_all(market, [made_up() for _ in range(FORGED)], lambda number: f"198.51.100.{number % ADDRESSES}")
    assert told(market, made_up()) == ["OVERLOADED"]
    assert told(market, of_charge(purchase.provider_reference)) == ["DUPLICATE"]
    eventually(lambda: kept(market) == 0, SECONDS)


@pytest.mark.requirement("J5")
def test_while_omise_is_asked_about_strange_ones_ours_is_read(
    market: Market, shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for what somebody made up: its look-ups are no part of the queue."""
    purchase = shopper.buy(OMISE)
    shopper.quiet()
    held: Future[None] = Future()
    unsigned = market.service.server.credit.payments._hint_workers[Provider.OMISE]._unsigned
    is_real, asking = unsigned.is_real, []

    async def hold(delivery: Delivery) -> bool:
        asking.append(delivery.key)
        await asyncio.wrap_future(held)
        return await is_real(delivery)

    monkeypatch.setattr(unsigned, "is_real", hold)
    told(market, *(made_up() for _ in range(hints.STRANGE_OF_ONE_AT_ONCE)))
    eventually(lambda: asking)
    shopper.pay(purchase)
    shopper.becomes(purchase.name, "COMPLETED")
    assert len(asking) <= hints.HINTS_AT_A_TIME
    held.set_result(None)
    eventually(lambda: kept(market) == 0, SECONDS)


def test_hints_about_one_charge_of_ours_are_one_row_whatever_ids_they_claim(market: Market, shopper: Shopper) -> None:
    purchase = bought(market, shopper)
    before = events(market)
    answers = told(market, *(of_charge(purchase.provider_reference) for _ in range(50)))
    assert set(answers) == {"DUPLICATE"}
    assert events(market) == before
    shopper.pay(purchase)
    shopper.becomes(purchase.name, "COMPLETED")


@pytest.mark.requirement("E2")
def test_a_made_up_charge_of_a_link_of_ours_is_no_way_past_the_queue(
    market: Market, shopper: Shopper, charges: Noted
) -> None:
    """The link is read, once in a while; the charges that it is said to have are not."""
    purchase = shopper.buy(OMISE, method=LINK)
    shopper.quiet()
    before = events(market)
    forged = [of_charge(new_id("chrg_test"), link=purchase.provider_reference) for _ in range(50)]
    told(market, *forged)
    assert events(market) <= before + 1
    assert {one["data"]["id"] for one in forged}.isdisjoint(charges.asked)
    shopper.pay(purchase)
    shopper.becomes(purchase.name, "COMPLETED")


def test_what_means_nothing_to_credits_leaves_nothing(market: Market) -> None:
    before = events(market)
    assert told(market, *(omise_event("customer.create", {}) for _ in range(50))) == ["NOT_OF_INTEREST"] * 50
    assert (events(market), kept(market)) == (before, 0)


@pytest.mark.requirement("E7")
def test_what_is_of_the_other_mode_is_rejected_and_no_persons_to_look_at(market: Market) -> None:
    before = events(market)
    live = omise_event("charge.complete", {"object": "charge", "id": new_id("chrg")}, live=True)
    assert told(market, live) == ["WEBHOOK_REJECTED"]
    assert (events(market), kept(market)) == (before, 0)


@pytest.mark.requirement("E2")
def test_a_real_payment_that_nobody_knows_is_filed_once_omise_knows_it(market: Market) -> None:
    """The same account at Omise sells other things as well."""
    charge = market.act(lambda: market.fakes.omise._make_charge(amount=5_000, status="successful", paid=True))
    assert told(market, of_charge(charge["id"])) == ["STORED"]
    found = "SELECT count(*) FROM payment_events WHERE delivery_key = %s AND state = 6"
    eventually(lambda: count(market, found, charge["id"]) == 1, SECONDS)
    assert told(market, of_charge(charge["id"])) == ["STORED"]
    eventually(lambda: kept(market) == 0, SECONDS)
    assert count(market, found.partition(" AND state")[0], charge["id"]) == 1


def test_what_comes_after_the_payment_is_heard_too(market: Market, shopper: Shopper) -> None:
    """A refund is told of the charge whose payment was applied, a dispute by an id that nobody knows."""
    purchase = shopper.buy(OMISE, method=CARD, card_token=f"tokn_test_{new_id('x')}")
    paid = shopper.becomes(purchase.name, "COMPLETED")
    market.act(market.fakes.omise.refund, paid.payment_id, paid.paid_amount // 4)
    shopper.when(purchase.name, lambda found: found.credits_reversed == 25)
    dispute = market.act(market.fakes.omise.open_dispute, paid.payment_id, paid.paid_amount // 4)
    shopper.when(purchase.name, lambda found: found.credits_reversed == 50)
    market.act(market.fakes.omise.win_dispute, dispute)
    shopper.when(purchase.name, lambda found: found.credits_reversed == 25)


def test_while_omise_is_away_a_few_wait_and_are_given_up_in_the_end(
    market: Market, shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    shopper.misbehave(OMISE, "error")
    monkeypatch.setattr(Pace, "allows", lambda *_: True)
    monkeypatch.setattr(hints, "MAX_KEPT", 5)
    monkeypatch.setattr(hints, "MAX_TRIES", 3)
    assert Counter(told(market, *(made_up() for _ in range(20)))) == {"STORED": 5, "OVERLOADED": 15}
    assert kept(market) == 5
    dropped = market.service.core.payment_statistics.hints_dropped
    before = dropped["omise", "unread"]
    for tries in range(1, hints.MAX_TRIES):
        eventually(lambda tries=tries: count(market, _TRIED, tries) == 0, SECONDS)
        assert kept(market) == 5
        market.service.clock.advance(60)
        market.service.server.credit.payments._wake(Provider.OMISE)
    eventually(lambda: kept(market) == 0, SECONDS)
    assert dropped["omise", "unread"] == before + 5


def test_what_omise_does_not_know_is_counted(market: Market) -> None:
    dropped = market.service.core.payment_statistics.hints_dropped
    before = dropped["omise", "unknown"]
    told(market, made_up())
    eventually(lambda: dropped["omise", "unknown"] == before + 1, SECONDS)
    eventually(lambda: kept(market) == 0, SECONDS)
