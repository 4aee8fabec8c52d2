"""`make bench PEERS=1`: what pgledger's transfer reaches under pgbench, in the same PostgreSQL and the same minutes.

pgledger is a ledger in PL/pgSQL: a transfer changes two accounts and writes a row of its own and two entries. It has no
holds, no request ids, no server and no log; so it is what a database alone does for somebody who asks it well. Its code
is no part of this project.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import psycopg

from tests.bench.cpu import CpuMeter, CpuSeconds
from tests.bench.figures import Row
from tests.bench.job import Outcome
from tests.bench.naive import Yardstick, Yardsticks
from tests.bench.pgbench import Pgbench, PgbenchOutcome, Script
from tests.bench.plan import Plan
from tests.bench.rounds import Round, Used
from tests.bench.service_process import empty_database

VARIABLE: Final = "PGLEDGER_SQL"

HOW_TO_GET_IT: Final = f"""\
PEERS=1 needs pgledger's SQL: get it from https://github.com/pgr0ss/pgledger, and name it by its path,
    make bench PEERS=1 {VARIABLE}=/path/to/pgledger.sql
Versions that make ULIDs need the SQL of scoville/pgsql-ulid first: name both files, with a colon between them."""

# pgledger makes the ids of accounts itself; pgbench draws numbers.
_ACCOUNTS = """
CREATE TABLE bench_numbers (number integer PRIMARY KEY, id text NOT NULL);
INSERT INTO bench_numbers
    SELECT number, made.id FROM generate_series(0, {accounts}) AS number
    CROSS JOIN LATERAL pgledger_create_account('account-' || number, 'USD') AS made;
VACUUM ANALYZE bench_numbers;
"""

# Never to itself: the receiver is so many numbers further on, around.
_TRANSFER = """
\\set sender random({first}, {last})
\\set receiver 1 + (:sender - 1 + random(1, {accounts} - 1)) % {accounts}
SELECT pgledger_create_transfer((SELECT id FROM bench_numbers WHERE number = :sender),
                                (SELECT id FROM bench_numbers WHERE number = :receiver), '3');
"""


def sql_files(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """The files that PGLEDGER_SQL names, in the order in which they are loaded. Raises SystemExit if it names none."""
    files = [Path(name) for name in environment.get(VARIABLE, "").split(os.pathsep) if name]
    missing = [str(file) for file in files if not file.is_file()]
    if missing or not files:
        raise SystemExit("\n".join((*(f"There is no {name}." for name in missing), HOW_TO_GET_IT)))
    return files


class Pgledger:
    """pgledger in a database of its own, with accounts of the same numbers as the service has."""

    def __init__(self, database_url: str, meter: CpuMeter, accounts: int, files: list[Path]) -> None:
        """Makes the database beside the service's, in the same PostgreSQL, and loads pgledger's SQL into it."""
        url = empty_database(database_url, "pgledger")
        with psycopg.connect(url, autocommit=True) as connection:
            for file in files:
                connection.execute(file.read_bytes())
            for statement in _ACCOUNTS.format(accounts=accounts).split(";\n"):
                if statement.strip():
                    connection.execute(statement.encode())
        self._accounts = accounts
        self._pgbench = Pgbench(url, meter)

    def run(self, spread: tuple[int, int], clients: int, seconds: float) -> PgbenchOutcome:
        """Transfers from the accounts of the spread, its first number and how many, to any of the numbered ones."""
        first, last = spread[0], sum(spread) - 1
        transfer = Script(_TRANSFER.format(first=first, last=last, accounts=self._accounts))
        return self._pgbench.run([transfer], clients, seconds)


def measure_peers(pgledger: Pgledger, yardsticks: Yardsticks, plan: Plan) -> Iterator[Round]:
    """Runs the transfer on each spread with each number of clients, between two runs of the naive transaction."""
    for spread in plan.spreads:
        accounts = plan.numbers(spread)
        for clients in plan.callers:
            before = yardsticks.run(Yardstick.NAIVE, accounts, clients, plan.yardstick_s)
            found = pgledger.run(accounts, clients, plan.round_s)
            after = yardsticks.run(Yardstick.NAIVE, accounts, clients, plan.yardstick_s)
            row = Row(spread, clients, "pgledger", "transfer")
            yield Round(row, _outcome(found), Used(_cpu(found), switches=0), before.mean(after))


def _outcome(found: PgbenchOutcome) -> Outcome:
    transactions = round(found.transactions)
    return Outcome(
        rate=found.rate,
        p50_ms=found.p50_ms,
        p99_ms=found.p99_ms,
        p999_ms=found.p999_ms,
        operations=transactions,
        calls=transactions,
        acknowledged=0,
        unanswered=0,
        generator_cpu_s=found.generator_us * transactions / 1e6,
        wall_s=transactions / found.rate,
    )


def _cpu(found: PgbenchOutcome) -> CpuSeconds:
    return CpuSeconds(server=0.0, postgres=found.postgres_us * found.transactions / 1e6)
