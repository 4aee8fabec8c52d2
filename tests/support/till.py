"""A till: purchases stored as CreatePurchase stores them, and what providers say of them applied, without any."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import text

from creditd.domain.controls.velocity import VelocityRule
from creditd.domain.events.outbox import OutboxKind
from creditd.domain.instant import Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.payment_event import ParkedCause, PaymentEvent, PaymentEventState
from creditd.domain.payments.payment_facts import Fact, FactKind, PaymentStage, RefundStage
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.purchase import Purchase, PurchaseChange, PurchaseState
from creditd.domain.payments.subscription import Subscription, SubscriptionStatus
from creditd.ledger.ids import uuid7
from creditd.ledger.work import VersionConflict
from creditd.payments.provider import Report
from creditd.service.controls.velocity import Velocity
from creditd.service.payments.cases import Recorded
from creditd.service.payments.due_worker import DueWorker
from creditd.service.payments.recorder import PurchaseRecorder, Recorder
from creditd.service.payments.subscriptions import SubscriptionRecorder
from creditd.storage import accounts
from creditd.storage.payments import payment_events, payment_references, purchases
from creditd.storage.payments.payment_events import EventFilter
from creditd.storage.wallets import load_accounts
from tests.support.desk import RULES, Desk, desk_at
from tests.support.event_schemas import require_schema
from tests.support.ledger_books import Books

PRICE = Money(1_000, "THB")
CREDITS = 90
BONUS = 10
TOTAL = CREDITS + BONUS

TRIES = 30
"""The inbox's worker does not give up either."""

LONGEST_PAUSE_SECONDS = 0.5

_NUMBERS = count()

_ANNOUNCED = text(
    "SELECT kind, schema_version, payload FROM outbox_events WHERE account_id = :account "
    "ORDER BY announce_time, event_id"
)

Answer = TypeVar("Answer")


async def _at_once(function: Callable[[], Answer], /, *, owner: str = "") -> Answer:
    del owner
    return function()


class Figures(NamedTuple):
    """What an account has of a credit type."""

    available: int
    debt: int


class Till:
    """One server's way of applying what providers say."""

    def __init__(self, desk: Desk, rules: Sequence[VelocityRule] = ()) -> None:
        """Apply to the database of a desk, by these velocity rules."""
        self.desk = desk
        self.books = Books(desk.database)
        transactions = desk.transactions
        self.transactions = transactions
        subscriptions = SubscriptionRecorder(desk.accounts, uuid7)
        velocity = Velocity(rules, desk.accounts, uuid7)
        self.recorder = Recorder(transactions, PurchaseRecorder(uuid7, velocity), subscriptions)
        self.dues = DueWorker(desk.database, self.recorder, desk.clock, _at_once)

    def order(self, account: str, **fields: Any) -> Purchase:
        """Store a purchase of 90 credits and 10 more for 1,000 satang, for which the provider has been asked."""
        purchase = self.draft(account, **fields)
        with self.desk.database.transaction() as connection:
            purchases.add(connection, purchase)
            purchases.record(connection, purchase, "tests", "created")
            payment_references.refer(
                connection, purchase.provider, purchase.name, [purchase.reference], live=purchase.live
            )
        return purchase

    def draft(self, account: str, **fields: Any) -> Purchase:
        """Return such a purchase, not stored."""
        now = self.desk.clock.now()
        usual = Purchase._make([None] * len(Purchase._fields))._replace(
            account_id=account,
            purchase_id=uuid7(),
            version=1,
            request_id=uuid7(),
            fingerprint=0,
            provider=Provider.STRIPE,
            live=False,
            method=1,
            return_url="",
            package_id="small",
            display_name="Small",
            amount=PRICE.amount,
            currency=PRICE.currency,
            credit_type="chat",
            credits=CREDITS,
            bonus=BONUS,
            state=PurchaseState.PENDING,
            reference=f"cs_{next(_NUMBERS)}_{account}",
            redirect_url="",
            qr_image_url="",
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
            promo_code="",
            promo_discount=0,
            promo_bonus=0,
            promo_given_back=False,
            failure_code="",
            failure_message="",
            polls=0,
            next_poll_time=now,
            create_time=now,
            update_time=now,
        )
        return usual._replace(**fields)

    def do_what_is_due(self) -> None:
        """Do what is due and whose time has come."""
        asyncio.run(self.dues.work())

    def cases(self, account: str) -> list[PaymentEvent]:
        """Return what a person is shown of an account."""
        wanted = EventFilter(PaymentEventState.PARKED, None, account)
        with self.desk.database.autocommit() as connection:
            return payment_events.page(connection, wanted, None, 100)

    def store_event(self, **fields: Any) -> PaymentEvent:
        """Store an event as the inbox does, and claim it."""
        now = self.desk.clock.now()
        usual = PaymentEvent(
            provider=Provider.STRIPE,
            delivery_key=uuid7(),
            event_id=uuid7(),
            event_type="payment_intent.succeeded",
            live=False,
            body="{}",
            state=PaymentEventState.PENDING,
            attempts=1,
            next_attempt_time=Instant(now + 60_000_000),
            waits_for=(),
            problem="",
            purchase="",
            receive_time=now,
            update_time=now,
            account="",
            is_ours=True,
            cause=ParkedCause.OTHER,
            facts=(),
        )
        event = usual._replace(**fields)
        with self.desk.database.transaction() as connection:
            assert payment_events.add(connection, event)
        return event

    def event(self, event: PaymentEvent) -> PaymentEvent:
        """Return an event as it is stored."""
        with self.desk.database.autocommit() as connection:
            found = payment_events.find(connection, event.event_id)
        assert found is not None
        return found

    def say(self, said: Report | Subscription) -> Recorded:
        """Apply what a provider says."""
        return self.recorder.record(said, "stripe", "an event")

    def say_until_done(self, said: Report | Subscription) -> Recorded:
        """Say it as the inbox's worker does, again: on a loaded machine others hold a row for longer than one waits."""
        for _ in range(TRIES - 1):
            try:
                return self.say(said)
            except VersionConflict:
                time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))
        return self.say(said)

    def purchase(self, purchase: Purchase) -> Purchase:
        """Return a purchase as it stands."""
        with self.desk.database.autocommit() as connection:
            found = purchases.find(connection, purchase.key)
        assert found is not None
        return found

    def history(self, purchase: Purchase) -> list[PurchaseChange]:
        """Return a purchase's history."""
        with self.desk.database.autocommit() as connection:
            return purchases.changes_of(connection, purchase.key)

    def figures(self, account: str) -> Figures:
        """Return what an account has, none if it was never seen; and check that its ledger adds up."""
        assert self.books.are_whole(account)
        with self.desk.database.autocommit() as connection:
            loaded = load_accounts(connection, [account], Instant(0), RULES.order).get(account)
        if loaded is None or "chat" not in loaded.wallets:
            return Figures(0, 0)
        wallet = loaded.wallets["chat"].wallet
        return Figures(wallet.available, wallet.debt)

    def announced(self, account: str) -> list[tuple[str, Mapping[str, Any]]]:
        """Return what the outbox holds for an account, in order; each keeps to its schema."""
        with self.desk.database.autocommit() as connection:
            rows = connection.execute(_ANNOUNCED, {"account": account}).all()
        for kind, version, payload in rows:
            require_schema(OutboxKind(kind).name, version, payload)
        return [(OutboxKind(kind).name, payload) for kind, _, payload in rows]

    def is_unlimited(self, account: str) -> bool:
        """Tell whether an account's plan is unlimited now."""
        with self.desk.database.autocommit() as connection:
            found = accounts.find(connection, account)
        return found is not None and found.has_unlimited_plan(self.desk.clock.now())


@contextmanager
def till_at(url: str, *rules: VelocityRule) -> Iterator[Till]:
    """Keep a till until the block ends."""
    with desk_at(url) as desk:
        yield Till(desk, rules)


def report(purchase: Purchase, *facts: Fact, price: Money | None = None, **fields: Any) -> Report:
    """Return what a provider says of a purchase, by its reference and the payment's id."""
    references = purchase.reference, f"pi_{purchase.purchase_id}"
    said = Report(purchase.provider, purchase.live, references, None, price, facts, purchase.currency)
    return said._replace(**fields)


def paid(purchase: Purchase, payment_id: str | None = None, price: Money = PRICE) -> Report:
    """Return that a purchase is paid."""
    fact = Fact(FactKind.PAYMENT, payment_id or f"pi_{purchase.purchase_id}", PaymentStage.PAID, price.amount)
    return report(purchase, fact, price=price)


def failed(purchase: Purchase, code: str = "card_declined") -> Report:
    """Return that a payment of a purchase failed."""
    fact = Fact(FactKind.PAYMENT, f"pi_{purchase.purchase_id}", PaymentStage.FAILED, 0, code, "It was declined.")
    return report(purchase, fact)


def refunded(purchase: Purchase, amount: int, stage: RefundStage = RefundStage.SUCCEEDED, name: str = "re_1") -> Report:
    """Return that part of a purchase's payment was refunded."""
    return report(purchase, Fact(FactKind.REFUND, name, stage, amount))


def subscription(
    account: str,
    status: SubscriptionStatus,
    at: int,
    *,
    name: str = "1",
    end_time: Instant | None = None,
    keeps_service: bool = False,
) -> Subscription:
    """Return a subscription as its provider described it at a second."""
    return Subscription(
        Provider.LEMON_SQUEEZY,
        live=False,
        subscription_id=f"{name}-{account}",
        account_id=account,
        status=status,
        keeps_service=keeps_service,
        end_time=end_time,
        provider_update_time=Instant(at * 1_000_000),
    )
