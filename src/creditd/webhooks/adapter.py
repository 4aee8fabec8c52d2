"""The adapter, running while a block does: in a process of its own, or inside another one."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from creditd.addresses import Listener
from creditd.certificates import Validity, warn_of_ends
from creditd.front.http_server import HttpPlace, encryption, listening
from creditd.webhooks import limits
from creditd.webhooks.application import Application
from creditd.webhooks.channel import IngestionChannel
from creditd.webhooks.http_server import http_serving
from creditd.webhooks.ingestion import Ingestion
from creditd.webhooks.settings import Token, WebhooksSettings

log = logging.getLogger(__name__)


@asynccontextmanager
async def webhooks_serving(settings: WebhooksSettings, token: Token) -> AsyncIterator[int]:
    """Serve on this event loop until the block ends, and yield the port. The service need not be up.

    At the end of the block those under way are answered, and others are turned away meanwhile. Signals are left alone.
    Raises InvalidSetting, before anything is served.
    """
    context, renewals = encryption(_place(settings)) or (None, None)
    channel = IngestionChannel(settings)

    def validities() -> list[Validity]:
        return [*channel.validities, *(renewals.validities if renewals else ())]

    warning = asyncio.create_task(warn_of_ends(validities), name="ends of certificates")
    try:
        listener = listening(settings.listen)
        port: int = listener.getsockname()[1]
        application = Application(Ingestion(channel, token), settings.address_calls_per_minute)
        async with http_serving(application.routes, listener, context):
            # The first webhook need not wait for a connection.
            channel.connect()
            log.info("listening for webhooks", extra={"port": port})
            try:
                yield port
            finally:
                log.info("stopping")
                await application.drain(limits.GRACE_SECONDS)
        log.info("stopped")
    finally:
        warning.cancel()
        await channel.close()


def _place(settings: WebhooksSettings) -> HttpPlace:
    files = (settings.listen_tls_certificate_file, settings.listen_tls_key_file)
    return HttpPlace(
        Listener.WEBHOOKS, settings.listen, *files, settings.plaintext_listeners, "CREDITD_WEBHOOKS_LISTEN"
    )
