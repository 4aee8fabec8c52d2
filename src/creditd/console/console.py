"""The console, running while a block does."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from creditd.addresses import Listener
from creditd.asgi import asgi_serving
from creditd.certificates import Validity, warn_of_ends
from creditd.console import limits
from creditd.console.application import ConsoleApplication
from creditd.console.channel import console_channel
from creditd.console.clock import Clock
from creditd.console.settings import ConsoleSettings
from creditd.front.http_server import HttpBounds, HttpPlace, encryption, http_config, listening

log = logging.getLogger(__name__)

_BOUNDS: Final = HttpBounds(limits.IDLE_SECONDS, limits.GRACE_SECONDS, limits.MAX_HEADERS_BYTES)


@asynccontextmanager
async def console_serving(
    settings: ConsoleSettings,
    clock: Clock = time.time,  # noqa: TID251 - it decides on sessions alone, and has no database whose clock to ask.
) -> AsyncIterator[int]:
    """Serve on this event loop until the block ends, and yield the port. The service need not be up.

    At the end of the block what is under way is answered. Signals are left alone. Raises InvalidSetting,
    before anything is served.
    """
    context, renewals = encryption(_place(settings)) or (None, None)
    channel = console_channel(settings)

    def validities() -> list[Validity]:
        return [*channel.validities, *(renewals.validities if renewals else ())]

    warning = asyncio.create_task(warn_of_ends(validities), name="ends of certificates")
    try:
        listener = listening(settings.listen)
        port: int = listener.getsockname()[1]
        application = ConsoleApplication(settings, channel, clock)
        async with asgi_serving(http_config(application, _BOUNDS, context), listener):
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


def _place(settings: ConsoleSettings) -> HttpPlace:
    files = (settings.listen_tls_certificate_file, settings.listen_tls_key_file)
    return HttpPlace(Listener.CONSOLE, settings.listen, *files, settings.plaintext_listeners, "CREDITD_CONSOLE_LISTEN")
