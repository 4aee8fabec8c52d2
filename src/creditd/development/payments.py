"""Payments on a developer's machine: fake providers while no real one is configured, and the webhook adapter."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Final

from creditd.cli.connection import Identity
from creditd.cli.output import MISUSED, CommandFailure
from creditd.cli.webhooks import webhooks_settings
from creditd.config import Config
from creditd.development.data_folder import DataFolder, development_token
from creditd.development.fakes.server import Fakes, FakesSettings, fakes_running
from creditd.front.setting_errors import InvalidSetting
from creditd.webhooks.adapter import webhooks_serving

TOKEN_SECONDS: Final = 365 * 86_400
"""The adapter's token is made at each start; no development server runs for longer than a year."""


_NAMES: Final = {"stripe": "Stripe", "omise": "Omise", "lemonsqueezy": "Lemon Squeezy"}

FAKES_FILE: Final = "fake-payments"
"""In the data folder: what the fake providers know."""


def real_providers(config: Config) -> tuple[str, ...]:
    """Return the providers that are configured; if there are any, no fake one runs beside them."""
    return tuple(_NAMES[provider] for provider in config.providers)


@asynccontextmanager
async def providers(config: Config) -> AsyncIterator[tuple[Config, Fakes | None]]:
    """Run the fake providers until the block ends, unless a real one is configured.

    Gives the configuration of a service that uses them, and the fakes if there are any.
    """
    if real_providers(config):
        yield config, None
        return
    file = config.data_dir / FAKES_FILE
    settings = FakesSettings(config.fakes_listen, webhook_secret=_webhook_secret(config), file=file)
    async with fakes_running(settings) as fakes:
        yield replace(config, **fakes.settings), fakes


@asynccontextmanager
async def webhook_adapter(config: Config, service: str, fakes: Fakes | None) -> AsyncIterator[str]:
    """Run the webhook adapter in front of the service at an address, and have the fakes send their webhooks to it.

    Gives its URL; empty if ``webhooks_listen`` is, and none runs. Nor does one in front of a Unix socket: it calls a
    host and a port. Raises CommandFailure.
    """
    if not config.webhooks_listen or service.startswith("unix:"):
        yield ""
        return
    token = _token(config)
    async with AsyncExitStack() as stack:
        try:
            port = await stack.enter_async_context(webhooks_serving(webhooks_settings(config, service), lambda: token))
        except InvalidSetting as error:
            raise CommandFailure(str(error), MISUSED) from error
        scheme = "https" if config.webhooks_listen_tls_certificate_file else "http"
        url = f"{scheme}://{config.webhooks_listen.rpartition(':')[0]}:{port}"
        if fakes:
            fakes.outgoing.deliver_to(url)
        yield url


def _token(config: Config) -> str:
    adapter = Identity("webhooks", ("SERVICE",), ("payments.ingest",))
    return development_token(config, adapter, lifetime_seconds=TOKEN_SECONDS)


def _webhook_secret(config: Config) -> str:
    """Return the data folder's own secret, which stays the same across starts."""
    seed = DataFolder(config.data_dir).page_token_secret()
    return hmac.digest(seed.encode(), b"webhooks of the fake providers", hashlib.sha256).hex()
