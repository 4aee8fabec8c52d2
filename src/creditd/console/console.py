"""The console, running while a block does."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from creditd.certificates import Validity, warn_of_ends
from creditd.console.application import ConsoleApplication
from creditd.console.channel import console_channel
from creditd.console.clock import Clock
from creditd.console.settings import ConsoleSettings
from creditd.console.wire.http_server import console_encryption, console_http_serving, console_listener

log = logging.getLogger(__name__)


@asynccontextmanager
async def console_serving(
    settings: ConsoleSettings,
    clock: Clock = time.time,  # noqa: TID251 - it decides on sessions alone, and has no database whose clock to ask.
) -> AsyncIterator[int]:
    """Serve on this event loop until the block ends, and yield the port. The service need not be up.

    At the end of the block what is under way is answered. Signals are left alone. Raises InvalidConsoleSetting, before
    anything is served.
    """
    context, renewals = console_encryption(settings) or (None, None)
    channel = console_channel(settings)

    def validities() -> list[Validity]:
        return [*channel.validities, *(renewals.validities if renewals else ())]

    warning = asyncio.create_task(warn_of_ends(validities), name="ends of certificates")
    try:
        listener = console_listener(settings.listen)
        port: int = listener.getsockname()[1]
        application = ConsoleApplication(settings, channel, clock)
        async with console_http_serving(application, listener, context):
            log.info("listening for the console", extra={"port": port})
            try:
                yield port
            finally:
                log.info("stopping")
                application.stop()
        log.info("stopped")
    finally:
        warning.cancel()
        await channel.close()
