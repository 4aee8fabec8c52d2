"""``creditd webhooks``: the HTTP process that takes webhooks in and passes them on to the service."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from creditd.cli.arguments import Arguments
from creditd.cli.output import DONE, MISUSED, CommandFailure
from creditd.cli.signals import told_to_stop
from creditd.config import Config, configuration, require
from creditd.front.setting_errors import InvalidSetting
from creditd.open_files import raise_open_files
from creditd.telemetry.logs import configure_logs
from creditd.webhooks.adapter import webhooks_serving
from creditd.webhooks.settings import Token, WebhooksSettings
from creditd.webhooks.token_file import TokenFile

_REQUIRED: Final = {
    "webhooks_listen": "host:port, where to take webhooks",
    "webhooks_token_file": "a file with a token of a SERVICE with the scope payments.ingest, renewed in its place",
}


def command(argv: Sequence[str]) -> int:
    """Serve until told to stop; 0 if that went in order."""
    arguments = command_parser().parsed(argv)
    config = configuration({"webhooks_listen": arguments.listen, "webhooks_service": arguments.service})
    require(config, _REQUIRED)
    lines = configure_logs(config.log_level)
    raise_open_files()
    try:
        token = TokenFile(Path(config.webhooks_token_file))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(config, token))
    except InvalidSetting as error:
        raise CommandFailure(str(error), MISUSED) from error
    finally:
        lines.close()


def webhooks_settings(config: Config, service: str) -> WebhooksSettings:
    """Return what the configuration tells the adapter of the service at an address."""
    return WebhooksSettings(
        listen=config.webhooks_listen,
        service=service,
        tls_ca_file=config.webhooks_tls_ca_file,
        tls_certificate_file=config.webhooks_tls_certificate_file,
        tls_key_file=config.webhooks_tls_key_file,
        listen_tls_certificate_file=config.webhooks_listen_tls_certificate_file,
        listen_tls_key_file=config.webhooks_listen_tls_key_file,
        plaintext_listeners=config.plaintext_listeners,
        address_calls_per_minute=config.address_calls_per_minute,
    )


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("webhooks", __doc__)
    parser.add_argument("--listen", metavar="HOST:PORT", help="where to serve HTTP (CREDITD_WEBHOOKS_LISTEN)")
    parser.add_argument("--service", metavar="HOST:PORT", help="the service to call (CREDITD_WEBHOOKS_SERVICE)")
    return parser


async def _serve(config: Config, token: Token) -> int:
    told = told_to_stop()
    async with webhooks_serving(webhooks_settings(config, config.webhooks_service), token):
        await told.wait()
    return DONE
