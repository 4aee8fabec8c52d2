"""Where payments are stormed: servers that are killed, and beside them the fakes and an adapter, which stay."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import psycopg

from credit.v1 import money_pb2, package_pb2
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import payment_service_pb2 as pb
from credit.v1.payment_admin_service_pb2_grpc import PaymentAdminServiceStub
from credit.v1.payment_provider_pb2 import PaymentProvider
from credit.v1.payment_service_pb2_grpc import PaymentServiceStub
from credit.v1.purchase_pb2 import Purchase
from creditd.development.fakes.deliveries import SentWebhook
from creditd.development.postgres import EmbeddedPostgres
from creditd.ledger.ids import uuid7
from tests.faults.arena import STAFF, Arena, arena
from tests.faults.client import open_channel
from tests.faults.operations import CREDIT_TYPE
from tests.faults.processes import SECONDS_TO_START, ServerProcess
from tests.support.market import CREDITS, PACKAGE, PRICE, Front, open_front
from tests.support.patience import eventually

PACE = 0.2
"""Of the pauses between tries of a webhook. Lemon Squeezy's last try comes after 31 s then, when the kills are over."""

POLL_INTERVAL_SECONDS = 1.0

CLAIMED_SECONDS = 10.0
"""How long it is waited for a worker to claim something; if none does, the kill comes all the same."""

_JUST_CLAIMED = """
SELECT count(*) FROM payment_events
WHERE state = 1 AND attempts > 0 AND next_attempt_time > now() + interval '59.8 seconds'
"""  # A lease lasts for 60 seconds; what an earlier kill left behind has less to run.


@dataclass(frozen=True)
class PaymentArena:
    """An arena with a package on sale, the fakes, and an adapter in front of the first server."""

    arena: Arena
    front: Front

    def buy(self, account_id: str, provider: PaymentProvider) -> Purchase:
        """Create a purchase."""
        request = pb.CreatePurchaseRequest(
            account_id=account_id,
            package_id=PACKAGE,
            provider=provider,
            return_url="https://shop.example/thanks",
            request_id=uuid7(),
        )
        with open_channel(self.arena.servers[0].address) as channel:
            answer: pb.CreatePurchaseResponse = PaymentServiceStub(channel).CreatePurchase(request, metadata=STAFF)
        return answer.purchase

    def act(self, act: Callable[[], Any]) -> Any:
        """Have something done on the event loop of the fakes."""

        async def on_the_loop() -> Any:
            return act()

        return self.front.run(on_the_loop())

    def deliveries(self) -> list[SentWebhook]:
        """Return all webhooks so far, with the answers that each had."""
        return list(self.act(lambda: list(self.front.fakes.outgoing.deliveries)))

    def start(self, *servers: ServerProcess) -> None:
        """Start servers again that were killed, and wait until they serve."""
        for server in servers:
            server.start()
        for server in servers:
            with open_channel(server.address) as channel:
                grpc.channel_ready_future(channel).result(SECONDS_TO_START)

    def await_claim(self) -> None:
        """Return at a moment when a worker applies what it has claimed."""
        with psycopg.connect(self.arena.database_url, autocommit=True) as connection, suppress(AssertionError):
            eventually(lambda: connection.execute(_JUST_CLAIMED).fetchone() != (0,), CLAIMED_SECONDS)


@contextmanager
def payment_arena(postgres: EmbeddedPostgres, folder: Path) -> Iterator[PaymentArena]:
    """Keep two servers, the fakes and an adapter until the block ends."""
    with open_front(PACE) as front:
        settings: dict[str, Any] = {name: _text(value) for name, value in front.fakes.settings.items()}
        settings |= {"payment_poll_interval_seconds": POLL_INTERVAL_SECONDS, "sign_up_credits": ""}
        with arena(postgres, folder, servers=2, **settings) as place, front.adapter(place.servers[0].address):
            _sell(place.servers[0].address)
            yield PaymentArena(place, front)


def _text(setting: Any) -> str:
    return ",".join(setting) if isinstance(setting, tuple) else str(setting)


def _sell(address: str) -> None:
    package = package_pb2.Package(
        package_id=PACKAGE,
        display_name="Small",
        price=money_pb2.Money(amount=PRICE, currency="THB"),
        credit_type=CREDIT_TYPE,
        credits=CREDITS,
    )
    with open_channel(address) as channel:
        request = payment_admin.CreatePackageRequest(package=package, request_id=uuid7())
        PaymentAdminServiceStub(channel).CreatePackage(request, metadata=STAFF)
