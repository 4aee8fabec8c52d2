"""The three fake providers on one HTTP server, each under a path of its own, with the payers' and staff's acts."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from creditd.asgi import asgi_serving, listening
from creditd.development.fakes.control import Subjects, acts_of, control_routes
from creditd.development.fakes.deliveries import Outgoing
from creditd.development.fakes.lemonsqueezy import PLAN_VARIANT_ID, STORE_ID, VARIANT_ID, FakeLemonSqueezy
from creditd.development.fakes.memory import Memory
from creditd.development.fakes.misbehaviour import Misbehaving
from creditd.development.fakes.omise import FakeOmise
from creditd.development.fakes.stripe import FakeStripe

_KEY: Final = "sk_test_fake"

_GRACE_SECONDS: Final = 1
"""A fake that was told to be slow is not waited for."""


class FakesSettings(NamedTuple):
    """``listen`` is host:port, a free port for 0. ``webhooks_url`` is the adapter's; empty: told later, to Outgoing.

    ``webhook_secret`` signs the webhooks of all three; Omise reads it as base64, so it is one of whole groups of four
    letters and digits. The pauses between tries of a webhook are multiplied by ``pace``. ``file`` keeps what the fakes
    know from one start to the next; without one they begin anew.
    """

    listen: str = "127.0.0.1:0"
    webhooks_url: str = ""
    webhook_secret: str = "fake" * 8
    pace: float = 1.0
    file: Path | None = None


@dataclass(frozen=True)
class Fakes:
    """The fakes while they run. ``apis`` are the three by the names in their paths, to make them misbehave."""

    url: str
    outgoing: Outgoing
    stripe: FakeStripe
    omise: FakeOmise
    lemonsqueezy: FakeLemonSqueezy
    apis: Mapping[str, Misbehaving]
    webhook_secret: str

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a service that uses the fakes, by their names in Config."""
        return {
            "payments_live": False,
            "stripe_api_key": _KEY,
            "stripe_webhook_secrets": (self.webhook_secret,),
            "stripe_api_url": f"{self.url}/stripe",
            "omise_secret_key": _KEY,
            "omise_webhook_secrets": (self.webhook_secret,),
            "omise_api_url": f"{self.url}/omise",
            "lemonsqueezy_api_key": _KEY,
            "lemonsqueezy_webhook_secrets": (self.webhook_secret,),
            "lemonsqueezy_api_url": f"{self.url}/lemonsqueezy",
            "lemonsqueezy_store_id": STORE_ID,
            "lemonsqueezy_variant_id": VARIANT_ID,
            "lemonsqueezy_plan_variant_ids": (PLAN_VARIANT_ID,),
        }


@asynccontextmanager
async def fakes_running(settings: FakesSettings) -> AsyncIterator[Fakes]:
    """Run the fakes on this event loop until the block ends. Raises OSError if the port is taken.

    ``POST /control/{act}`` takes ``mischief`` (``deliveries.Mischief``), ``release`` and ``idle``;
    ``POST /{provider}/control/{act}`` takes the acts of that fake, ``misbehave`` and ``behave``.
    """
    listener = listening(settings.listen)
    url = url_of(listener)
    outgoing = Outgoing(settings.webhooks_url, pace=settings.pace)
    fakes = _fakes(url, outgoing, settings.webhook_secret)
    try:
        application: ASGIApp = _application(fakes)
        if settings.file:
            application = Memory(application, {name: getattr(fakes, name) for name in fakes.apis}, settings.file)
        async with fake_serving(application, listener):
            yield fakes
    finally:
        await outgoing.close()


def url_of(listener: socket.socket) -> str:
    """Return where a socket listens, as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def fake_serving(app: ASGIApp, listener: socket.socket) -> AbstractAsyncContextManager[None]:
    """Serve an ASGI application on a socket that listens already, while the block lasts."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=_GRACE_SECONDS
    )
    return asgi_serving(config, listener)


def _fakes(url: str, outgoing: Outgoing, secret: str) -> Fakes:
    stripe = FakeStripe(f"{url}/stripe", outgoing, secret)
    omise = FakeOmise(f"{url}/omise", outgoing, secret)
    lemonsqueezy = FakeLemonSqueezy(f"{url}/lemonsqueezy", outgoing, secret)
    routes = {"stripe": stripe.routes, "omise": omise.routes, "lemonsqueezy": lemonsqueezy.routes}
    apis = {name: Misbehaving(Starlette(routes=of_it)) for name, of_it in routes.items()}
    return Fakes(url, outgoing, stripe, omise, lemonsqueezy, apis, secret)


def _application(fakes: Fakes) -> Starlette:
    routes: list[Mount | Route] = [*control_routes(acts_of(_Mail(fakes.outgoing)))]
    subjects = _subjects(fakes)
    for name, api in fakes.apis.items():
        acts = acts_of(getattr(fakes, name), api)
        routes.append(Mount(f"/{name}", routes=[*control_routes(acts, subjects[name]), Mount("/", app=api)]))
    return Starlette(routes=routes)


def _subjects(fakes: Fakes) -> Mapping[str, Subjects]:
    """Return what the acts of each fake are about, if it is not said: the newest of these."""
    stripe, omise, shop = fakes.stripe, fakes.omise, fakes.lemonsqueezy
    return {
        "stripe": {
            "session": stripe.sessions,
            "payment": stripe.sessions,
            "refund": stripe.refunds,
            "dispute": stripe.disputes,
        },
        "omise": {
            "payment": omise.charges,
            "charge": omise.charges,
            "refund": omise.refunds,
            "dispute": omise.disputes,
        },
        "lemonsqueezy": {
            "checkout_id": shop.checkouts,
            "order_id": shop.orders,
            "subscription_id": shop.subscriptions,
        },
    }


@dataclass
class _Mail:
    """What may be done to the webhooks of all three."""

    outgoing: Outgoing

    def mischief(self, **changes: Any) -> str:
        self.outgoing.mischief = replace(self.outgoing.mischief, **changes)
        return str(self.outgoing.mischief)

    def release(self) -> None:
        self.outgoing.release()

    async def idle(self) -> None:
        await self.outgoing.idle()
