"""Each way to measure, at its shortest, on a service of its own: what it says of the ledger is what the ledger has."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.bench import at_rate
from tests.bench.at_rate import measure_at_rates
from tests.bench.naive import Yardsticks
from tests.bench.peers import HOW_TO_GET_IT, VARIABLE, Pgledger, measure_peers, sql_files
from tests.bench.plan import GET_BALANCE, HOT, MIX, QUICK, RESERVE, UNIFORM, Plan
from tests.bench.report import COLUMNS, Ledger, line
from tests.bench.rounds import Subject, measure_all, seed, subject
from tests.bench.seed import seed as fill
from tests.bench.service_process import (
    expired_holds,
    ledger_repeats,
    ledger_rows,
    migrated_database,
    running_services,
)
from tests.bench.steady import COLUMNS as STEADY_COLUMNS
from tests.bench.steady import line as steady_line
from tests.bench.steady import steady
from tests.bench.transport import CHOICES
from tests.support.patience import eventually

_ACCOUNTS = 20


@pytest.fixture(scope="module")
def subjects() -> Iterator[list[Subject]]:
    with running_services(CHOICES) as services:
        for service in services:
            seed(service, 0, 1 + _ACCOUNTS)
        yield [subject(service) for service in services]


@pytest.fixture(scope="module")
def measured(subjects: list[Subject]) -> Subject:
    return subjects[-1]


@pytest.fixture(scope="module")
def yardsticks(measured: Subject) -> Yardsticks:
    return Yardsticks(measured.service.database_url, measured.meter, _ACCOUNTS)


@pytest.fixture
def plan() -> Plan:
    modes, spreads = (RESERVE, GET_BALANCE, MIX), (UNIFORM,)
    short = replace(QUICK, callers=(4,), round_s=0.8, warmup_s=0.1, yardstick_s=1)
    return replace(short, modes=modes, spreads=spreads, accounts=_ACCOUNTS)


def test_a_version_beyond_the_rows_of_its_wallet_is_a_repeat_or_a_loss(measured: Subject) -> None:
    url = measured.service.database_url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE wallets SET version = version + 2 WHERE account_id = 'account-000007'")
        found = ledger_repeats(url)
        connection.execute("UPDATE wallets SET version = version - 2 WHERE account_id = 'account-000007'")
    assert (found, ledger_repeats(url)) == (2, 0)


_NOT_ADDED_UP = """
SELECT account_id FROM wallets AS w
WHERE (available, reserved) <> (SELECT sum(available_delta), sum(reserved_delta) FROM entries AS e
                                WHERE e.account_id = w.account_id AND e.credit_type = w.credit_type)
   OR available <> (SELECT sum(remaining) FROM grants AS g
                    WHERE g.account_id = w.account_id AND g.credit_type = w.credit_type)
"""


def test_a_seeded_database_has_ledgers_that_add_up(measured: Subject) -> None:
    url = migrated_database(measured.service.database_url, "seeded")
    assert fill(url, accounts=3, entries_per_account=20) == ledger_rows(url) == 60
    assert ledger_repeats(url) == 0
    with psycopg.connect(url) as connection:
        wrong = connection.execute(_NOT_ADDED_UP).fetchall()
    assert wrong == []


def test_each_round_of_each_transport_stands_beside_its_yardstick_and_in_the_ledger(
    subjects: list[Subject], yardsticks: Yardsticks, plan: Plan
) -> None:
    urls = [each.service.database_url for each in subjects]
    before = [ledger_rows(url) for url in urls]
    rounds = list(measure_all(subjects, yardsticks, plan))
    turns = [(mode, name) for mode in (RESERVE, GET_BALANCE, MIX) for name in ("grpc.aio", "queue")]
    assert [(found.row.mode, found.row.served_by) for found in rounds] == turns
    for found in rounds:
        figures = found.figures()
        assert len(line(found.row, figures)) == len(COLUMNS)
        assert min(figures[:-1]) > 0, figures
        assert figures.machine_us == pytest.approx(figures.server_us + figures.postgres_us + figures.generator_us)
    for each, url, rows in zip(subjects, urls, before, strict=True):
        outcomes = [found.outcome for found in rounds if found.row.served_by == each.service.transport]
        acknowledged = sum(outcome.acknowledged for outcome in outcomes)
        in_doubt = sum(outcome.in_doubt for outcome in outcomes)
        assert outcomes[1].acknowledged == 0
        assert Ledger(acknowledged, ledger_rows(url) - rows, in_doubt, ledger_repeats(url)).sound


def test_at_a_rate_each_reserve_counts_from_when_it_was_due(
    measured: Subject, yardsticks: Yardsticks, plan: Plan
) -> None:
    url = measured.service.database_url
    before = ledger_rows(url)
    (found,) = measure_at_rates([measured], yardsticks, replace(plan, rates=(40,), at_rate_s=1.0))
    assert found.row == (UNIFORM, 40, measured.service.transport, RESERVE)
    assert len(at_rate.line(found.row, found.figures())) == len(at_rate.COLUMNS)
    outcome = found.outcome
    assert outcome.calls == outcome.acknowledged == ledger_rows(url) - before > 20
    assert 0 < outcome.p50_ms <= outcome.p99_ms <= outcome.p999_ms
    assert 0 < found.naive.p50_ms <= found.naive.p99_ms <= found.naive.p999_ms


# As pgledger's functions are called, and nothing more of it.
_TRANSFERS = """
CREATE TABLE made (id text PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, currency text NOT NULL);
CREATE TABLE moved (sender text NOT NULL REFERENCES made, receiver text NOT NULL CHECK (receiver <> sender),
                    amount numeric NOT NULL);
CREATE FUNCTION pgledger_create_account(name text, currency text, allow_negative_balance boolean DEFAULT true)
    RETURNS SETOF made LANGUAGE sql AS 'INSERT INTO made (name, currency) VALUES ($1, $2) RETURNING *';
CREATE FUNCTION pgledger_create_transfer(from_account_id text, to_account_id text, amount numeric,
                                         event_at timestamptz DEFAULT NULL)
    RETURNS SETOF moved LANGUAGE sql AS 'INSERT INTO moved VALUES ($1, $2, $3) RETURNING *';
"""


def test_a_peer_has_a_row_like_the_service_beside_the_same_yardstick(
    measured: Subject, yardsticks: Yardsticks, plan: Plan, tmp_path: Path
) -> None:
    file = tmp_path / "transfers.sql"
    file.write_text(_TRANSFERS)
    url = measured.service.database_url
    pgledger = Pgledger(url, measured.meter, _ACCOUNTS, sql_files({VARIABLE: str(file)}))
    (found,) = measure_peers(pgledger, yardsticks, replace(plan, spreads=(HOT,), callers=(2,), round_s=1.0))
    figures = found.figures()
    assert found.row == (HOT, 2, "pgledger", "transfer")
    assert found.outcome.acknowledged == 0
    assert figures.server_us == figures.switches == 0
    assert min(figures.rate, figures.p99_ms, figures.postgres_us, figures.ratio) > 0
    with psycopg.connect(urlsplit(url)._replace(path="/pgledger").geturl()) as connection:
        rows = connection.execute("SELECT DISTINCT name FROM moved JOIN made ON id = sender").fetchall()
    assert rows == [("account-0",)]


@pytest.mark.parametrize("named", [{}, {VARIABLE: ""}, {VARIABLE: "/no/such/pgledger.sql"}])
def test_without_its_sql_a_peer_says_how_to_get_it(named: dict[str, str]) -> None:
    with pytest.raises(SystemExit, match=re.escape(HOW_TO_GET_IT)):
        sql_files(named)


def test_a_steady_run_reports_each_minute_and_its_holds_expire(measured: Subject) -> None:
    url = measured.service.database_url
    before, expired_before = ledger_rows(url), expired_holds(url)
    minutes, outcomes = zip(*steady(measured, rate=60.0, minutes=3, minute_s=1.0, accounts=_ACCOUNTS), strict=True)
    assert len(minutes) == 3
    for number, found in enumerate(minutes):
        assert len(steady_line(number, found)) == len(STEADY_COLUMNS)
        assert min(found.rate, found.p99_ms, found.resident_mib, found.wal_bytes) > 0
    acknowledged = sum(outcome.acknowledged for outcome in outcomes)
    in_doubt = sum(outcome.in_doubt for outcome in outcomes)
    assert Ledger(acknowledged, ledger_rows(url) - before, in_doubt, ledger_repeats(url)).sound
    assert 0 < acknowledged < sum(outcome.calls for outcome in outcomes)
    eventually(lambda: expired_holds(url) > expired_before)
