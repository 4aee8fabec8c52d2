"""Statements that a session knows by heart: executed by libpq, and prepared again where the server has lost them."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from creditd.storage.arrays import texts
from creditd.storage.connections.prepared import prepared
from creditd.storage.connections.turns import Turn
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.failures import SaveFailure, classify
from tests.storage.texts import NASTY
from tests.support.postgres import admin_url

THRESHOLD = 2

SOON_SECONDS = 1.0
"""For a turn that is to be over while a statement runs, and not before it has begun, on a machine that is busy too."""

_LEARNED = text("SELECT name FROM pg_prepared_statements WHERE name LIKE 'creditd%' ORDER BY 1")
_ECHO = prepared("SELECT :words ::text[], :words ::text", by_heart=True)


def connected(threshold: int | None) -> Database:
    """Return a database with one session."""
    return Database(DatabaseSettings(admin_url(), role="", pool_size=1, prepare_threshold=threshold))


@pytest.fixture
def database() -> Iterator[Database]:
    """Provide a database whose one session learns a statement by its third use."""
    database = connected(THRESHOLD)
    yield database
    database.close()


def echo(connection: Connection, *words: str | None) -> list[str | None]:
    """Have an array sent back."""
    found: list[str | None]
    found, written = _ECHO.row(connection, {"words": texts(words)})
    assert isinstance(written, str)
    return found


def learned(connection: Connection) -> list[str]:
    """Return the statements that the server knows for a session, but for the driver's own."""
    return list(connection.execute(_LEARNED).scalars())


def learn(connection: Connection) -> None:
    """Use the statement until it is known by heart."""
    for _ in range(THRESHOLD + 1):
        assert echo(connection, "a") == ["a"]


def test_a_statement_is_learned_once_it_has_been_used_as_often_as_is_said(database: Database) -> None:
    with database.autocommit() as connection:
        counts = []
        for _ in range(4):
            echo(connection, "a")
            counts.append(len(learned(connection)))
    assert counts == [0, 0, 1, 1]


def test_nothing_is_learned_behind_a_pooler_that_forgets() -> None:
    database = connected(None)
    with database.autocommit() as connection:
        learn(connection)
        assert learned(connection) == []
    database.close()


def test_any_text_comes_back(database: Database) -> None:
    with database.autocommit() as connection:
        learn(connection)
        assert echo(connection, *NASTY, None) == [*NASTY, None]

        @settings(deadline=None, max_examples=50)
        @given(st.lists(st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
        def round_trip(words: list[str | None]) -> None:
            assert echo(connection, *words) == words

        round_trip()


def test_a_text_with_nul_is_not_cut_there(database: Database) -> None:
    statement = prepared("SELECT :word ::text", by_heart=True)
    with database.autocommit() as connection:
        for _ in range(THRESHOLD + 1):
            statement.row(connection, {"word": "whole"})
        with pytest.raises(psycopg.DataError):
            statement.row(connection, {"word": "whole\0and more"})


def test_what_the_server_has_lost_is_prepared_again(database: Database) -> None:
    with database.autocommit() as connection:
        learn(connection)
        connection.execute(text("DEALLOCATE ALL"))
        assert echo(connection, "b") == ["b"]
        assert len(learned(connection)) == 1


def test_what_the_driver_drops_after_a_rollback_is_not_asked_for(database: Database, tmp_path: Path) -> None:
    """Asking for it would be an error in the database's log each time."""
    with database.autocommit() as connection:
        learn(connection)
    with database.connection() as connection:
        for _ in range(THRESHOLD + 1):
            prepared("SELECT :one ::text").row(connection, {"one": "prepared by the driver"})
        connection.rollback()
    with database.autocommit() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        assert learned(connection) == []
        told = tmp_path / "messages"
        with told.open("w") as messages:
            driver.pgconn.trace(messages.fileno())
            assert echo(connection, "c") == ["c"]
            driver.pgconn.untrace()
        assert [name in told.read_text() for name in ("DataRow", "ErrorResponse")] == [True, False]
        assert len(learned(connection)) == 1


def test_within_a_transaction_it_is_left_to_the_driver(database: Database) -> None:
    """What the server has lost could not be prepared again there."""
    with database.autocommit() as connection:
        learn(connection)
    with database.connection() as connection:
        connection.execute(text("DEALLOCATE ALL"))
        assert echo(connection, "d") == ["d"]


def test_the_first_statement_of_a_transaction_is_rolled_back_with_it(database: Database) -> None:
    """Psycopg begins one before the first statement that it executes itself."""
    statement = prepared("SELECT set_config('creditd.probe', :word ::text, false)", by_heart=True)
    with database.autocommit() as connection:
        for _ in range(THRESHOLD + 1):
            statement.row(connection, {"word": "before"})
    with database.connection() as connection:
        statement.row(connection, {"word": "rolled back"})
        connection.rollback()
    with database.autocommit() as connection:
        assert connection.execute(text("SELECT current_setting('creditd.probe')")).scalar_one() == "before"


def test_what_the_server_refuses_comes_as_the_driver_s_error_and_the_session_goes_on(database: Database) -> None:
    statement = prepared("SELECT 1 / :divisor ::integer", by_heart=True)
    with database.autocommit() as connection:
        for _ in range(THRESHOLD + 1):
            assert statement.row(connection, {"divisor": "1"}) == (1,)
        with pytest.raises(psycopg.errors.DivisionByZero) as caught:
            statement.row(connection, {"divisor": "0"})
        assert caught.value.diag.message_primary == "division by zero"
        assert statement.row(connection, {"divisor": "1"}) == (1,)


def test_one_that_takes_too_long_is_cancelled_like_any_other(database: Database) -> None:
    statement = prepared("SELECT pg_sleep(:seconds ::float8)", by_heart=True)
    with database.autocommit() as connection:
        for _ in range(THRESHOLD + 1):
            statement.row(connection, {"seconds": "0"})
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with pytest.raises(psycopg.Error) as caught, Turn(SOON_SECONDS).taken(), database.autocommit() as connection:
        statement.row(connection, {"seconds": "600"})
    assert classify(caught.value) is SaveFailure.TOO_SLOW
    with database.autocommit() as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() == backend


def test_one_that_is_never_answered_is_cut(database: Database) -> None:
    """Its server process is stopped: libpq waits for it, and psycopg does not."""
    with database.autocommit() as connection:
        learn(connection)
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    os.kill(backend, signal.SIGSTOP)
    try:
        with (
            pytest.raises(psycopg.OperationalError) as caught,
            Turn(SOON_SECONDS).taken(),
            database.autocommit() as connection,
        ):
            echo(connection, "stopped")
    finally:
        # Also where this fails: a process that stays stopped would hold up the whole cluster.
        os.kill(backend, signal.SIGCONT)
    assert classify(caught.value) is SaveFailure.UNAVAILABLE


def test_a_session_that_is_lost_under_it_is_given_up_in_silence(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def lose() -> None:
        with database.autocommit() as connection:
            learn(connection)
            backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with psycopg.connect(admin_url(), autocommit=True) as other:
                assert other.execute("SELECT pg_terminate_backend(%s, 10000)", [backend]).fetchone() == (True,)
            echo(connection, "e")

    with pytest.raises(psycopg.OperationalError) as caught:
        lose()
    assert classify(caught.value) is SaveFailure.UNAVAILABLE
    assert [record.getMessage() for record in caplog.records] == []
    with database.autocommit() as connection:
        assert echo(connection, "f") == ["f"]
