"""Every statement finds its rows by key, whatever the statistics say and however large the tables are.

Measured: a plan made with the statistics of empty tables read whole tables once they were full, and one made with
statistics that did not know the account read all of its rows for each step of a search.
"""

from collections.abc import Iterator
from functools import partial

import psycopg
import pytest
from sqlalchemy import Engine, text

from tests.storage.calls import CALLS, LISTED, called, functions
from tests.storage.plans import ACCOUNT_TABLES, MODES, careless_scans, engine_of, plans_of
from tests.support.databases import migrated_database
from tests.support.histories import add_crowd, add_history, without_autovacuum

ENTRIES = 20_000
"""What the one account has that uses the service the most, in each of two wallets."""

STATISTICS = ("never analysed", "of empty tables", "of other accounts", "of full tables")

BY_ANOTHER_KEY = {
    "account_labels.accounts_of": "value",
    "account_flags.page": "flag_id",
    "account_flags.page of a kind": "flag_id",
    "account_flags.page cleared too": "flag_id",
    "account_flags.page cleared too of a kind": "flag_id",
    "account_flags.count_open": "kind",
    "approvals.page": "approval_id request_id",
    "approvals.page pending": "approval_id request_id",
    "accounts.page by status": "status",
    "promo_claims.due": "next_try_time",
    "purchases.due": "next_poll_time",
    "run_leases.claim": "executor due_time deadline account_id",
    "run_leases.claim_untold": "due_time account_id",
    "run_leases.backlog": "deadline",
    "search.entries_by_correlation": "correlation_id",
    "search.entries_by_correlation of an account": "correlation_id",
    "search.purchases_by_id": "purchase_id",
    "seals.held_by": "seal_number",
    "payment_dues.ready": "next_try_time",
    "wallets.due_wallets": "next_expire_time",
    "counts.prune": "day_start",
    "usage_moves.wallets_moved_since": "create_time account_id",
    "outbox.oldest": "announce_time",
    "published_events.publish": "announce_time",
    "expiry_notices.next_expiring": "expire_time",
}
"""What looks for the accounts themselves."""


@pytest.fixture(scope="module", params=STATISTICS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Provide large tables with statistics of one kind or another."""
    with migrated_database() as url, psycopg.connect(url, autocommit=True) as connection:
        without_autovacuum(connection)
        if request.param == "of empty tables":
            connection.execute("VACUUM ANALYZE")
        add_crowd(connection)
        if request.param == "of other accounts":
            add_history(connection, "old", 1_000)
            connection.execute("VACUUM ANALYZE")
        add_history(connection, "busy", ENTRIES)
        if request.param == "of full tables":
            connection.execute("VACUUM ANALYZE")
        yield url


@pytest.fixture(scope="module", params=MODES)
def engine(request: pytest.FixtureRequest, url: str) -> Iterator[Engine]:
    """Provide connections on which plans are made for the values, or for any."""
    engine = engine_of(url, request.param)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("name", CALLS)
def test_every_row_is_found_by_key(engine: Engine, name: str) -> None:
    plans = plans_of(engine, partial(_about_the_busy_account, name), in_order=called(name) in LISTED)
    careless = [scan for plan in plans for scan in careless_scans(plan, BY_ANOTHER_KEY.get(name, "account_id"))]
    assert careless == []


def _about_the_busy_account(name: str, connection: object) -> object:
    return CALLS[name](connection, "busy")  # type: ignore[arg-type]


def test_every_function_that_executes_statements_is_called_here() -> None:
    assert set(functions()) - {called(name) for name in CALLS} == set()


def test_there_are_no_statistics_of_whose_a_row_is(engine: Engine) -> None:
    query = text("""
        SELECT attrelid::regclass::text FROM pg_attribute
        WHERE attname = 'account_id' AND attstattarget = 0 AND attrelid::regclass::text = ANY(:tables)
    """)
    with engine.connect() as connection:
        found = {name for (name,) in connection.execute(query, {"tables": sorted(ACCOUNT_TABLES)})}
        gathered = connection.execute(text("SELECT count(*) FROM pg_stats WHERE attname = 'account_id'")).scalar_one()
    assert found == ACCOUNT_TABLES
    assert gathered == 0


def test_a_plan_that_reads_a_table_whole_would_be_noticed(engine: Engine) -> None:
    plans = plans_of(
        engine, lambda c: c.execute(text("SELECT count(*) FROM wallets WHERE available > :least"), {"least": 0})
    )
    assert [careless_scans(plan) for plan in plans] == [["Seq Scan on wallets: "]]
