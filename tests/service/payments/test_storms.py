"""Webhooks in a storm: a thousand at once, to a service that is away, and to a worker that dies between two commits."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1.purchase_pb2 import Purchase
from creditd.development.fakes.deliveries import SentWebhook
from creditd.domain.entry import EntryKind
from creditd.domain.payments.payment_event import PaymentEvent, PaymentEventState
from creditd.service.payments.inbox_worker import LEASE
from creditd.service.payments.recorder import FIRST_LOOK
from creditd.storage.database import Connection
from creditd.storage.payments import payment_events
from creditd.webhooks import limits
from tests.support.databases import migrated_database
from tests.support.market import (
    CREDITS,
    LEMON_SQUEEZY,
    OMISE,
    PRICE,
    PROVIDERS,
    SECONDS,
    STRIPE,
    Market,
    open_front,
    open_market,
)
from tests.support.patience import eventually
from tests.support.ports import free_port
from tests.support.service import running_service

pytestmark = pytest.mark.requirement("E3")

PURCHASES = 50
"""Each paid and half of it refunded: a hundred events."""

COPIES = 10
"""Of each event, which makes a thousand deliveries."""

SENDERS = 10
"""Each sends its share at once; one alone would be busy looking for a free connection among many."""

CONNECTIONS = 10
"""Of each sender: together no more than the adapter reads of one address at a time (limits.MAX_READING_EACH)."""

NO_POLLS = {"payment_poll_interval_seconds": 3_600.0}
"""Whatever arrives came by a webhook."""

_EFFECTS = "SELECT kind, count(*), sum(amount) FROM entries GROUP BY kind ORDER BY kind"

_INBOX = "SELECT state, count(*) FROM payment_events GROUP BY state"


@pytest.fixture
def market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    """Open a market of the test's own, so that all that its database holds is of the test.

    Its adapter has all the time in the world: on a machine that is busy some of a storm wait for long.
    """
    for limit in ("BODY_SECONDS", "HEAD_SECONDS", "IDLE_SECONDS", "RPC_SECONDS"):
        monkeypatch.setattr(limits, limit, SECONDS)
    with open_market(tmp_path, sign_up_credits={}, **NO_POLLS) as market:
        yield market


def test_a_thousand_deliveries_of_a_hundred_events_at_once_have_a_hundred_effects(market: Market) -> None:
    bought = [market.buy(f"buyer-{number}", LEMON_SQUEEZY) for number in range(PURCHASES)]
    outgoing, shop = market.fakes.outgoing, market.fakes.lemonsqueezy
    outgoing.mischief.hold = True
    for purchase in bought:
        order = market.act(shop.pay, purchase.provider_reference)
        market.act(shop.refund, order, PRICE // 2)
    events = list(outgoing.deliveries)
    assert len(events) == 2 * PURCHASES == 100
    answers = market.run(_deliver_at_once(market.webhooks_url, events * COPIES))
    assert answers == {200: 1_000}
    market.settle()
    assert _asked(market, _INBOX) == [(PaymentEventState.APPLIED, 100)]
    assert _asked(market, _EFFECTS) == [
        (EntryKind.TOP_UP, PURCHASES, PURCHASES * CREDITS),
        (EntryKind.CLAWBACK, PURCHASES, PURCHASES * CREDITS // 2),
    ]
    assert {market.balance(purchase.account_id) for purchase in bought} == {(CREDITS // 2, 0)}
    _verify_ledger(market)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_whatever_is_sent_of_one_payment_a_hundred_times_at_once_has_one_effect(market: Market, provider: str) -> None:
    purchase = market.buy("buyer", PROVIDERS[provider])
    market.settle()
    outgoing, stored = market.fakes.outgoing, len(market.events())
    outgoing.deliveries.clear()
    outgoing.mischief.hold = True
    _pay(market, purchase)
    events = list(outgoing.deliveries)
    answers = market.run(_deliver_at_once(market.webhooks_url, events * 100))
    assert answers == {200: 100 * len(events)}
    market.settle()
    assert len(market.events()) == stored + len(events)
    assert _asked(market, _EFFECTS) == [(EntryKind.TOP_UP, 1, CREDITS)]
    _verify_ledger(market)


def test_what_a_worker_did_that_died_before_it_said_so_is_not_done_and_done_once_by_another(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credits and the event's fate are one commit: of a worker that dies before it nothing is left."""
    purchase = market.buy("buyer", LEMON_SQUEEZY)
    deaths: list[object] = []

    end_try = payment_events.end_try

    def die(connection: Connection, event: PaymentEvent, *, is_counted: bool = True) -> None:
        if int(event.provider) != LEMON_SQUEEZY:
            end_try(connection, event, is_counted=is_counted)
            return
        deaths.append(event)
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(payment_events, "end_try", die)
        _pay(market, purchase)
        market.act(market.fakes.outgoing.idle)
        # With the credits first, and then where it would have said that they failed.
        eventually(lambda: len(deaths) >= 2)
        assert market.state(purchase.name) == "PENDING"
    # The lease is of the dead one, however often others look.
    (event,) = market.events("PENDING")
    assert event.attempts == 1
    market.service.clock.advance(LEASE / 1_000_000 + 1)
    (event,) = eventually(lambda: market.events("APPLIED"))
    assert (event.attempts, event.purchase) == (2, purchase.name)
    assert _asked(market, _EFFECTS) == [(EntryKind.TOP_UP, 1, CREDITS)]
    assert market.balance("buyer") == (CREDITS, 0)
    _verify_ledger(market)


@pytest.mark.requirement("E7")
def test_what_is_paid_while_the_service_is_away_is_credited_once_it_is_back(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with migrated_database() as url, open_front(pace=0.1) as front, front.adapter(address) as adapter:
        settings: dict[str, Any] = {"database_url": url, "listen": address, "sign_up_credits": {}}
        settings |= front.fakes.settings
        with running_service(tmp_path, **settings | NO_POLLS) as service:
            # Omise's hints are sent once: what the adapter cannot pass on yet would be lost.
            eventually(lambda: httpx.get(f"{adapter}/healthz").json() == {"service": "reachable"}, SECONDS)
            market = Market(service, front.fakes, adapter, front.run)
            market.sell()
            bought = [market.buy(f"buyer-{n}", provider) for n in range(5) for provider in PROVIDERS.values()]
            market.settle()
        before = len(front.fakes.outgoing.deliveries)
        for purchase in bought:
            _pay(market, purchase)
        sent = list(front.fakes.outgoing.deliveries)[before:]
        eventually(lambda: all(delivery.statuses for delivery in sent))
        assert {status for delivery in sent for status in list(delivery.statuses)} == {503}
        with running_service(tmp_path, **settings | NO_POLLS) as service:
            market = Market(service, front.fakes, adapter, front.run)
            market.settle()
            assert all(delivery.is_done for delivery in sent if delivery.provider != "omise")
            assert _states(market, bought, STRIPE, LEMON_SQUEEZY) == {"COMPLETED"}
            # Omise sends nothing again: its hints of before are read again until these payments have ended.
            service.clock.advance(FIRST_LOOK / 1_000_000 + 1)
            eventually(lambda: _states(market, bought, OMISE) == {"COMPLETED"}, SECONDS)
            assert _asked(market, _EFFECTS) == [(EntryKind.TOP_UP, len(bought), len(bought) * CREDITS)]
            assert {market.balance(f"buyer-{n}") for n in range(5)} == {(3 * CREDITS, 0)}
            _verify_ledger(market)


async def _deliver_at_once(url: str, deliveries: Sequence[SentWebhook]) -> Counter[int]:
    """Deliver all, once each, and count the answers by their status."""
    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with AsyncExitStack() as stack:
        senders = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, limits=limits, timeout=SECONDS, trust_env=False)
            )
            for _ in range(SENDERS)
        ]
        answers = await asyncio.gather(
            *(_deliver(senders[number % SENDERS], delivery) for number, delivery in enumerate(deliveries))
        )
    return Counter(answers)


async def _deliver(sender: httpx.AsyncClient, delivery: SentWebhook) -> int:
    headers, body = delivery.make()
    answer = await sender.post(f"/webhooks/{delivery.provider}", headers=dict(headers), content=body)
    return answer.status_code


def _pay(market: Market, purchase: Purchase) -> None:
    (name,) = (name for name, provider in PROVIDERS.items() if provider == purchase.provider)
    market.act(getattr(market.fakes, name).pay, purchase.provider_reference)


def _states(market: Market, bought: Sequence[Purchase], *providers: int) -> set[str]:
    return {market.state(purchase.name) for purchase in bought if purchase.provider in providers}


def _asked(market: Market, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(market.service.config.database_url) as connection:
        return connection.execute(query.encode()).fetchall()


def _verify_ledger(market: Market) -> None:
    """Have the service verify its whole ledger; a difference would come before the summary."""
    (answer,) = market.staff.admin.VerifyLedger(admin.VerifyLedgerRequest())
    assert answer.summary.entries > 0
