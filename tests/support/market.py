"""A market: the three fake providers, the webhook adapter and the real service, all over real sockets."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from credit.v1 import (
    account_pb2,
    admin_service_pb2,
    money_pb2,
    package_pb2,
    payment_provider_pb2,
    purchase_pb2,
)
from credit.v1 import credit_service_pb2 as credit_pb
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import payment_event_pb2 as event_pb
from credit.v1 import payment_service_pb2 as pb
from creditd.development.fakes.server import Fakes, FakesSettings, fakes_running
from creditd.domain.resource_names import account_name
from creditd.ledger.ids import uuid7
from creditd.webhooks.adapter import webhooks_serving
from creditd.webhooks.settings import WebhooksSettings
from tests.support.event_loop import Run, event_loop
from tests.support.patience import eventually, patience
from tests.support.service import RunningService, running_service
from tests.support.tokens import bearer

SECONDS = patience(60.0)
"""Far more than anything here takes, so that a loaded machine fails no test."""

PACKAGE = "small"
PRICE = 100_000
CREDITS = 100

STRIPE = payment_provider_pb2.PaymentProvider.PAYMENT_PROVIDER_STRIPE
OMISE = payment_provider_pb2.PaymentProvider.PAYMENT_PROVIDER_OMISE
LEMON_SQUEEZY = payment_provider_pb2.PaymentProvider.PAYMENT_PROVIDER_LEMON_SQUEEZY
PROVIDERS = {"stripe": STRIPE, "omise": OMISE, "lemonsqueezy": LEMON_SQUEEZY}

_FAST_POLLS = {"payment_poll_interval_seconds": 0.05}

Entered = TypeVar("Entered")


@dataclass
class Front:
    """The fakes, and the event loop that ``run`` runs something on; adapters stand in front of whatever service."""

    fakes: Fakes
    run: Run

    @contextmanager
    def adapter(self, service_address: str) -> Iterator[str]:
        """Keep an adapter until the block ends, and give its URL, which the fakes deliver to from now on.

        The service need not be there.
        """
        token = bearer("webhooks", ["SERVICE"], "payments.ingest").removeprefix("Bearer ")
        serving = webhooks_serving(WebhooksSettings("127.0.0.1:0", service_address), lambda: token)
        with _entered(self.run, serving) as port:
            url = f"http://127.0.0.1:{port}"
            self.fakes.outgoing.deliver_to(url)
            yield url


@dataclass
class Market:
    """A market that is open. ``run`` runs something on the event loop of the fakes and the adapter."""

    service: RunningService
    fakes: Fakes
    webhooks_url: str
    run: Run

    @property
    def staff(self) -> SimpleNamespace:
        """The stubs of an administrator."""
        return self.service.as_caller("staff", "ADMIN")

    @property
    def reader(self) -> SimpleNamespace:
        """The stubs of a service that reads."""
        return self.service.as_caller("reader", "SERVICE", scope="credits.read")

    def act(self, act: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Have a fake do something, on its own event loop."""

        async def on_the_loop() -> Any:
            result = act(*arguments, **options)
            return await result if asyncio.iscoroutine(result) else result

        return self.run(on_the_loop())

    def sell(self, currency: str = "THB", **fields: Any) -> None:
        """Put the package on sale: 90 credits and 10 more, for 1,000 of the currency."""
        package = package_pb2.Package(
            package_id=fields.get("package_id", PACKAGE),
            display_name="Small",
            price=money_pb2.Money(amount=PRICE, currency=currency),
            credit_type="chat",
            credits=90,
            bonus=10,
        )
        self.staff.payment_admin.CreatePackage(payment_admin.CreatePackageRequest(package=package, request_id=uuid7()))

    def buy(self, account: str, provider: int, **fields: Any) -> purchase_pb2.Purchase:
        """Create a purchase as the account's owner."""
        owner = self.service.as_caller(account, "USER")
        request = pb.CreatePurchaseRequest(
            **{
                "account_id": account,
                "package_id": PACKAGE,
                "provider": provider,
                "return_url": "https://shop.example/thanks",
                "request_id": uuid7(),
                **fields,
            }
        )
        purchase: purchase_pb2.Purchase = owner.payment.CreatePurchase(request).purchase
        return purchase

    def purchase(self, name: str) -> purchase_pb2.Purchase:
        """Return a purchase as it stands."""
        purchase: purchase_pb2.Purchase = self.staff.payment.GetPurchase(pb.GetPurchaseRequest(name=name)).purchase
        return purchase

    def state(self, name: str) -> str:
        """Return a purchase's state in a word."""
        return purchase_pb2.PurchaseState.Name(self.purchase(name).state).removeprefix("PURCHASE_STATE_")

    def balance(self, account: str) -> tuple[int, int]:
        """Return an account's available credits and its debt."""
        request = credit_pb.GetBalanceRequest(account_id=account, credit_types=["chat"])
        (wallet,) = self.reader.credit.GetBalance(request).account_balance.wallets
        return wallet.balance.available, wallet.balance.debt

    def account(self, account_id: str) -> account_pb2.AccountOverview:
        """Return an account as staff see it."""
        request = admin_service_pb2.GetAccountRequest(name=account_name(account_id))
        found: account_pb2.AccountOverview = self.staff.admin.GetAccount(request).account_overview
        return found

    def open_disputes(self, account: str) -> int:
        """Return how many disputes about an account's payments are open."""
        return self.account(account).open_disputes

    def is_unlimited(self, account: str) -> bool:
        """Tell whether an account's plan is unlimited now; opens it if it was never seen."""
        self.balance(account)
        return self.account(account).account.plan.kind == account_pb2.PLAN_KIND_UNLIMITED

    def events(self, state: str = "") -> list[event_pb.PaymentEvent]:
        """Return the payment events in a state, or all."""
        name = f"PAYMENT_EVENT_STATE_{state or 'UNSPECIFIED'}"
        request = payment_admin.ListPaymentEventsRequest(state=name, page_size=100)
        return list(self.staff.payment_admin.ListPaymentEvents(request).payment_events)

    def settle(self) -> None:
        """Wait until every webhook is delivered or given up, and every event applied, parked or of no interest."""
        self.act(self.fakes.outgoing.idle)
        eventually(lambda: not self.events("PENDING"), SECONDS)


@contextmanager
def _entered(run: Run, context: AbstractAsyncContextManager[Entered]) -> Iterator[Entered]:
    stack = AsyncExitStack()
    entered: Entered = run(stack.enter_async_context(context))
    try:
        yield entered
    finally:
        run(stack.aclose())


@contextmanager
def open_front(pace: float = 0.01, **settings: Any) -> Iterator[Front]:
    """Keep the fakes until the block ends; the pauses between tries of a webhook are multiplied by ``pace``.

    ``settings`` are more of FakesSettings.
    """
    with event_loop() as run, _entered(run, fakes_running(FakesSettings(pace=pace, **settings))) as fakes:
        yield Front(fakes, run)


@contextmanager
def open_market(folder: Path, **settings: Any) -> Iterator[Market]:
    """Keep a market until the block ends; ``settings`` are those of the service."""
    with (
        open_front() as front,
        running_service(folder, **_FAST_POLLS | front.fakes.settings | settings) as service,
        front.adapter(service.address) as url,
    ):
        market = Market(service, front.fakes, url, front.run)
        market.sell()
        yield market
