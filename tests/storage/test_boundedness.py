"""What a call reads does not grow with what its account has behind it: ten times the history, no more rows or pages."""

from collections.abc import Iterator
from functools import partial

import psycopg
import pytest
from sqlalchemy import Connection, Engine

from tests.storage.calls import CALLS, LISTED, called
from tests.storage.plans import MODES, Touched, engine_of, plans_of, touched
from tests.support.databases import migrated_database
from tests.support.histories import add_crowd, add_history, without_autovacuum

SHORT, LONG = 2_000, 20_000
"""Entries of a wallet; both accounts have the same balance, the same holds, the same that waits."""

ROWS_MORE = 1.5
"""A binary search takes three or four more steps for ten times as many, and a tree of keys may be one page higher."""

PAGES_MORE = 2.0

FEW = Touched(rows=60, pages=120)
"""Below this it is not worth telling apart."""

READ_MORE = {
    "account_flags.count_open": "counts the open flags of all accounts",
    "payment_events.backlog": "counts what waits and what is parked, of all accounts",
    "payment_events.count_by_state": "counts up to a thousand in each state, of all accounts",
    "payment_events.claim": "of all accounts",
    "purchases.due": "of all accounts",
    "payment_dues.ready": "of all accounts",
    "promo_claims.due": "of all accounts",
    "run_leases.claim": "of all accounts",
    "run_leases.claim_untold": "of all accounts",
    "run_leases.backlog": "counts the open runs of all accounts, up to a bound",
    "payment_dues.wake": "all that is due to an account that is opened again",
    "usage_moves.wallets_moved_since": "as many of the newest entries of all accounts as it is told, by a coarse index",
    "verification.kept_wallets": "holds every grace against the ledger, also of grants that are used up",
}
"""What has a reason to read more."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Provide two accounts, one of which has ten times the history of the other."""
    with migrated_database() as url, psycopg.connect(url, autocommit=True) as connection:
        without_autovacuum(connection)
        add_crowd(connection)
        connection.execute("VACUUM ANALYZE")
        add_history(connection, "short", SHORT)
        add_history(connection, "long", LONG)
        yield url


@pytest.fixture(scope="module", params=MODES)
def engine(request: pytest.FixtureRequest, url: str) -> Iterator[Engine]:
    """Provide connections on which plans are made for the values, or for any."""
    engine = engine_of(url, request.param)
    yield engine
    engine.dispose()


def read(engine: Engine, name: str, account: str) -> Touched:
    """Return what all statements of a call read."""

    def call(connection: Connection) -> object:
        return CALLS[name](connection, account)

    each = [touched(plan) for plan in plans_of(engine, call, in_order=called(name) in LISTED)]
    return Touched(sum(one.rows for one in each), sum(one.pages for one in each))


@pytest.mark.parametrize("name", [name for name in CALLS if name not in READ_MORE])
def test_ten_times_the_history_is_no_more_to_read(engine: Engine, name: str) -> None:
    look = partial(read, engine, name)
    short, long = look("short"), look("long")
    assert long.rows <= max(short.rows * ROWS_MORE, FEW.rows), (short, long)
    assert long.pages <= max(short.pages * PAGES_MORE, FEW.pages), (short, long)


def test_a_statement_that_reads_the_whole_history_would_be_noticed(engine: Engine) -> None:
    def count(account: str) -> Touched:
        query = "SELECT count(*) FROM entries WHERE account_id = %(account)s AND reason = 'none'"
        (plan,) = plans_of(engine, lambda connection: connection.exec_driver_sql(query, {"account": account}))
        return touched(plan)

    assert count("long").rows > 5 * count("short").rows
