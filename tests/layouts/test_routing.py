"""The judge of statements, and where each table lies: what other tests of the layout rest on."""

import pytest
from sqlalchemy import UniqueConstraint

from creditd.storage.metadata import metadata
from creditd.storage.placement import KEYS_DROPPED, PLACE_OF, PLACES, Place
from tests.layouts.routing import Route, verdict


def test_each_table_has_one_place() -> None:
    assert set(metadata.tables) == set(PLACE_OF)
    assert len(PLACE_OF) == sum(len(tables) for tables in PLACES.values())


@pytest.mark.requirement("I6")
def test_what_lies_by_account_has_the_account_in_each_key() -> None:
    """Citus knows no uniqueness beyond one server."""
    for name in PLACES[Place.BY_ACCOUNT]:
        table = metadata.tables[name]
        assert "account_id" in table.primary_key.columns, name
        for constraint in table.constraints:
            if isinstance(constraint, UniqueConstraint):
                assert "account_id" in constraint.columns, constraint.name
        assert not [index.name for index in table.indexes if index.unique and "account_id" not in index.columns]


def test_no_foreign_key_leads_from_one_place_to_another() -> None:
    """What lies by account is distributed after what it refers to, and by the same column."""
    order = {table: number for number, table in enumerate(PLACES[Place.BY_ACCOUNT])}
    for table in metadata.tables.values():
        for key in table.foreign_key_constraints:
            referred = key.referred_table.name
            if KEYS_DROPPED.get(str(key.name)) == table.name:
                assert (PLACE_OF[table.name], PLACE_OF[referred]) == (Place.COORDINATOR, Place.BY_ACCOUNT), key.name
                continue
            assert PLACE_OF[table.name] is PLACE_OF[referred], key.name
            if table.name in order:
                assert "account_id" in key.column_keys, key.name
                assert order[referred] < order[table.name], key.name


@pytest.mark.parametrize(
    ("statement", "route"),
    [
        ("SELECT 1", Route.COORDINATOR),
        ("SELECT * FROM outbox_events FOR UPDATE SKIP LOCKED", Route.COORDINATOR),
        ("SELECT * FROM wallets WHERE account_id = $1 FOR UPDATE", Route.ROUTER),
        ("SELECT * FROM wallets WHERE account_id = %(account_id)s::text", Route.ROUTER),
        ("UPDATE wallets SET version = $2 WHERE account_id = $1", Route.ROUTER),
        ("INSERT INTO entries (account_id) VALUES ($1), ($2)", Route.ROUTER),
        ("INSERT INTO grants (account_id) VALUES ($1) ON CONFLICT (account_id) DO UPDATE SET a = $2", Route.ROUTER),
        ("SELECT account_id FROM wallets WHERE next_expire_time < $1 LIMIT 5", Route.FAN_OUT),
        ("INSERT INTO entries SELECT * FROM unnest($1) AS n", Route.REFUSED),
        ("INSERT INTO wallets (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET b = 1 WHERE wallets.c = 1", Route.REFUSED),
        ("WITH saved AS (INSERT INTO wallets (a) VALUES ($1)) SELECT 1", Route.REFUSED),
        ("SELECT * FROM accounts WHERE account_id = $1 FOR SHARE", Route.REFUSED),
        ("SELECT * FROM unnest($1) k, LATERAL (SELECT * FROM wallets WHERE account_id = k.a) w", Route.REFUSED),
        ("SELECT * FROM wallets w JOIN grants g ON w.account_id = g.account_id WHERE w.account_id = $1", Route.FAN_OUT),
        ("SELECT * FROM wallets WHERE account_id = ANY ($1) FOR UPDATE", Route.REFUSED),
        ("DELETE FROM spending_counts WHERE day_start < $1", Route.REFUSED),
    ],
)
def test_a_statement_is_judged_by_whether_it_names_one_account(statement: str, route: Route) -> None:
    assert verdict(statement).route is route
