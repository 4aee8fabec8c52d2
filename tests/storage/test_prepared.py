"""Statements that are translated to the server's notation once."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text

from creditd.storage.connections.prepared import prepared
from creditd.storage.database import Database, DatabaseSettings
from tests.support.postgres import admin_url


@pytest.fixture
def database() -> Iterator[Database]:
    """Provide connections to the administrator's database."""
    database = Database(DatabaseSettings(admin_url(), role="", pool_size=1, prepare_threshold=2))
    yield database
    database.close()


def test_placeholders_are_numbered_in_their_order() -> None:
    statement = prepared("SELECT :first, :second_one")
    assert statement.query == b"SELECT $1, $2"
    assert statement.names == ("first", "second_one")


def test_a_cast_is_no_placeholder() -> None:
    assert prepared("SELECT now()::date, :day ::date, '1'::int").query == b"SELECT now()::date, $1 ::date, '1'::int"


def test_a_name_used_twice_is_one_parameter() -> None:
    statement = prepared("SELECT :same, :other, :same")
    assert (statement.query, statement.names) == (b"SELECT $1, $2, $1", ("same", "other"))


def test_the_one_row_is_returned(database: Database) -> None:
    statement = prepared("SELECT :amount ::bigint + cardinality(:words ::text[]), 'more'")
    with database.autocommit() as connection:
        assert statement.row(connection, {"words": "{a,b}", "amount": 40, "not used": 1}) == (42, "more")


def test_no_row_is_none(database: Database) -> None:
    with database.autocommit() as connection:
        assert prepared("SELECT 1 WHERE :no ::boolean").row(connection, {"no": False}) is None


def test_it_runs_within_the_connection_s_transaction(database: Database) -> None:
    with database.connection() as connection:
        connection.execute(text("CREATE TEMPORARY TABLE seen (n integer)"))
        prepared("INSERT INTO seen VALUES (:n ::integer) RETURNING n").row(connection, {"n": 1})
        assert connection.execute(text("SELECT count(*) FROM seen")).scalar() == 1
        connection.rollback()
        assert connection.execute(text("SELECT to_regclass('seen')")).scalar() is None


def test_what_the_database_refuses_comes_as_the_driver_s_error(database: Database) -> None:
    with database.autocommit() as connection, pytest.raises(psycopg.errors.DivisionByZero):
        prepared("SELECT 1 / :zero ::integer").row(connection, {"zero": 0})


def test_the_server_prepares_it_after_the_second_use(database: Database) -> None:
    statement = prepared("SELECT 'known by heart' || :text ::text")
    asked = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT ''known by heart%'")
    with database.autocommit() as connection:
        counts = []
        for _ in range(3):
            statement.row(connection, {"text": "!"})
            counts.append(connection.execute(asked).scalar())
    assert counts[0] == 0
    assert counts[-1] == 1
