"""``creditd run``: everything that development needs, in one process and one folder, and gone with Ctrl-C."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager

from creditd.cli.admin import Administrator
from creditd.cli.arguments import Arguments
from creditd.cli.invocation import creditd
from creditd.cli.output import DONE, MISUSED, CommandFailure, say
from creditd.cli.processes import require_free_port
from creditd.cli.serve import run_loop
from creditd.cli.server import serving
from creditd.cli.signals import told_to_stop
from creditd.config import Config, configuration
from creditd.development.administrator import first_administrator
from creditd.development.data_folder import DataFolder
from creditd.development.database import held, ready_to_serve
from creditd.development.examples import examples
from creditd.development.fakes.server import Fakes
from creditd.development.payments import providers, real_providers, webhook_adapter
from creditd.development.staff_pages import staff_pages
from creditd.server.listener import ListenError
from creditd.telemetry.lines import LineWriter
from creditd.telemetry.logs import configure_logs


def command(argv: Sequence[str]) -> int:
    """Run until Ctrl-C or SIGTERM, and end everything that was started."""
    arguments = command_parser().parsed(argv)
    config = configuration(
        {
            "listen": arguments.listen,
            "metrics_listen": arguments.metrics_listen,
            "webhooks_listen": arguments.webhooks_listen,
            "fakes_listen": arguments.fakes_listen,
            "console_listen": arguments.console_listen,
        }
    )
    folder = DataFolder(config.data_dir)
    _require_free_ports(config)
    with held(folder), _logging_to(folder, config.log_level) as lines:
        _announce(config, folder)
        with ready_to_serve(config, folder) as complete:
            # Whoever brings a database along makes administrators for it.
            made = None if config.database_url else first_administrator(complete)
            return run_loop(lambda: _serve(complete, lines, made))


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("run", __doc__)
    parser.add_argument("--listen", metavar="HOST:PORT", help="where to serve gRPC (CREDITD_LISTEN)")
    parser.add_argument("--metrics-listen", metavar="HOST:PORT", help="where to serve metrics, '' for nowhere")
    parser.add_argument("--webhooks-listen", metavar="HOST:PORT", help="where to take webhooks, '' for nowhere")
    parser.add_argument("--fakes-listen", metavar="HOST:PORT", help="where the fake payment providers are")
    parser.add_argument("--console-listen", metavar="HOST:PORT", help="where staff have their pages, '' for nowhere")
    return parser


def _require_free_ports(config: Config) -> None:
    """Check the ports before anything is started or written."""
    addresses = {
        "--listen": config.listen,
        "--metrics-listen": config.metrics_listen,
        "--webhooks-listen": config.webhooks_listen,
        "--console-listen": config.console_listen,
        "--fakes-listen": "" if real_providers(config) else config.fakes_listen,
    }
    for flag, address in addresses.items():
        if not address or address.startswith("unix:"):
            continue
        try:
            require_free_port(address)
        except ListenError as error:
            raise CommandFailure(
                f"{error}. Is it running already? If not, choose another port: {creditd()} run {flag} HOST:PORT",
                MISUSED,
            ) from error


@contextmanager
def _logging_to(folder: DataFolder, level: str) -> Iterator[LineWriter]:
    """Log to the data folder; warnings show on the screen too, each in a line."""
    if folder.log.exists():
        folder.log.replace(folder.log.with_suffix(".log.1"))
    # Who called about which account is nobody else's business on a shared machine.
    folder.log.touch(mode=0o600)
    with folder.log.open("ab", buffering=0) as file:
        lines = configure_logs(level, file.fileno())
        screen = logging.StreamHandler()
        screen.setLevel(logging.WARNING)
        screen.setFormatter(_OneLine("%(levelname)s %(message)s"))
        logging.getLogger().addHandler(screen)
        try:
            yield lines
        finally:
            lines.close()


class _OneLine(logging.Formatter):
    """The message alone: its traceback stands in the log file."""

    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        return self.formatMessage(record)


def _announce(config: Config, folder: DataFolder) -> None:
    is_new = not folder.postgres.exists()
    embedded = f"embedded PostgreSQL in {folder.postgres}{' (made now: a few seconds)' if is_new else ''}"
    say("creditd for development")
    say(f"  data folder  {folder.path} (CREDITD_DATA_DIR); log in {folder.log}")
    say(f"  database     {'that of CREDITD_DATABASE_URL' if config.database_url else embedded}")


async def _serve(config: Config, lines: LineWriter, administrator: Administrator | None) -> int:
    told = told_to_stop()
    async with AsyncExitStack() as stack:
        async with told.unless_told():
            using, fakes = await stack.enter_async_context(providers(config))
            service = await stack.enter_async_context(serving(using, lines))
            host = config.listen.rpartition(":")[0]
            address = config.listen if config.listen.startswith("unix:") else f"{host}:{service.port}"
            webhooks_url = await stack.enter_async_context(webhook_adapter(config, address, fakes))
            console_url = await stack.enter_async_context(staff_pages(config, address))
        if console_url:
            say(f"  console      {console_url}")
        if administrator:
            say(f"  first administrator: {administrator.email}, password {administrator.password} (shown this once)")
        _say_where(config, address, webhooks_url, fakes)
        say()
        say(examples(config, address, sells=fakes is not None))
        await told.wait()
        say("\nstopping")
    return DONE


def _say_where(config: Config, address: str, webhooks_url: str, fakes: Fakes | None) -> None:
    real = ", ".join(real_providers(config))
    fake = f"fake Stripe, Omise and Lemon Squeezy at {fakes.url if fakes else ''}, because no provider is configured"
    say(f"  payments     {real or fake}")
    if webhooks_url:
        say(f"  webhooks     {webhooks_url}/webhooks/..., health {webhooks_url}/healthz")
    if config.metrics_listen:
        scheme = "https" if config.metrics_tls_certificate_file else "http"
        say(f"  metrics      {scheme}://{config.metrics_listen}/metrics")
    say(f"  gRPC         {address}")
