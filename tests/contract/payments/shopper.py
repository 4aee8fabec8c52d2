"""Somebody who buys credits, and what is seen of it here and at the provider, in a word each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from credit.v1 import account_pb2, entry_pb2, payment_event_pb2, purchase_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import payment_service_pb2 as pb
from creditd.domain.resource_names import account_name
from creditd.ledger.ids import uuid7
from tests.contract.leaks import tells_nothing_of_our_insides
from tests.support.customer import kind_of
from tests.support.market import LEMON_SQUEEZY, OMISE, PACKAGE, SECONDS, STRIPE, Market
from tests.support.patience import eventually
from tests.support.refusals import RefusedCall

PROVIDER_NAMES: Mapping[int, str] = {STRIPE: "stripe", OMISE: "omise", LEMON_SQUEEZY: "lemonsqueezy"}
"""Providers as paths and fakes name them."""

LABELS: Mapping[int, str] = {STRIPE: "stripe", OMISE: "omise", LEMON_SQUEEZY: "lemon_squeezy"}
"""Providers as histories and metrics name them."""


@dataclass
class Shopper:
    """An account that buys at a market, and the staff that look after it."""

    market: Market
    staff: SimpleNamespace
    account_id: str
    begin_seconds: int = field(init=False)
    """When the test began, by the market's clock: what others bought before it is none of its own."""

    def __post_init__(self) -> None:
        self.begin_seconds = self.market.service.clock.now() // 1_000_000

    def another(self, name: str) -> "Shopper":
        """Return another shopper of the same test."""
        return Shopper(self.market, self.staff, f"{self.account_id[:100]}.{name}")

    def misbehave(self, provider: int, how: str, **options: Any) -> None:
        """Have a provider's API misbehave until the test ends, or as the options say."""
        self.market.act(self.market.fakes.apis[PROVIDER_NAMES[provider]].misbehave, how, **options)

    def behave(self, provider: int) -> None:
        """Have a provider's API behave again."""
        self.market.act(self.market.fakes.apis[PROVIDER_NAMES[provider]].behave)

    def buying(self, provider: int = STRIPE, **fields: Any) -> pb.CreatePurchaseRequest:
        """Return the request to buy the small package: 100 credits for 1,000 baht."""
        stated: dict[str, Any] = {
            "account_id": self.account_id,
            "package_id": PACKAGE,
            "provider": provider,
            "return_url": "https://shop.example/thanks",
            "request_id": uuid7(),
        }
        return pb.CreatePurchaseRequest(**stated | fields)

    def create(self, request: pb.CreatePurchaseRequest, **options: Any) -> purchase_pb2.Purchase:
        """Create a purchase."""
        answer: pb.CreatePurchaseResponse = self.staff.payment.CreatePurchase(request, **options)
        return answer.purchase

    def buy(self, provider: int = STRIPE, **fields: Any) -> purchase_pb2.Purchase:
        """Create a purchase of the small package."""
        return self.create(self.buying(provider, **fields))

    def pay(self, purchase: purchase_pb2.Purchase) -> str:
        """Pay at the provider; return the provider's id of the payment or the order."""
        fake = getattr(self.market.fakes, PROVIDER_NAMES[purchase.provider])
        return str(self.market.act(fake.pay, purchase.provider_reference))

    def bought(self, provider: int = STRIPE, **fields: Any) -> purchase_pb2.Purchase:
        """Buy, pay, and wait until the credits are there."""
        purchase = self.buy(provider, **fields)
        self.pay(purchase)
        return self.becomes(purchase.name, "COMPLETED")

    def purchase(self, name: str) -> purchase_pb2.Purchase:
        """Return a purchase as it stands."""
        answer: pb.GetPurchaseResponse = self.staff.payment.GetPurchase(pb.GetPurchaseRequest(name=name))
        return answer.purchase

    def becomes(self, name: str, state: str) -> purchase_pb2.Purchase:
        """Wait until a purchase is in a state, and return it."""
        return self.when(name, lambda purchase: state_of(purchase) == state)

    def when(self, name: str, condition: Callable[[purchase_pb2.Purchase], Any]) -> purchase_pb2.Purchase:
        """Wait until a purchase is as a condition says, and return it."""
        found: list[purchase_pb2.Purchase] = []

        def is_so() -> Any:
            found[:] = [self.purchase(name)]
            return condition(found[0])

        eventually(is_so, SECONDS)
        return found[0]

    def purchases(self, **fields: Any) -> list[purchase_pb2.Purchase]:
        """Return the account's purchases, newest first."""
        request = pb.ListPurchasesRequest(account_id=self.account_id, **fields)
        return list(self.staff.payment.ListPurchases(request).purchases)

    def changes(self, name: str) -> list[purchase_pb2.PurchaseChange]:
        """Return the history of a purchase."""
        answer: pb.GetPurchaseResponse = self.staff.payment.GetPurchase(pb.GetPurchaseRequest(name=name))
        return list(answer.changes)

    def history(self, purchase: purchase_pb2.Purchase) -> list[tuple[str, str]]:
        """Return each change of a purchase as where it stood then and who brought it about, oldest first."""
        return [(state_of(change), change.actor) for change in self.changes(purchase.name)]

    def reverse(self, purchase: purchase_pb2.Purchase, amount: int | None = None, **fields: Any) -> Any:
        """Return the request to take back the credits of a payment, or of a part of it."""
        fields = {"reason": "given back by bank transfer", "request_id": uuid7()} | fields
        return payment_admin.ReversePurchaseRequest(name=purchase.name, amount=amount, **fields)

    def figures(self) -> tuple[int, int]:
        """Return how many chat credits are available, and the debt."""
        request = credit.GetBalanceRequest(account_id=self.account_id, credit_types=["chat"])
        (wallet,) = self.market.reader.credit.GetBalance(request).account_balance.wallets
        return wallet.balance.available, wallet.balance.debt

    def spend(self, amount: int) -> None:
        """Spend chat credits."""
        request = credit.DeductRequest(
            account_id=self.account_id, credit_type="chat", amount=amount, request_id=uuid7()
        )
        self.staff.credit.Deduct(request)

    def entries(self) -> list[entry_pb2.Entry]:
        """Return the ledger in chat credits, newest first."""
        request = credit.ListTransactionsRequest(account_id=self.account_id, credit_type="chat", page_size=100)
        return list(self.staff.credit.ListTransactions(request).entries)

    def kinds(self) -> list[str]:
        """Return what happened to the chat credits, newest first."""
        return [kind_of(entry) for entry in self.entries()]

    def account(self) -> account_pb2.Account:
        """Return the account as staff see it."""
        return self.overview().account

    def overview(self) -> account_pb2.AccountOverview:
        """Return the account with what staff have to know of its payments."""
        answer: admin.GetAccountResponse = self.staff.admin.GetAccount(
            admin.GetAccountRequest(name=account_name(self.account_id))
        )
        return answer.account_overview

    def checkouts(self, provider: int = STRIPE) -> list[str]:
        """Return the checkouts that the provider has for this account, by their ids."""
        if provider != LEMON_SQUEEZY:
            fakes = self.market.fakes
            asked = fakes.stripe.sessions if provider == STRIPE else fakes.omise.charges
            made_there = self.market.act(lambda: list(asked.values()))
            return [made["id"] for made in made_there if made["metadata"].get("account_id") == self.account_id]
        checkouts = self.market.act(lambda: list(self.market.fakes.lemonsqueezy.checkouts.values()))
        return [
            made["id"]
            for made in checkouts
            if made["attributes"]["checkout_data"]["custom"]["account_id"] == self.account_id
        ]

    def event(self, delivery_key: str) -> payment_event_pb2.PaymentEvent | None:
        """Return the event of a delivery, or None if nothing is stored of it."""
        request = payment_admin.ListPaymentEventsRequest(page_size=100)
        listed = self.staff.payment_admin.ListPaymentEvents(request).payment_events
        return next((event for event in listed if event.delivery_key == delivery_key), None)

    def settled(self, delivery_key: str) -> payment_event_pb2.PaymentEvent:
        """Wait until a stored event is tried, whatever came of it, and return it."""
        is_tried = {"APPLIED", "PARKED", "NOT_OF_INTEREST", "DISMISSED"}

        def tried() -> payment_event_pb2.PaymentEvent | None:
            event = self.event(delivery_key)
            return event if event and (event_state(event) in is_tried or event.problem) else None

        return self.event_called(eventually(tried, SECONDS).name)

    def quiet(self) -> None:
        """Wait until every webhook that was sent has arrived, and every event was tried."""
        self.market.act(self.market.fakes.outgoing.idle)
        eventually(lambda: all(event.problem for event in self.market.events("PENDING")), SECONDS)

    def event_called(self, name: str) -> payment_event_pb2.PaymentEvent:
        """Return an event by its name."""
        return self.shown(name).payment_event

    def shown(self, name: str) -> payment_admin.GetPaymentEventResponse:
        """Return what staff are shown of an event: its body too, and what they did with it."""
        request = payment_admin.GetPaymentEventRequest(name=name)
        answer: payment_admin.GetPaymentEventResponse = self.staff.payment_admin.GetPaymentEvent(request)
        return answer


def state_of(purchase: purchase_pb2.Purchase | purchase_pb2.PurchaseChange) -> str:
    """Return where a purchase stands, or stood."""
    return purchase_pb2.PurchaseState.Name(purchase.state).removeprefix("PURCHASE_STATE_")


def event_state(event: payment_event_pb2.PaymentEvent) -> str:
    """Return what became of an event."""
    return payment_event_pb2.PaymentEventState.Name(event.state).removeprefix("PAYMENT_EVENT_STATE_")


def facts_of(refusal: RefusedCall) -> dict[str, str]:
    """Return the figures of a refusal, but for the correlation id that each has; it must tell nothing else of us."""
    assert tells_nothing_of_our_insides(refusal)
    return {name: fact for name, fact in refusal.metadata.items() if name != "correlation_id"}
