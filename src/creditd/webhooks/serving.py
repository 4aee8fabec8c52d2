"""The adapter, while a block does: in a process of its own, or inside another one."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from creditd.certificates import warn_of_ends
from creditd.webhooks.application import Application
from creditd.webhooks.channel import channel_to, is_reachable, validities
from creditd.webhooks.http_server import http_serving, listening
from creditd.webhooks.service import Service
from creditd.webhooks.settings import Token, WebhooksSettings

log = logging.getLogger(__name__)


@asynccontextmanager
async def webhooks_serving(settings: WebhooksSettings, token: Token) -> AsyncIterator[int]:
    """Serve on this event loop until the block ends, and give the port. The service need not be there.

    At the end of the block no more webhooks are taken, and those under way are answered. Signals are left alone.
    Raises InvalidSetting, before anything is served.
    """
    channel = channel_to(settings)
    warning = asyncio.create_task(warn_of_ends(validities(settings)), name="ends of certificates")
    try:
        listener = listening(settings.listen)
        port: int = listener.getsockname()[1]
        async with http_serving(Application(Service(channel, token)).routes, listener):
            # The first webhook need not wait for a connection.
            is_reachable(channel)
            log.info("listening for webhooks", extra={"port": port})
            try:
                yield port
            finally:
                log.info("stopping")
        log.info("stopped")
    finally:
        warning.cancel()
        await channel.close()
