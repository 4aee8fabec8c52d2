"""A turn at the database ends in time, whatever the database does, and its connection serves the next borrower."""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from creditd.development.postgres import EmbeddedPostgres
from creditd.storage.connections.turns import Turn, TurnOver
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.failures import SaveFailure, classify
from tests.support.patience import eventually, patience
from tests.support.postgres import admin_url
from tests.support.postgres_faults import frozen

CROWD = 12
"""Connections whose turns end at once."""

SOON_SECONDS = 1.0
"""For a turn that is to be over while a statement runs, and not before it has begun, on a machine that is busy too."""

FOR_EVER = text("SELECT pg_sleep(600)")


@pytest.fixture
def database() -> Iterator[Database]:
    """Provide a database with one connection."""
    database = Database(DatabaseSettings(admin_url(), role="", pool_size=1))
    yield database
    database.close()


@pytest.fixture
def cluster() -> Iterator[EmbeddedPostgres]:
    """Run a PostgreSQL of the test's own."""
    with tempfile.TemporaryDirectory(prefix="creditd-turns-") as folder:
        server = EmbeddedPostgres(Path(folder), settings={"fsync": "off"})
        server.start()
        try:
            yield server
        finally:
            server.stop()


def sleep(database: Database, turn: Turn) -> None:
    """Wait in the database for longer than anyone would."""
    with turn.taken(), database.autocommit() as connection:
        connection.execute(FOR_EVER)


def failure_of(database: Database, turn: Turn) -> SaveFailure:
    """Wait in the database until it fails, and return how."""
    with pytest.raises(DBAPIError) as caught:
        sleep(database, turn)
    return classify(caught.value)


def backend(database: Database) -> int:
    """Return the process at the other end of the one connection."""
    with database.autocommit() as connection:
        pid: int = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    return pid


def test_a_statement_is_cancelled_when_its_time_is_over(database: Database) -> None:
    """And the connection is as good as before."""
    pid = backend(database)
    assert failure_of(database, Turn(SOON_SECONDS)) is SaveFailure.TOO_SLOW
    assert backend(database) == pid


def test_a_turn_is_ended_by_another_thread(database: Database) -> None:
    turn, pid = Turn(60), backend(database)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(admin_url(), autocommit=True) as looking:
        failure = pool.submit(failure_of, database, turn)
        query = "SELECT query LIKE '%%pg_sleep%%' AND state = 'active' FROM pg_stat_activity WHERE pid = %s"
        eventually(lambda: looking.execute(query, [pid]).fetchone() == (True,))
        turn.end()
        assert failure.result(20) is SaveFailure.TOO_SLOW


def test_nothing_begins_in_a_turn_that_is_over(database: Database) -> None:
    turn = Turn(60)
    turn.end()
    with pytest.raises(TurnOver) as caught:
        sleep(database, turn)
    assert classify(caught.value) is SaveFailure.TOO_SLOW
    assert backend(database)


def test_a_transaction_whose_turn_is_over_is_rolled_back(database: Database) -> None:
    with database.autocommit() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS of_turns (n int)"))

    def write() -> None:
        with Turn(SOON_SECONDS).taken(), database.transaction() as connection:
            connection.execute(text("INSERT INTO of_turns VALUES (1)"))
            connection.execute(FOR_EVER)

    with pytest.raises(DBAPIError):
        write()
    with database.autocommit() as connection:
        assert connection.execute(text("SELECT count(*) FROM of_turns")).scalar_one() == 0
        connection.execute(text("DROP TABLE of_turns"))


def test_a_connection_that_answers_nothing_is_cut(database: Database) -> None:
    """Its server process is stopped: it can be neither waited for nor told to stop."""
    pid = backend(database)
    with ThreadPoolExecutor(1) as pool:
        os.kill(pid, signal.SIGSTOP)
        try:
            assert pool.submit(failure_of, database, Turn(SOON_SECONDS)).result(patience(20)) is SaveFailure.UNAVAILABLE
            database.forget_connections()
            assert backend(database) != pid
        finally:
            # Also where this fails: a process that stays stopped would hold up the whole cluster, and the thread waits
            # for one that goes on.
            os.kill(pid, signal.SIGTERM)
            os.kill(pid, signal.SIGCONT)


def test_a_server_that_takes_no_cancellation_is_asked_once(
    cluster: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is frozen: asking for each connection would cut the last one many seconds late."""
    database = Database(DatabaseSettings(cluster.url, role="", pool_size=CROWD))
    turn, threads = Turn(60), threading.active_count()
    asked, cancel_safe = [], psycopg.Connection.cancel_safe

    def counted(connection: "psycopg.Connection[Any]", *, timeout: float) -> None:
        asked.append(connection)
        cancel_safe(connection, timeout=timeout)

    monkeypatch.setattr(psycopg.Connection, "cancel_safe", counted)
    with ThreadPoolExecutor(CROWD) as pool, psycopg.connect(cluster.url, autocommit=True) as looking:
        sleeping = [pool.submit(failure_of, database, turn) for _ in range(CROWD)]
        query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND state = 'active'"
        eventually(lambda: looking.execute(query).fetchone() == (CROWD,))
        with frozen(cluster):
            turn.end()
            failures = {one.result(20) for one in sleeping}
    database.close()
    assert failures == {SaveFailure.UNAVAILABLE}
    # Whoever is slow to give its connection back once it is cut may be asked about once more.
    assert len(asked) < CROWD / 2
    assert threading.active_count() <= threads + 2


def test_the_next_borrower_is_never_cancelled(database: Database) -> None:
    """Turns end at the very moment at which their statements do, again and again."""
    for number in range(200):
        turn = Turn(60)
        ending = threading.Timer(0.0005 * (number % 8), turn.end)
        ending.start()
        with turn.taken():
            try:
                with database.autocommit() as connection:
                    connection.execute(text("SELECT pg_sleep(0.001)"))
            except (DBAPIError, TurnOver) as error:
                assert classify(error) is SaveFailure.TOO_SLOW  # noqa: PT017 - either outcome is right.
        assert backend(database)
        ending.join()


def test_closing_ends_what_still_runs() -> None:
    database = Database(DatabaseSettings(admin_url(), role="", pool_size=1))
    pid = backend(database)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(admin_url(), autocommit=True) as looking:
        failure = pool.submit(failure_of, database, Turn(600))
        query = "SELECT query LIKE '%%pg_sleep%%' AND state = 'active' FROM pg_stat_activity WHERE pid = %s"
        eventually(lambda: looking.execute(query, [pid]).fetchone() == (True,))
        database.close()
        assert failure.result(20) is SaveFailure.TOO_SLOW


@pytest.mark.parametrize(
    ("setting", "statement", "failure"),
    [
        ("SET statement_timeout = '20ms'", "SELECT pg_sleep(600)", SaveFailure.TOO_SLOW),
        ("SET idle_in_transaction_session_timeout = '20ms'", "SELECT 1", SaveFailure.UNAVAILABLE),
    ],
)
def test_postgresqls_own_time_limits_are_no_defect(
    database: Database, setting: str, statement: str, failure: SaveFailure
) -> None:
    def run() -> None:
        with database.connection() as connection:
            connection.execute(text(setting))
            connection.commit()
            connection.execute(text(statement))
            # A transaction that does nothing: the server takes it away at some moment of this.
            time.sleep(0.3)
            connection.execute(text("SELECT 1"))

    with pytest.raises(DBAPIError) as caught:
        run()
    assert classify(caught.value) is failure
