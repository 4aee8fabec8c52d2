"""Servers whose wall clocks are wrong, as processes of their own beside a service on the same database."""

import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc

from tests.support.customer import Customer
from tests.support.ports import free_address
from tests.support.postgres import service_url
from tests.support.programs import PATIENCE_SECONDS, Creditd, Started
from tests.support.service import RunningService

STRIPE_SECRET = "whsec_tests"  # noqa: S105 - nothing is kept secret in a test.

NOWHERE = "http://127.0.0.1:9"

SETTINGS = {
    "stripe_api_key": "sk_test_clocks",
    "stripe_webhook_secrets": (STRIPE_SECRET,),
    "stripe_api_url": NOWHERE,
}

LISTENING = '"message":"listening"'


class SkewedServer:
    """A server that runs, ``skew_seconds`` ahead of its machine."""

    def __init__(self, service: RunningService, creditd: Creditd, started: Started, skew_seconds: int) -> None:
        """Reach it in place of ``service``."""
        self.skew_seconds = skew_seconds
        self.address = creditd.settings["CREDITD_LISTEN"]
        self.metrics_address = creditd.settings["CREDITD_METRICS_LISTEN"]
        self.started = started
        self.service = replace(service, address=self.address, channels=[], callers={})

    def serve(self, customer: Customer) -> Customer:
        """Return the same customer, served by this server."""
        app = self.service.as_caller("app", "SERVICE", scope="credits.spend credits.read")
        staff = self.service.as_caller("staff", "ADMIN")
        return Customer(self.service, app, staff, customer.account_id, customer.numbers)

    def metric(self, name: str) -> float:
        """Return a metric of the server."""
        with urllib.request.urlopen(f"http://{self.metrics_address}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        (value,) = (line.split()[1] for line in lines if line.startswith(f"{name} "))
        return float(value)


@contextmanager
def skewed_server(folder: Path, service: RunningService, skew_seconds: int, **settings: str) -> Iterator[SkewedServer]:
    """Run a server until the block ends; it serves when the block begins."""
    creditd = Creditd(
        folder,
        {
            "SKEW_SECONDS": str(skew_seconds),
            "CREDITD_DATABASE_URL": service_url(service.config.database_url),
            "CREDITD_JWT_PUBLIC_KEY_FILES": ",".join(service.config.jwt_public_key_files),
            "CREDITD_PAGE_TOKEN_SECRET": "a server that is off",
            "CREDITD_LISTEN": free_address(),
            "CREDITD_METRICS_LISTEN": free_address(),
            "CREDITD_DRAIN_SECONDS": "0",
            "CREDITD_SWEEP_INTERVAL_SECONDS": "0.1",
            "CREDITD_STRIPE_API_KEY": service.config.stripe_api_key,
            "CREDITD_STRIPE_WEBHOOK_SECRETS": STRIPE_SECRET,
            "CREDITD_STRIPE_API_URL": NOWHERE,
            **settings,
        },
    )
    roots = creditd.environment()["PYTHONPATH"]
    creditd.settings["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent / "skewed"), roots])
    with creditd.started("serve") as started:
        started.says(LISTENING)
        with grpc.insecure_channel(creditd.settings["CREDITD_LISTEN"]) as channel:
            grpc.channel_ready_future(channel).result(PATIENCE_SECONDS)
        server = SkewedServer(service, creditd, started, skew_seconds)
        try:
            yield server
        finally:
            for channel in server.service.channels:
                channel.close()
