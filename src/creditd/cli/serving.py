"""A service that runs while a block does, and says in plain words why it cannot."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import uvloop

from creditd import __version__
from creditd.bootstrap import Core, Service, Telemetry
from creditd.certificates import InvalidCertificate
from creditd.cli.failure import MISUSED, Failure
from creditd.config import Config
from creditd.open_files import raise_open_files
from creditd.server.listener import ListenError
from creditd.server.tokens import InvalidKey
from creditd.storage.conninfo import InvalidConninfo, place
from creditd.storage.fitness import wanting
from creditd.storage.schema import schema_head
from creditd.storage.session import UnsuitableDatabase
from creditd.storage.turns import Turn
from creditd.telemetry.lines import LineWriter
from creditd.telemetry.tracing import NoOpenTelemetry

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""For the look at the database that a start tells of. Health goes on looking; a stop must not wait for this."""

Answer = TypeVar("Answer")


def run_loop(main: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
    """Run the one event loop of this process."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


@asynccontextmanager
async def serving(
    config: Config, lines: LineWriter, worker_index: int | None = None, *, is_development: bool = False
) -> AsyncIterator[Service]:
    """Serve until the block ends, then drain and stop. A worker shares its port with its siblings.

    The first one warns of what the database's login could do, but not in development, where it is whoever is there.

    Raises Failure. A database that is not there is none: the log says so, and health shows it until it is.
    """
    files = raise_open_files()
    core = _core(config, warns_of_powers=not worker_index and not is_development)
    telemetry = _telemetry(core, lines, worker_index or 0)
    try:
        unfit = await _found_wanting(core)
        service = Service(core, telemetry.observers)
        await _start(service, shared_port=worker_index is not None)
        log.info(
            "listening",
            extra=_described(config) | {"port": service.port, "worker": worker_index or 0, "open_files": files},
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
    """Return what an operator wants to know first of a server, none of it a secret."""
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
        raise Failure(f"CREDITD_DATABASE_URL {error}", MISUSED) from error


def _telemetry(core: Core, lines: LineWriter, worker_index: int) -> Telemetry:
    try:
        return Telemetry(core, lines, worker_index=worker_index)
    except (OSError, NoOpenTelemetry, InvalidCertificate) as error:
        core.close()
        if isinstance(error, InvalidCertificate):
            raise Failure(str(error), MISUSED) from error
        if isinstance(error, NoOpenTelemetry):
            raise Failure(f"CREDITD_OTLP_ENDPOINT is set, but {error}", MISUSED) from error
        plus = f" (plus {worker_index} for this worker)" if worker_index else ""
        raise Failure(
            f"cannot serve metrics on {core.config.metrics_listen}{plus}: {error.strerror or error}. "
            "Set CREDITD_METRICS_LISTEN to another address, or to nothing.",
            MISUSED,
        ) from error


async def _start(service: Service, *, shared_port: bool) -> None:
    try:
        await service.start(shared_port=shared_port)
    except ListenError as error:
        raise Failure(str(error), MISUSED) from error
    except InvalidKey as error:
        raise Failure(f"CREDITD_JWT_PUBLIC_KEY_FILES: {error}", MISUSED) from error


async def _found_wanting(core: Core) -> UnsuitableDatabase | None:
    """Look at the database before anything else does. Raises Failure if it cannot be used and waiting mends nothing."""
    turn = Turn(LOOK_SECONDS)
    try:
        unfit = await asyncio.get_running_loop().run_in_executor(None, _look, core, turn)
    except asyncio.CancelledError:
        # The thread is waited for at the end of the process.
        turn.end()
        raise
    if unfit and unfit.is_lasting:
        raise Failure(f"the database cannot be used: {unfit}", MISUSED)
    return unfit


def _look(core: Core, turn: Turn) -> UnsuitableDatabase | None:
    with turn.taken():
        return wanting(core.database, schema_head(), least_privilege=core.config.require_least_privilege)
