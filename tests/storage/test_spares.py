"""What was lent to a batch stays out of the pool for the next one, and nobody has to wait for it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DataError

from creditd.storage.connections.prepared import prepared
from creditd.storage.database import BATCH_CONNECTIONS, Database, DatabaseSettings
from tests.support.postgres import admin_url

PATIENCE_SECONDS = 20


@pytest.fixture
def batches() -> Iterator[Database]:
    """Provide the connections of batches."""
    database = Database(DatabaseSettings(admin_url(), role=""))
    batches = database.for_batches()
    yield batches
    batches.close()
    database.close()


def backend(connection: Connection) -> int:
    """Return the process at the other end."""
    pid: int = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    return pid


def noted(connection: Connection, happening: str) -> list[object]:
    """Return a list that grows with each time that something happens at a connection's pool."""
    times: list[object] = []
    event.listen(connection.engine.pool, happening, lambda *_: times.append(None))
    return times


def test_it_is_checked_out_of_the_pool_once(batches: Database) -> None:
    with batches.autocommit() as connection:
        checkouts, checkins = noted(connection, "checkout"), noted(connection, "checkin")
    for _ in range(5):
        with batches.autocommit() as connection:
            backend(connection)
    assert (checkouts, checkins) == ([], [])


def test_one_on_which_something_failed_goes_back_to_the_pool(batches: Database) -> None:
    with batches.autocommit() as connection:
        checkins = noted(connection, "checkin")
    with pytest.raises(DataError), batches.autocommit() as connection:
        connection.execute(text("SELECT 1 / 0"))
    assert len(checkins) == 1


def test_one_that_is_kept_counts_as_lent_to_nobody(batches: Database) -> None:
    with batches.autocommit():
        assert batches.connections_in_use == 1
    assert (batches.connections_in_use, batches.connections_open) == (0, 1)


@pytest.mark.timeout(PATIENCE_SECONDS)
def test_a_transaction_never_waits_for_one_that_is_kept(batches: Database) -> None:
    with ExitStack() as held:
        for _ in range(BATCH_CONNECTIONS):
            backend(held.enter_context(batches.autocommit()))
    with ExitStack() as held:
        for _ in range(BATCH_CONNECTIONS):
            backend(held.enter_context(batches.transaction()))
        assert batches.connections_in_use == BATCH_CONNECTIONS


@pytest.mark.timeout(PATIENCE_SECONDS)
def test_the_last_one_goes_to_whoever_waits_at_the_pool(batches: Database) -> None:
    def use() -> int:
        with batches.transaction() as connection:
            return backend(connection)

    with ThreadPoolExecutor(1) as pool, ExitStack() as held:
        for _ in range(BATCH_CONNECTIONS - 1):
            backend(held.enter_context(batches.transaction()))
        with batches.autocommit() as connection:
            last = backend(connection)
            waiting = pool.submit(use)
        assert waiting.result() == last


def test_a_transaction_is_none_of_the_ones_that_commit_by_themselves(batches: Database) -> None:
    with batches.autocommit() as connection:
        backend(connection)
    with batches.transaction() as connection:
        connection.execute(text("CREATE TABLE of_nobody ()"))
        connection.rollback()
    with batches.autocommit() as connection:
        assert connection.execute(text("SELECT to_regclass('of_nobody')")).scalar() is None


@pytest.mark.parametrize("end", ["pool", "driver"])
def test_after_one_is_lost_the_others_are_looked_after_by_the_pool(batches: Database, end: str) -> None:
    """A server that starts anew loses all of them; only the first who uses one may notice."""
    with ExitStack() as held:
        pids = [backend(held.enter_context(batches.autocommit())) for _ in range(BATCH_CONNECTIONS)]
    with psycopg.connect(admin_url(), autocommit=True) as other:
        for pid in pids:
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])

    def use() -> None:
        with batches.autocommit() as connection:
            if end == "pool":
                backend(connection)
            else:
                prepared("SELECT :one::int").row(connection, {"one": 1})

    with pytest.raises(Exception, match="terminat"):
        use()
    batches.forget_connections()
    use()


def test_one_that_is_given_back_after_the_end_is_not_kept(batches: Database) -> None:
    with batches.autocommit() as connection:
        backend(connection)
        checkins = noted(connection, "checkin")
        batches.close()
    assert len(checkins) == 1


def test_what_is_forgotten_is_closed(batches: Database) -> None:
    with batches.autocommit() as connection:
        pid = backend(connection)
    batches.forget_connections()
    with batches.autocommit() as connection:
        assert backend(connection) != pid
