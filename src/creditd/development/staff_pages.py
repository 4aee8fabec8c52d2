"""The console on a developer's machine: before the service that ``creditd run`` has started, in the same process."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from creditd.cli.console import console_settings
from creditd.cli.output import MISUSED, CommandFailure
from creditd.config import Config
from creditd.console.console import console_serving
from creditd.development.data_folder import DataFolder
from creditd.front.setting_errors import InvalidSetting


@asynccontextmanager
async def staff_pages(config: Config, service: str) -> AsyncIterator[str]:
    """Serve the console of the service at an address until the block ends, and give its URL.

    It is empty if ``console_listen`` is, and nothing is served then; nor before a Unix socket: the console calls a host
    and a port. Raises CommandFailure.
    """
    if not config.console_listen or service.startswith("unix:"):
        yield ""
        return
    settings = console_settings(config)._replace(
        service=service, cookie_key=config.console_cookie_key or _cookie_key(config)
    )
    try:
        async with console_serving(settings) as port:
            scheme = "https" if config.console_listen_tls_certificate_file else "http"
            yield config.console_url or f"{scheme}://{config.console_listen.rpartition(':')[0]}:{port}/"
    except InvalidSetting as error:
        raise CommandFailure(str(error), MISUSED) from error


def _cookie_key(config: Config) -> str:
    """Return the data folder's own key, which stays the same across starts: nobody has to sign in again."""
    seed = DataFolder(config.data_dir).page_token_secret()
    return hmac.digest(seed.encode(), b"cookies of the console", hashlib.sha256).hex()
