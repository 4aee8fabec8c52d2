"""A server in this process, from its settings to its end; what keeps it from starting is told in one line."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Final

from creditd import __version__
from creditd.addresses import PlaintextExposed
from creditd.bootstrap import Core, Cores, IdentityCore, Service, Telemetry, TransportFailure
from creditd.bootstrap.backups import ScheduledBackups
from creditd.certificates import InvalidCertificate
from creditd.cli.identity_access import identity_core
from creditd.cli.output import MISUSED, CommandFailure
from creditd.config import Config
from creditd.identity.storage.schema import IDENTITY_ROLE
from creditd.open_files import raise_open_files
from creditd.server.audit_signature import InvalidAuditKey
from creditd.server.authentication.keys import InvalidKey
from creditd.server.authentication.outside_issuers import InvalidIssuer
from creditd.server.listener import ListenError
from creditd.storage.connections.conninfo import InvalidConninfo, place
from creditd.storage.connections.fitness import wanting
from creditd.storage.connections.session import UnsuitableDatabase
from creditd.storage.connections.turns import Turn
from creditd.storage.database import Database
from creditd.storage.schema import schema_head
from creditd.telemetry.lines import LineWriter
from creditd.telemetry.traces import NoOpenTelemetry

log = logging.getLogger(__name__)

CREDIT: Final = "credit"
IDENTITY: Final = "identity"
"""What may be served: all services of credits and payments, and who signs users in."""

LOOK_SECONDS: Final = 5.0
"""Longest check of the database at a start. Health goes on checking; a stop must not wait for this."""


@asynccontextmanager
async def serving(config: Config, lines: LineWriter, worker_index: int | None = None) -> AsyncIterator[Service]:
    """Serve the databases that a configuration names until the block ends, then drain and stop.

    A worker shares its port with its siblings. The first worker warns of what the database's login could do, if it may
    serve all the same.

    Raises CommandFailure. A database that is away is no failure: the log says so, and health is NOT_SERVING until it
    is back.
    """
    files = raise_open_files()
    with closing(_cores(config, warns_of_powers=not worker_index)) as cores:
        service = _service(cores)
        # One worker of a server looks after them.
        backups = ScheduledBackups(config, cores.first.seconds) if config.backup_folder and not worker_index else None
        with closing(_telemetry(cores, service, lines, worker_index or 0, backups)) as telemetry:
            unfit = await _found_wanting(cores)
            await _start(service, telemetry, shared_port=worker_index is not None)
            where = {"transport": service.transport, "port": service.port, "worker": worker_index or 0}
            log.info("listening", extra=_described(cores) | where | {"open_files": files})
            _tell_of_schema(cores.first.database)
            if unfit:
                log.warning("not serving yet, health says NOT_SERVING: %s", unfit)
            if backups:
                backups.start()
            try:
                yield service
            finally:
                log.info("stopping")
                if backups:
                    await backups.close()
                await service.stop()
                log.info("stopped")


def _described(cores: Cores) -> dict[str, object]:
    """Return what the first log line says of a server; no secrets."""
    config = cores.config
    return {
        "version": __version__,
        "services": ", ".join(name for name, core in zip((CREDIT, IDENTITY), cores, strict=True) if core),
        "database": place(config.database_url or config.identity_database_url),
        "role": config.database_role if cores.credit else IDENTITY_ROLE,
        "tls": "mutual" if config.tls_client_ca_file else bool(config.tls_certificate_file),
        "providers": ", ".join(config.providers) or "none",
        "payments": "live" if config.payments_live else "test",
    }


def _tell_of_schema(database: Database) -> None:
    own = schema_head(database.schema)
    if database.revision > own:
        log.info(
            "the schema is newer than this version, which fits it and serves all the same",
            extra={"schema": database.revision, "own_schema": own},
        )


def _cores(config: Config, *, warns_of_powers: bool) -> Cores:
    """Return the cores of the databases that a configuration names. Raises CommandFailure."""
    credit = _core(config, warns_of_powers=warns_of_powers) if config.database_url else None
    return Cores(credit, identity_core(config) if config.identity_database_url else None)


def _core(config: Config, *, warns_of_powers: bool) -> Core:
    try:
        return Core(config, warns_of_powers=warns_of_powers)
    except InvalidConninfo as error:
        raise CommandFailure(f"CREDITD_DATABASE_URL {error}", MISUSED) from error
    except InvalidAuditKey as error:
        raise CommandFailure(f"CREDITD_AUDIT_KEY_FILE: {error}", MISUSED) from error


def _service(cores: Cores) -> Service:
    try:
        return Service(cores)
    except InvalidKey as error:
        raise CommandFailure(f"CREDITD_JWT_PUBLIC_KEY_FILES: {error}", MISUSED) from error
    except InvalidIssuer as error:
        raise CommandFailure(f"CREDITD_ISSUERS_FILE: {error}", MISUSED) from error
    except InvalidCertificate as error:
        raise CommandFailure(str(error), MISUSED) from error


def _telemetry(
    cores: Cores, service: Service, lines: LineWriter, worker_index: int, backups: ScheduledBackups | None
) -> Telemetry:
    try:
        statistics = backups.statistics if backups else None
        return Telemetry(cores, service, lines, worker_index=worker_index, backups=statistics)
    except (InvalidCertificate, PlaintextExposed) as error:
        raise CommandFailure(str(error), MISUSED) from error
    except NoOpenTelemetry as error:
        raise CommandFailure(f"CREDITD_OTLP_ENDPOINT is set, but {error}", MISUSED) from error
    except OSError as error:
        plus = f" (plus {worker_index} for this worker)" if worker_index else ""
        raise CommandFailure(
            f"cannot serve metrics on {cores.config.metrics_listen}{plus}: {error.strerror or error}. "
            "Set CREDITD_METRICS_LISTEN to another address, or to nothing.",
            MISUSED,
        ) from error


async def _start(service: Service, telemetry: Telemetry, *, shared_port: bool) -> None:
    try:
        await service.start(telemetry.observers, shared_port=shared_port)
    except ListenError as error:
        raise CommandFailure(str(error), MISUSED) from error
    except TransportFailure as error:
        raise CommandFailure(f"CREDITD_TRANSPORT is queue, but {error}; auto serves without it", MISUSED) from error
    telemetry.note_transport(service.transport)


async def _found_wanting(cores: Cores) -> UnsuitableDatabase | None:
    """Look first at the database that the server as a whole depends on.

    Raises CommandFailure if it cannot be used, and waiting mends nothing.
    """
    turn = Turn(LOOK_SECONDS)
    try:
        unfit = await asyncio.get_running_loop().run_in_executor(None, _look, cores.first, turn)
    except asyncio.CancelledError:
        # The thread is waited for at the end of the process.
        turn.end()
        raise
    if unfit and unfit.is_lasting:
        raise CommandFailure(f"the database cannot be used: {unfit}", MISUSED)
    return unfit


def _look(core: Core | IdentityCore, turn: Turn) -> UnsuitableDatabase | None:
    head = schema_head(core.database.schema)
    with turn.taken():
        return wanting(core.database, head, least_privilege=core.config.require_least_privilege)
