"""Everything that the benchmark knows of the service's command line, settings and tables; the only place to adapt."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import psycopg

from creditd.development.postgres import embedded_postgres
from creditd.development.tokens import make_signing_key, sign_token
from creditd.storage.schema import migrate

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


@dataclass(frozen=True)
class Service:
    """A running server with its database: where it listens, whom it trusts, which process it is."""

    port: int
    token: str
    pid: int
    database_url: str
    metrics_port: int


@contextmanager
def running_service() -> Iterator[Service]:
    """A fresh database and a migrated, serving server on it; both are gone afterwards."""
    with fresh_database() as database_url, serving(database_url) as service:
        yield service


@contextmanager
def fresh_database() -> Iterator[str]:
    """A PostgreSQL of its own on the disk that temporary files are on, durable, with the service's tables."""
    with (
        tempfile.TemporaryDirectory(prefix="creditd-bench-") as folder,
        embedded_postgres(Path(folder, "data"), settings=SETTINGS) as database_url,
    ):
        _require_durable(database_url)
        migrate(database_url)
        yield database_url


@contextmanager
def serving(database_url: str) -> Iterator[Service]:
    """One server process with everything on, ready when this returns."""
    port, metrics_port = _free_port(), _free_port()
    with tempfile.TemporaryDirectory(prefix="creditd-bench-") as folder:
        key = make_signing_key(Path(folder, "keys"))
        token = sign_token(key, "bench", ["SERVICE"], _SCOPES)
        environment = _environment(database_url, port, metrics_port, key.public_file)
        log = Path(folder, "server.log")
        with _process(environment, log) as process:
            try:
                _await_serving(port, process)
                yield Service(port, token, process.pid, database_url, metrics_port)
            except BaseException:
                sys.stderr.write(log.read_text(errors="replace")[-_LOG_TAIL:])
                raise


def ledger_rows(database_url: str) -> int:
    """How many rows the ledger has by callers' requests; what the service did by itself is not counted."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM entries WHERE request_id IS NOT NULL").fetchone()
    assert row is not None
    return int(row[0])


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
        "CREDITD_JWT_PUBLIC_KEY_FILES": str(public_key),
        "CREDITD_PAGE_TOKEN_SECRET": secrets.token_hex(32),
    }


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
