"""Hundreds of thousands of entries are exported: in how much memory, and what the neighbours have of it (C3, J5)."""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest

from credit.v1 import statement_service_pb2 as pb
from credit.v1.statement_service_pb2_grpc import StatementServiceStub
from creditd.development.postgres import EmbeddedPostgres
from tests.faults.arena import STAFF, Arena, arena
from tests.faults.client import open_channel
from tests.faults.duration import LONG_SECONDS
from tests.faults.memory import watched_memory
from tests.faults.neighbours import neighbour
from tests.faults.operations import CREDIT_TYPE
from tests.faults.processes import ServerProcess

pytestmark = [pytest.mark.requirement("C3", "J5"), pytest.mark.long, pytest.mark.timeout(LONG_SECONDS)]

ROWS = int(os.environ.get("CREDITD_TEST_STATEMENT_ROWS", "200_000"))
"""A million takes minutes, and no more memory: docs/statements.md has what was measured with it."""

SECRET = "whsec_statements"  # noqa: S105 - nothing is kept secret in a test.

MOST_MEGABYTES = 48
"""Of growth, whatever is exported: buffers of the connection, and a few chunks."""

_ACCOUNT = "INSERT INTO accounts VALUES ('exporter', 1, 1, false, NULL, now(), now())"
_WALLET = "INSERT INTO wallets VALUES ('exporter', %(credit_type)s, 0, %(rows)s, 0, 0, 0, NULL, 1, now())"
_ENTRIES = """
INSERT INTO entries (account_id, credit_type, version, kind, amount, available_delta, reserved_delta, debt_delta,
    available_after, reserved_after, debt_after, slices, request_id, ordinal, fingerprint, actor, reason, create_time)
SELECT 'exporter', %(credit_type)s, n, 9, 1, -1, 0, 0, %(rows)s - n, 0, 0, '[]', 'request-' || n, 0, 1, 'app',
       '=2+5+cmd|'' /C calc''!A0', now() - (%(rows)s - n) * interval '1 second'
FROM generate_series(1, %(rows)s) AS n
"""


@pytest.fixture(scope="module")
def place(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """Run a server on a ledger of so many entries of one wallet."""
    folder: Path = tmp_path_factory.mktemp("statements")
    providers: dict[str, Any] = {"stripe_api_key": "sk_test_statements", "stripe_webhook_secrets": SECRET}
    with arena(postgres, folder, **providers, stripe_api_url="http://127.0.0.1:9") as running:
        with psycopg.connect(running.database_url, autocommit=True) as connection:
            connection.execute(_ACCOUNT)
            for statement in (_WALLET, _ENTRIES):
                connection.execute(statement, {"credit_type": CREDIT_TYPE, "rows": ROWS})
            connection.execute("VACUUM ANALYZE entries")
        yield running


def exported(address: str, token: str = "") -> Iterator[pb.ExportTransactionsResponse]:
    """Yield the chunks of the statement, or of its rest."""
    with open_channel(address) as channel:
        request = pb.ExportTransactionsRequest(
            account_id="exporter", format=pb.STATEMENT_FORMAT_CSV, time_zone="Asia/Bangkok", resume_token=token
        )
        yield from StatementServiceStub(channel).ExportTransactions(request, metadata=STAFF)


def killed_midway(server: ServerProcess, token: str, so_far: Any) -> str:
    """Go on with a statement and kill the server at the hundredth chunk; return the token of the last that came."""
    with suppress(grpc.RpcError):
        for number, chunk in enumerate(exported(server.address, token)):
            so_far.update(chunk.data)
            token = chunk.resume_token
            if number == 99:
                server.kill()
    return token


def test_many_entries_take_little_memory_and_nobody_waits(place: Arena) -> None:
    [server] = place.servers
    lines, size, whole, tokens = 0, 0, hashlib.sha256(), []
    began = time.monotonic()
    with watched_memory([server.pid]) as memory, neighbour(server.address, SECRET) as figures:
        for chunk in exported(server.address):
            whole.update(chunk.data)
            lines += chunk.data.count(b"\r\n")
            size += len(chunk.data)
            tokens.append((chunk.resume_token, whole.copy()))
            assert b'"=' not in chunk.data
    seconds = time.monotonic() - began
    evidence = f"{lines} lines, {size / 1e6:.0f} MB in {seconds:.1f} s, {len(tokens)} chunks; {memory}"
    print(figures.table(f"{ROWS} entries as CSV", evidence))
    assert lines == ROWS + 3
    assert memory.growth < MOST_MEGABYTES
    assert not figures.failed()
    assert not figures.too_slow()
    # From near the end, so that the battery has an end: the other chunks are in tests/contract/test_statements.py.
    token, so_far = tokens[-500]
    token = killed_midway(server, token, so_far)
    assert token, "the server was gone before the statement was complete"
    server.start()
    server.await_serving()
    for chunk in exported(server.address, token):
        so_far.update(chunk.data)
    assert so_far.digest() == whole.digest()
