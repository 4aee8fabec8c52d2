"""``creditd console``: the HTTP process that serves staff their pages, and calls the service for them."""

import asyncio
from collections.abc import Sequence

import uvloop

from creditd.cli.arguments import Arguments
from creditd.cli.output import DONE, MISUSED, CommandFailure
from creditd.cli.signals import told_to_stop
from creditd.config import Config, configuration
from creditd.console.console import console_serving
from creditd.console.settings import ConsoleSettings
from creditd.front.setting_errors import InvalidSetting
from creditd.open_files import raise_open_files
from creditd.telemetry.logs import configure_logs


def command(argv: Sequence[str]) -> int:
    """Serve until told to stop; 0 if that went in order."""
    arguments = command_parser().parsed(argv)
    config = configuration({"console_listen": arguments.listen, "console_service": arguments.service})
    if not config.console_listen:
        raise CommandFailure("CREDITD_CONSOLE_LISTEN is empty: it says where to serve", MISUSED)
    lines = configure_logs(config.log_level)
    raise_open_files()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(console_settings(config)))
    except InvalidSetting as error:
        raise CommandFailure(str(error), MISUSED) from error
    finally:
        lines.close()


def console_settings(config: Config) -> ConsoleSettings:
    """Return what the configuration tells the console."""
    return ConsoleSettings(
        listen=config.console_listen,
        service=config.console_service,
        url=config.console_url,
        cookie_key=config.console_cookie_key,
        idle_seconds=config.console_idle_seconds,
        session_seconds=config.console_session_seconds,
        tls_ca_file=config.console_tls_ca_file,
        tls_certificate_file=config.console_tls_certificate_file,
        tls_key_file=config.console_tls_key_file,
        listen_tls_certificate_file=config.console_listen_tls_certificate_file,
        listen_tls_key_file=config.console_listen_tls_key_file,
        plaintext_listeners=config.plaintext_listeners,
        sso_issuer=config.console_sso_issuer,
        sso_client_id=config.console_sso_client_id,
        sso_client_secret=config.console_sso_client_secret,
        sso_scopes=config.console_sso_scopes,
    )


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("console", __doc__)
    parser.add_argument("--listen", metavar="HOST:PORT", help="where to serve HTTP (CREDITD_CONSOLE_LISTEN)")
    parser.add_argument("--service", metavar="HOST:PORT", help="the service to call (CREDITD_CONSOLE_SERVICE)")
    return parser


async def _serve(settings: ConsoleSettings) -> int:
    told = told_to_stop()
    async with console_serving(settings):
        await told.wait()
    return DONE
