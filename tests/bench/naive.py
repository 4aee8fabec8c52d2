"""The yardstick: pgbench with the transaction that a straightforward credit service would do for each reserve."""

import re
import subprocess
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Self

import psycopg

from creditd.development.postgres import program
from tests.bench.cpu import CpuMeter

_TABLES = """
CREATE SCHEMA pgbench_naive;
CREATE TABLE pgbench_naive.bench_accounts (
    id text PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0), version bigint NOT NULL);
CREATE TABLE pgbench_naive.bench_reservations (
    account_id text, id uuid, amount bigint NOT NULL, state smallint NOT NULL,
    expire_time timestamptz NOT NULL, create_time timestamptz NOT NULL, PRIMARY KEY (account_id, id));
CREATE TABLE pgbench_naive.bench_entries (
    account_id text, version bigint, kind smallint NOT NULL, amount bigint NOT NULL, balance_after bigint NOT NULL,
    reservation_id uuid NOT NULL, create_time timestamptz NOT NULL, PRIMARY KEY (account_id, version));
CREATE TABLE pgbench_naive.bench_request_ids (
    account_id text, request_id uuid, version bigint NOT NULL, PRIMARY KEY (account_id, request_id));
INSERT INTO pgbench_naive.bench_accounts
    SELECT 'account-' || lpad(n::text, 6, '0'), 1000000000000, 0 FROM generate_series(1, {accounts}) n;
VACUUM ANALYZE pgbench_naive.bench_accounts;
"""

# The reservation's id rises with time where PostgreSQL can make such ones, as the service's own do; a naive
# transaction that was held back by random keys would be too easy to beat.
_TRANSACTION = """
\\set n random(1, {accounts})
BEGIN;
SELECT id AS account, balance - 3 AS balance, version + 1 AS version, {uuid}() AS reservation
    FROM pgbench_naive.bench_accounts WHERE id = 'account-' || lpad(:n::text, 6, '0') FOR UPDATE \\gset
UPDATE pgbench_naive.bench_accounts SET balance = :balance, version = :version WHERE id = :account;
INSERT INTO pgbench_naive.bench_reservations
    VALUES (:account, :reservation, 3, 1, now() + interval '5 minutes', now());
INSERT INTO pgbench_naive.bench_entries VALUES (:account, :version, 6, 3, :balance, :reservation, now());
INSERT INTO pgbench_naive.bench_request_ids VALUES (:account, gen_random_uuid(), :version);
COMMIT;
"""

_RATE = re.compile(r"^tps = ([0-9.]+) ", re.MULTILINE)
_FIRST_WITH_UUIDV7 = 180_000


@dataclass(frozen=True)
class NaiveOutcome:
    """Transactions a second, how long one took and PostgreSQL's processor time for it."""

    rate: float
    p50_ms: float
    p99_ms: float
    postgres_us: float

    def mean(self, other: Self) -> Self:
        """Half way between this run and another, for what was measured between the two."""
        mine, others = astuple(self), astuple(other)
        return type(self)(*(sum(pair) / 2 for pair in zip(mine, others, strict=True)))


class Naive:
    """pgbench's naive transaction on tables of its own in the same database."""

    def __init__(self, database_url: str, meter: CpuMeter, accounts: int) -> None:
        """Makes the tables, with as many accounts as the service has."""
        self._url = database_url
        self._meter = meter
        with psycopg.connect(database_url, autocommit=True) as connection:
            for statement in _TABLES.format(accounts=accounts).split(";\n"):
                if statement.strip():
                    connection.execute(statement.encode())
            self._uuid = "uuidv7" if connection.info.server_version >= _FIRST_WITH_UUIDV7 else "gen_random_uuid"

    def run(self, accounts: int, clients: int, seconds: int) -> NaiveOutcome:
        """Runs the transaction for so long, with as many clients as the round that it is compared with has callers."""
        with tempfile.TemporaryDirectory() as folder:
            script, log = Path(folder, "naive.sql"), Path(folder, "log")
            script.write_text(_TRANSACTION.format(accounts=accounts, uuid=self._uuid))
            options = f"-n -M prepared -c {clients} -j {min(clients, 2)} -T {seconds} --log --log-prefix {log}"
            command = [str(program("pgbench")), *options.split(), "-f", str(script), self._url]
            before = self._meter.read().postgres
            process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 60)
            used_s = self._meter.read().postgres - before
            rate = _RATE.search(process.stdout)
            if process.returncode != 0 or rate is None:
                raise RuntimeError(f"pgbench failed: {process.stderr}")
            latencies_ms = _latencies_ms(Path(folder))
        count = len(latencies_ms)
        p50, p99 = latencies_ms[count // 2], latencies_ms[count * 99 // 100]
        return NaiveOutcome(float(rate[1]), p50, p99, used_s / count * 1e6)


def _latencies_ms(folder: Path) -> list[float]:
    lines = (line for log in folder.glob("log.*") for line in log.read_text().splitlines())
    return sorted(int(line.split()[2]) / 1_000 for line in lines)
