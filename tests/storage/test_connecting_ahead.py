"""Connections that are opened before anybody waits for them."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from creditd.storage.connections.turns import Turn
from creditd.storage.database import BATCH_CONNECTIONS, READING_CONNECTIONS, Database, DatabaseSettings
from tests.support.postgres import admin_url
from tests.support.service import running_service

SIZE = 3


@pytest.fixture
def database() -> Iterator[Database]:
    """Provide a database that nothing was asked of."""
    database = Database(DatabaseSettings(admin_url(), role="", pool_size=SIZE))
    yield database
    database.close()


def test_a_server_that_is_ready_has_connected_for_its_own_threads(tmp_path: Path) -> None:
    """None of them has had anything to do: the sweep looks in an hour, and nobody has called."""
    with running_service(tmp_path, sweep_interval_seconds=3_600.0) as service:
        assert service.server.health.serving
        assert service.core.batches.connections_open == BATCH_CONNECTIONS
        assert service.core.database.connections_open >= READING_CONNECTIONS


@pytest.mark.parametrize(("asked", "lent", "found"), [(2, 0, 2), (2, 1, 2), (SIZE, SIZE, SIZE), (SIZE + 1, 1, SIZE)])
def test_it_opens_those_that_are_missing_and_lends_none(database: Database, asked: int, lent: int, found: int) -> None:
    with ExitStack() as others:
        for _ in range(lent):
            others.enter_context(database.autocommit())
        database.connect_ahead(asked)
        assert (database.connections_open, database.connections_in_use) == (found, lent)
    before = database.connections_open
    database.connect_ahead(asked)
    with database.autocommit() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    assert (database.connections_open, database.connections_in_use) == (before, 0)


def test_after_connections_were_forgotten_they_are_opened_again(database: Database) -> None:
    database.connect_ahead(SIZE)
    database.forget_connections()
    assert database.connections_open == 0
    database.connect_ahead(SIZE)
    assert database.connections_open == SIZE


def test_where_nothing_answers_it_is_left_to_whoever_needs_one() -> None:
    database = Database(DatabaseSettings("postgresql://nobody@127.0.0.1:1/nothing"))
    database.connect_ahead(SIZE)
    assert database.connections_open == 0
    database.close()


def test_it_ends_with_the_turn_that_it_is_done_in(database: Database) -> None:
    turn = Turn(60)
    turn.end()
    with turn.taken():
        database.connect_ahead(SIZE)
    assert database.connections_open <= 1
