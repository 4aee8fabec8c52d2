"""Everything that the benchmark knows of the service's command line, settings and tables; the only place to adapt."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, LiteralString
from urllib.parse import urlsplit

import grpc
import psycopg
from psycopg import sql

from creditd.development.postgres import embedded_postgres
from creditd.development.postgres.logins import server_url
from creditd.development.tokens import SigningKey, make_signing_key, sign_token
from creditd.storage.schema import migrate
from tests.bench.transport import NAMES, serving_transport
from tests.bench.transport import environment as transport_setting

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
"""What must be on, or the figures mean nothing."""

# 256 pgbench clients beside the server's pool; and no checkpoint in the middle of one of two rounds to be compared.
SETTINGS = DURABLE | {"max_connections": "400", "max_wal_size": "16GB", "checkpoint_timeout": "30min"}
_SERVE = (str(Path(sys.executable).with_name("creditd")), "serve")
_SERVING = b"\x08\x01"
"""A HealthCheckResponse that says so."""
_STARTS_WITHIN_S = 30
_STOPS_WITHIN_S = 30
_SCOPES = ("credits.spend", "credits.read", "credits.admin")
_LOG_TAIL = 4_000


BALANCE_LOOK_UP = """
SELECT a.version, a.status, a.unlimited, a.unlimited_until, w.version, w.available, w.reserved, w.debt,
       w.next_expire_time, w.update_time, g.grant_id, g.source, g.remaining, g.expire_time, g.grace_end
    FROM accounts AS a
    LEFT JOIN wallets AS w ON w.account_id = a.account_id AND w.credit_type = 'spec'
    LEFT JOIN grants AS g ON g.account_id = w.account_id AND g.credit_type = w.credit_type AND g.live
    WHERE a.account_id = {account}
"""
"""What a GetBalance has to look up at least, by key; `account` is an expression of the account's id."""


_REPEATS: Final = """
SELECT (SELECT count(*) - count(DISTINCT (account_id, request_id)) FROM entries WHERE request_id IS NOT NULL)
     + (SELECT coalesce(sum(abs(w.version - counted.entries)), 0)
        FROM wallets AS w
        CROSS JOIN LATERAL (SELECT count(*) AS entries FROM entries AS e
                            WHERE e.account_id = w.account_id AND e.credit_type = w.credit_type) AS counted)
"""


@dataclass(frozen=True)
class Service:
    """A running server with its database: where it listens, whom it trusts, which process it is, how it serves."""

    port: int
    token: str
    pid: int
    database_url: str
    metrics_port: int
    transport: str


@contextmanager
def running_service() -> Iterator[Service]:
    """A fresh database and a migrated, serving server on it; both are gone afterwards."""
    with running_services((None,)) as (service,):
        yield service


@contextmanager
def running_services(transports: Sequence[str | None]) -> Iterator[list[Service]]:
    """A server for each of these transports, None for the one that serves by default.

    Each has a fresh database of its own, as it would refresh its copies of what the others write; all databases are in
    one PostgreSQL, so that they find the same files, memory and processes.
    """
    with fresh_database() as database_url, ExitStack() as stack:
        services = []
        for number, transport in enumerate(transports):
            url = database_url if number == 0 else migrated_database(database_url, f"bench_{number}")
            services.append(stack.enter_context(serving(url, transport)))
        yield services


@contextmanager
def fresh_database(settings: Mapping[str, str] = SETTINGS) -> Iterator[str]:
    """A PostgreSQL of its own on the disk that temporary files are on, durable, with the service's tables."""
    with (
        tempfile.TemporaryDirectory(prefix="creditd-bench-") as folder,
        embedded_postgres(Path(folder, "data"), settings=settings) as database_url,
    ):
        _require_durable(database_url)
        migrate(database_url)
        yield database_url


def empty_database(database_url: str, name: str) -> str:
    """The URL of a new database in the same PostgreSQL."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlsplit(database_url)._replace(path=f"/{name}").geturl()


def migrated_database(database_url: str, name: str) -> str:
    """The URL of a new database in the same PostgreSQL, with the service's tables."""
    url = empty_database(database_url, name)
    migrate(url)
    return url


@contextmanager
def serving(database_url: str, transport: str | None = None, key: SigningKey | None = None) -> Iterator[Service]:
    """One server process with everything on, ready when this returns, by this transport or the one it has by default.

    It trusts tokens of `key`, or of one of its own. Raises SystemExit if it serves by another than was asked for.
    """
    port, metrics_port = _free_port(), _free_port()
    with tempfile.TemporaryDirectory(prefix="creditd-bench-") as folder:
        key = key or make_signing_key(Path(folder, "keys"))
        token = sign_token(key, "bench", ["SERVICE"], _SCOPES)
        environment = _environment(server_url(database_url), port, metrics_port, key.public_file)
        environment |= transport_setting(transport)
        log = Path(folder, "server.log")
        with _process(environment, log) as process:
            try:
                _await_serving(port, process)
                serves = serving_transport(metrics_port)
                _require_transport(transport, serves)
                yield Service(port, token, process.pid, database_url, metrics_port, serves)
            except BaseException:
                sys.stderr.write(log.read_text(errors="replace")[-_LOG_TAIL:])
                raise


def ledger_rows(database_url: str) -> int:
    """How many rows the ledger has by callers' requests; what the service did by itself is not counted."""
    return int(_value(database_url, "SELECT count(*) FROM entries WHERE request_id IS NOT NULL"))


def ledger_repeats(database_url: str) -> int:
    """How many rows too many it has: by a request that has one already, or with a version off its wallet's count."""
    return int(_value(database_url, _REPEATS))


def expired_holds(database_url: str) -> int:
    """How many holds the service has given back by itself."""
    query = "SELECT count(*) FROM entries WHERE request_id IS NULL AND reservation_id IS NOT NULL"
    return int(_value(database_url, query))


def _value(database_url: str, query: LiteralString) -> Any:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


@contextmanager
def _process(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    # The log goes to a file, as in production it goes to a collector: writing its lines is part of what is measured.
    with log.open("wb") as output, subprocess.Popen(_SERVE, env=environment, stdout=output, stderr=output) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(_STOPS_WITHIN_S)


def _environment(database_url: str, port: int, metrics_port: int, public_key: Path) -> dict[str, str]:
    # Whoever runs the benchmark may have settings of a server of their own, which are not to be measured.
    others = {name: value for name, value in os.environ.items() if not name.startswith("CREDITD_")}
    return others | {
        "CREDITD_DATABASE_URL": database_url,
        "CREDITD_LISTEN": f"127.0.0.1:{port}",
        "CREDITD_METRICS_LISTEN": f"127.0.0.1:{metrics_port}",
        "CREDITD_WORKERS": "1",
        # Nobody has to be told that it ends.
        "CREDITD_DRAIN_SECONDS": "0",
        "CREDITD_JWT_PUBLIC_KEY_FILES": str(public_key),
        "CREDITD_PAGE_TOKEN_SECRET": secrets.token_hex(32),
    }


def _require_transport(asked: str | None, serves: str) -> None:
    if asked is not None and serves != NAMES[asked]:
        raise SystemExit(f"Asked for {NAMES[asked]}, the server serves by {serves}: its log says why.")


def _require_durable(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        for name, wanted in DURABLE.items():
            row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            if row is None or row[0] != wanted:
                raise RuntimeError(f"{name} is {row and row[0]}, not {wanted}")


def _await_serving(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        check: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/grpc.health.v1.Health/Check")
        while process.poll() is None and time.monotonic() < deadline:
            try:
                answer = check(b"", timeout=1, wait_for_ready=True)
            except grpc.RpcError:
                continue
            if answer == _SERVING:
                return
            time.sleep(0.05)
    raise RuntimeError("the server did not begin to serve")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
