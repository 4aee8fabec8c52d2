"""The yardsticks: pgbench with what a straightforward credit service would do for each call."""

from enum import StrEnum

import psycopg

from tests.bench.cpu import CpuMeter
from tests.bench.pgbench import Pgbench, PgbenchOutcome, Script
from tests.bench.service_process import BALANCE_LOOK_UP

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
    SELECT 'account-' || lpad(n::text, 6, '0'), 1000000000000, 0 FROM generate_series(0, {accounts}) n;
VACUUM ANALYZE pgbench_naive.bench_accounts;
"""

# The reservation's id rises with time where PostgreSQL can make such ones, as the service's own do; a naive
# transaction that was held back by random keys would be too easy to beat.
_TRANSACTION = """
\\set n random({first}, {last})
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

_LOOK_UP = f"""
\\set n random({{first}}, {{last}})
{BALANCE_LOOK_UP.format(account="'account-' || lpad(:n::text, 6, '0')")};
"""

_FIRST_WITH_UUIDV7 = 180_000


class Yardstick(StrEnum):
    """What pgbench runs beside a round."""

    NAIVE = "naive"
    LOOK_UP = "look-up"
    """What GetBalance answers with, read from the service's own tables."""
    MIXED = "10:4"
    """Ten look-ups to four naive transactions: a Confirm writes as much as a Reserve."""


class Yardsticks:
    """pgbench on the service's database, which gets tables of its own for the naive transaction."""

    def __init__(self, database_url: str, meter: CpuMeter, accounts: int) -> None:
        """Makes the tables, with the account 0 and so many others, as the service has."""
        self._pgbench = Pgbench(database_url, meter)
        with psycopg.connect(database_url, autocommit=True) as connection:
            for statement in _TABLES.format(accounts=accounts).split(";\n"):
                if statement.strip():
                    connection.execute(statement.encode())
            self._uuid = "uuidv7" if connection.info.server_version >= _FIRST_WITH_UUIDV7 else "gen_random_uuid"

    def run(
        self, yardstick: Yardstick, spread: tuple[int, int], clients: int, seconds: float, rate: float = 0.0
    ) -> PgbenchOutcome:
        """Runs one for so long, with as many clients as the round that it is compared with has callers.

        `spread` is the number of the first account and how many there are; for `rate` see `Pgbench`.
        """
        first, last = spread[0], sum(spread) - 1
        transaction = _TRANSACTION.format(first=first, last=last, uuid=self._uuid)
        look_up = _LOOK_UP.format(first=first, last=last)
        scripts = {
            Yardstick.NAIVE: [Script(transaction)],
            Yardstick.LOOK_UP: [Script(look_up)],
            Yardstick.MIXED: [Script(look_up, 10), Script(transaction, 4)],
        }
        return self._pgbench.run(scripts[yardstick], clients, seconds, rate)
