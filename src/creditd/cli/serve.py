"""``creditd serve``: the service as in production, configured by the environment; flags go over it."""

import argparse
import asyncio
import logging
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, Final, TypeVar

import uvloop

from creditd import __version__
from creditd.bootstrap import Core, Service, Telemetry, TransportFailure
from creditd.certificates import InvalidCertificate
from creditd.cli.arguments import Arguments
from creditd.cli.output import DONE, MISUSED, CommandFailure
from creditd.cli.processes import Workers, held_port, require_free_port
from creditd.cli.signals import told_to_stop
from creditd.config import Config, configuration, require
from creditd.config.environment import with_secret
from creditd.open_files import raise_open_files
from creditd.server.listener import ListenError
from creditd.server.tokens import InvalidKey
from creditd.storage.connections.conninfo import InvalidConninfo, place
from creditd.storage.connections.fitness import wanting
from creditd.storage.connections.session import UnsuitableDatabase
from creditd.storage.connections.turns import Turn
from creditd.storage.schema import schema_head
from creditd.telemetry.lines import LineWriter
from creditd.telemetry.logs import configure_logs
from creditd.telemetry.traces import NoOpenTelemetry

log = logging.getLogger(__name__)

_REQUIRED: Final = {
    "database_url": "such as postgresql://user@host/name, prepared by `creditd migrate`",
    "jwt_public_key_files": "PEM files of the keys that tokens are signed for, their names being the key ids",
}

_LIFELINE: Final = 0
"""A worker's standard input is a pipe that closes when the process that started it is gone."""


LOOK_SECONDS: Final = 5.0
"""Longest check of the database at a start. Health goes on checking; a stop must not wait for this."""

Answer = TypeVar("Answer")


def command(argv: Sequence[str]) -> int:
    """Serve until told to stop; 0 if that went in order."""
    arguments = _parser().parsed(argv)
    flags = {"listen": arguments.listen, "metrics_listen": arguments.metrics_listen, "workers": arguments.workers}
    config = configuration(flags)
    require(config, _REQUIRED)
    lines = configure_logs(config.log_level)
    try:
        config = _with_page_token_secret(config)
        if arguments.worker is None and config.workers > 1:
            return _supervise(config)
        if arguments.worker is None:
            _require_free_port(config.listen)
        return run_loop(lambda: _serve(config, lines, arguments.worker))
    finally:
        lines.close()


def _parser() -> Arguments:
    parser = Arguments("serve", __doc__)
    parser.add_argument("--listen", metavar="HOST:PORT", help="where to serve gRPC (CREDITD_LISTEN)")
    parser.add_argument("--metrics-listen", metavar="HOST:PORT", help="where to serve metrics, '' for nowhere")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that share the port (CREDITD_WORKERS)")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser


def _with_page_token_secret(config: Config) -> Config:
    if config.page_token_secret:
        return config
    log.warning(
        "CREDITD_PAGE_TOKEN_SECRET is not set: page tokens end with this process, and other servers refuse them"
    )
    return replace(config, page_token_secret=secrets.token_hex(32))


def _require_free_port(address: str) -> None:
    """Check the port first: grpc would report it in its own words on standard error."""
    try:
        if not address.startswith("unix:"):
            require_free_port(address)
    except ListenError as error:
        raise CommandFailure(f"{error}; is another server running there?", MISUSED) from error


async def _serve(config: Config, lines: LineWriter, worker: int | None) -> int:
    told = told_to_stop(None if worker is None else _LIFELINE)
    async with AsyncExitStack() as stack:
        async with told.unless_told():
            await stack.enter_async_context(serving(config, lines, worker))
        await told.wait()
    return DONE


def _supervise(config: Config) -> int:
    try:
        with held_port(config.listen) as address:
            environment = with_secret(os.environ, "page_token_secret", config.page_token_secret)
            flags = ["--listen", address, "--metrics-listen", config.metrics_listen]
            # -P: a file in the working folder that is called like a module of ours is not taken for it.
            serve = [sys.executable, "-P", "-m", "creditd.cli", "serve", *flags, "--worker"]
            workers = Workers(lambda index: [*serve, str(index)], environment, config.workers, hopeless=MISUSED)
            return asyncio.run(_run(workers))
    except ListenError as error:
        raise CommandFailure(str(error), MISUSED) from error


async def _run(workers: Workers) -> int:
    return await workers.run(told_to_stop())


def run_loop(main: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
    """Run the one event loop of this process."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


@asynccontextmanager
async def serving(
    config: Config, lines: LineWriter, worker_index: int | None = None, *, is_development: bool = False
) -> AsyncIterator[Service]:
    """Serve until the block ends, then drain and stop. A worker shares its port with its siblings.

    The first worker warns of what the database's login could do, except in development, where any login will do.

    Raises CommandFailure. A database that is away is no failure: the log says so, and health is NOT_SERVING until it
    is back.
    """
    files = raise_open_files()
    core = _core(config, warns_of_powers=not worker_index and not is_development)
    telemetry = _telemetry(core, lines, worker_index or 0)
    try:
        unfit = await _found_wanting(core)
        service = Service(core, telemetry.observers)
        await _start(service, shared_port=worker_index is not None)
        telemetry.note_transport(service.transport)
        log.info(
            "listening",
            extra=_described(config)
            | {"transport": service.transport, "port": service.port, "worker": worker_index or 0, "open_files": files},
        )
        if core.database.revision > schema_head():
            log.info(
                "the schema is newer than this version, which serves all the same: migrations only expand",
                extra={"schema": core.database.revision, "own_schema": schema_head()},
            )
        if unfit:
            log.warning("not serving yet, health says NOT_SERVING: %s", unfit)
        try:
            yield service
        finally:
            log.info("stopping")
            await service.stop()
            log.info("stopped")
    finally:
        # Once more if it was stopped, which is harmless; the one time if it never started.
        core.close()
        telemetry.close()


def _described(config: Config) -> dict[str, object]:
    """Return what the first log line says of a server; no secrets."""
    return {
        "version": __version__,
        "database": place(config.database_url),
        "role": config.database_role,
        "tls": "mutual" if config.tls_client_ca_file else bool(config.tls_certificate_file),
        "providers": ", ".join(config.providers) or "none",
        "payments": "live" if config.payments_live else "test",
    }


def _core(config: Config, *, warns_of_powers: bool) -> Core:
    try:
        return Core(config, warns_of_powers=warns_of_powers)
    except InvalidConninfo as error:
        raise CommandFailure(f"CREDITD_DATABASE_URL {error}", MISUSED) from error


def _telemetry(core: Core, lines: LineWriter, worker_index: int) -> Telemetry:
    try:
        return Telemetry(core, lines, worker_index=worker_index)
    except (OSError, NoOpenTelemetry, InvalidCertificate) as error:
        core.close()
        if isinstance(error, InvalidCertificate):
            raise CommandFailure(str(error), MISUSED) from error
        if isinstance(error, NoOpenTelemetry):
            raise CommandFailure(f"CREDITD_OTLP_ENDPOINT is set, but {error}", MISUSED) from error
        plus = f" (plus {worker_index} for this worker)" if worker_index else ""
        raise CommandFailure(
            f"cannot serve metrics on {core.config.metrics_listen}{plus}: {error.strerror or error}. "
            "Set CREDITD_METRICS_LISTEN to another address, or to nothing.",
            MISUSED,
        ) from error


async def _start(service: Service, *, shared_port: bool) -> None:
    try:
        await service.start(shared_port=shared_port)
    except ListenError as error:
        raise CommandFailure(str(error), MISUSED) from error
    except InvalidKey as error:
        raise CommandFailure(f"CREDITD_JWT_PUBLIC_KEY_FILES: {error}", MISUSED) from error
    except TransportFailure as error:
        raise CommandFailure(f"CREDITD_TRANSPORT is queue, but {error}; auto serves without it", MISUSED) from error


async def _found_wanting(core: Core) -> UnsuitableDatabase | None:
    """Look at the database first. Raises CommandFailure if it cannot be used, and waiting mends nothing."""
    turn = Turn(LOOK_SECONDS)
    try:
        unfit = await asyncio.get_running_loop().run_in_executor(None, _look, core, turn)
    except asyncio.CancelledError:
        # The thread is waited for at the end of the process.
        turn.end()
        raise
    if unfit and unfit.is_lasting:
        raise CommandFailure(f"the database cannot be used: {unfit}", MISUSED)
    return unfit


def _look(core: Core, turn: Turn) -> UnsuitableDatabase | None:
    with turn.taken():
        return wanting(core.database, schema_head(), least_privilege=core.config.require_least_privilege)
