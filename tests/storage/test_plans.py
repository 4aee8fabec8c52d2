"""The statements of every call find their rows by key, whatever the statistics say and however large the tables are.

Measured: a plan made with the statistics of empty tables read whole tables once they were full.
"""

from collections.abc import Iterator, Mapping

import psycopg
import pytest

from creditd.storage import accounts, loading, locking, lookups, reservations, saving, sweeping, transactions, watching
from creditd.storage.arrays import identifiers, numbers, texts
from creditd.storage.prepared import Prepared
from tests.ledger.databases import migrated_database
from tests.storage.plans import careless_scans, explain

ACCOUNTS = 3_000
HOT_ROWS = 40_000
"""What the one account has that uses the service the most."""

_FILL = """
INSERT INTO accounts
SELECT 'account-' || n, 1, 1, false, NULL, now(), now() FROM generate_series(1, {accounts}) AS n;
INSERT INTO wallets
SELECT 'account-' || n, t, 0, {hot}, 1, 0, 0, now() + n * interval '1 second', 1, now()
FROM generate_series(1, {accounts}) AS n, unnest('{{chat,quiz_gen,spec}}'::text[]) AS t;
INSERT INTO grants
SELECT 'account-' || (1 + n % {accounts}), 'chat', gen_random_uuid(), 1, 1, n % 2, n % 2 = 1, NULL
FROM generate_series(1, 5 * {accounts}) AS n;
INSERT INTO reservations
SELECT 'account-' || CASE WHEN n < {hot} THEN 1 ELSE n % {accounts} END, 'chat', gen_random_uuid(), 1 + n % 4, 1,
       (n % 4 = 1)::int, 0, false, '[]', now(), now(), now(), '', NULL
FROM generate_series(1, 2 * {hot}) AS n;
INSERT INTO entries
SELECT 'account-' || CASE WHEN n < {hot} THEN 1 ELSE 1 + n % {accounts} END, 'chat', n, 6, 1, 1, 0, 0, 1, 0, 0, '[]',
       gen_random_uuid(), 1, 0, 0, now(), 'request-' || n, 0, 1, 'tests', '', NULL, now()
FROM generate_series(1, 2 * {hot}) AS n;
"""

_NO_VACUUM = "ALTER TABLE {} SET (autovacuum_enabled = false)"
_TABLES = ("accounts", "wallets", "grants", "reservations", "entries")

MANY = [f"account-{number}" for number in range(1, 65)]
WALLET_KEYS = {"account_id": texts(MANY), "credit_type": texts(["chat"] * 64)}
MOST = {"most_grants": 1_000, "most_due": 1_000, "most_slices": 1_000}
ID = "01975c5e-0000-7000-8000-000000000000"
NOW = 1_750_000_000_000_000
SPANS = {"credit_types": texts(["chat"]), "first": numbers([1]), "below": numbers([50_000]), "count": 21}
NO_KIND = {"any_kind": True, "kinds": "{}", "account_id": "account-1"}
ONE_KIND = {"any_kind": False, "kinds": "{6}", "account_id": "account-1"}

STATEMENTS: dict[str, tuple[str | Prepared, Mapping[str, object]]] = {
    "wallets of a batch": (str(loading._WALLETS), {**WALLET_KEYS, **MOST, "now": NOW}),
    "all wallets of accounts": (str(loading._ACCOUNT_WALLETS), {"account_id": texts(MANY), **MOST, "now": NOW}),
    "reservations": (
        str(lookups._RESERVATIONS),
        {**WALLET_KEYS, "reservation_id": identifiers([ID] * 64), "most_slices": 64},
    ),
    "known requests": (
        str(lookups._REQUESTS),
        {"account_id": texts(MANY), "request_id": texts([f"request-{n}" for n in range(64)]), "most_slices": 64},
    ),
    "graces": (str(lookups._GRACES), {**WALLET_KEYS, "grant_id": identifiers([ID] * 64)}),
    "wallets to lock": (str(locking._LOCK), WALLET_KEYS),
    "accounts to hold still": (str(locking._ACCOUNTS), {"account_id": texts(MANY)}),
    "account to change": (str(accounts._LOCK), {"account_id": "account-1"}),
    "wallets to put off": (
        str(saving._POSTPONE),
        {**WALLET_KEYS, "next_expire_time": numbers([NOW] * 64), "version": numbers([1] * 64)},
    ),
    "accounts to open": (
        str(locking._OPEN),
        {"account_id": texts(MANY), "create_time": numbers([NOW] * 64)},
    ),
    "versions to watch": (str(watching._VERSIONS), WALLET_KEYS),
    "entries to watch": (
        str(transactions._AFTER),
        {"account_id": "account-1", "credit_type": "chat", "after": 39_990, "count": 100},
    ),
    "wallets of a history": (str(transactions._VERSIONS), {"account_id": "account-1", "credit_type": ""}),
    "first entry of a time": (
        str(transactions._FIRST_VERSION_AT),
        {"account_id": "account-1", "credit_type": "chat", "top": 40_000, "instant": NOW},
    ),
    "page of a history": (str(transactions._PAGE), {**SPANS, **NO_KIND}),
    "page of a kind": (str(transactions._PAGE), {**SPANS, **ONE_KIND}),
    "history of a reservation": (str(transactions._OF_RESERVATION), {**SPANS, **NO_KIND, "reservation_id": ID}),
    "page of reservations": (
        str(reservations._PAGE),
        {"account_id": "account-1", "before": "", "credit_type": "", "state": 0, "now": NOW, "count": 21},
    ),
    "save": (saving._SAVE, {name: 0 if name == "wallets" else "{}" for name in saving._SAVE.names}),
}


def fill(connection: psycopg.Connection) -> None:
    """Fill the tables."""
    for statement in _FILL.format(accounts=ACCOUNTS, hot=HOT_ROWS).split(";\n"):
        connection.execute(statement)


@pytest.fixture(scope="module", params=["never analysed", "statistics of empty tables", "statistics of full tables"])
def connection(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    """Provide a connection to large tables, with statistics of one kind or another."""
    with migrated_database() as url, psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        for table in _TABLES:
            connection.execute(_NO_VACUUM.format(table))
        if request.param == "statistics of empty tables":
            connection.execute("VACUUM ANALYZE")
        fill(connection)
        if request.param == "statistics of full tables":
            connection.execute("VACUUM ANALYZE")
        yield connection


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", STATEMENTS)
def test_every_row_is_found_by_a_key_of_its_account(connection: psycopg.Connection, name: str, mode: str) -> None:
    connection.execute(f"SET plan_cache_mode = {mode}")
    assert careless_scans(explain(connection, *STATEMENTS[name])) == []


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_what_is_due_is_found_by_its_time(connection: psycopg.Connection, mode: str) -> None:
    connection.execute(f"SET plan_cache_mode = {mode}")
    plan = explain(connection, str(sweeping._DUE), {"now": NOW, "count": 500})
    assert careless_scans(plan, "next_expire_time") == []


def test_a_plan_that_reads_a_table_whole_would_be_noticed(connection: psycopg.Connection) -> None:
    plan = explain(connection, "SELECT count(*) FROM wallets WHERE available > :least ::bigint", {"least": 0})
    assert careless_scans(plan) == ["Seq Scan on wallets: "]
