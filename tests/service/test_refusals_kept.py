"""Refusals outlast an outage of the database, are written once, and never lost in silence (requirement D2)."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from creditd.domain.instant import SECOND, Instant
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.ids import Ids
from creditd.ledger.work import DatabaseUnavailable
from creditd.service.controls import refused_acts
from creditd.service.controls.refused_acts import LATE, Refused, RefusedActs
from creditd.storage.database import Connection, Database, DatabaseSettings
from tests.support.databases import clock_of, migrated_database
from tests.support.patience import eventually

pytestmark = pytest.mark.requirement("D2")

LATER_SECONDS = LATE / SECOND + 1


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Provide a database."""
    with migrated_database() as url:
        yield url


class Breaking(Database):
    """A database that is out of reach while it ``is_away``, and whose answers to commits are lost if it ``breaks``."""

    is_away = False
    breaks = False
    before_lending: Callable[[], object] = staticmethod(lambda: None)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Lend a connection within a transaction."""
        self.before_lending()
        if self.is_away:
            raise DatabaseUnavailable
        with super().transaction() as connection:
            yield connection
        if self.breaks:
            raise DatabaseUnavailable


@pytest.fixture
def database(url: str) -> Iterator[Breaking]:
    """Provide a database without any refusals."""
    database = Breaking(DatabaseSettings(url, pool_size=4))
    with psycopg.connect(url) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("DELETE FROM audit_events")
    yield database
    database.close()


async def at_once(function: Callable[[], Any], /, *, owner: str = "") -> Any:
    """Run what blocks."""
    del owner
    return function()


@pytest.fixture
def clock(database: Breaking) -> DatabaseClock:
    """Return the database's clock."""
    return clock_of(database)


@pytest.fixture
def acts(database: Breaking, clock: DatabaseClock) -> RefusedActs:
    """Return refusals that are written when they are told to be."""
    return RefusedActs(database, clock, Ids(clock.now), at_once)


def refuse(acts: RefusedActs, *actors: str) -> None:
    """Refuse an act of each."""
    for actor in actors:
        acts.note(Refused("credits.add", "PERMISSION_DENIED", actor))


def told(database: Breaking) -> list[Any]:
    """Return the rows of the audit log, oldest first."""
    with psycopg.connect(database._settings.url, row_factory=namedtuple_row) as connection:
        return connection.execute("SELECT * FROM audit_events ORDER BY event_id").fetchall()


def errors(caplog: pytest.LogCaptureFixture) -> list[tuple[str, int]]:
    """Return what was logged as lost, and how many."""
    return [(one.message, vars(one)["refusals"]) for one in caplog.records if one.levelno == logging.ERROR]


def test_what_was_written_before_the_connection_broke_is_written_once(
    acts: RefusedActs, database: Breaking, clock: DatabaseClock
) -> None:
    """Also when it has become too old for its place meanwhile, and would take a new one."""
    refuse(acts, "ann", "bob")
    database.breaks = True
    with pytest.raises(DatabaseUnavailable):
        acts.write()
    database.breaks = False
    assert len(told(database)) == 2
    clock.advance(LATER_SECONDS)
    refuse(acts, "eve")
    acts.write()
    assert [row.actor for row in told(database)] == ["ann", "bob", "eve"]
    acts.write()
    assert len(told(database)) == 3


def test_what_could_not_be_written_in_time_takes_a_new_place(
    acts: RefusedActs, database: Breaking, clock: DatabaseClock
) -> None:
    """As of the moment that it is written, not of when its write began to wait for a connection."""
    made = clock.now()
    refuse(acts, "ann")
    noted = clock.now()
    database.before_lending = lambda: clock.advance(LATER_SECONDS)
    acts.write()
    (row,) = told(database)
    assert int(row.event_id.hex[:12], 16) * 1_000 > made + LATE
    assert row.create_time.timestamp() * SECOND > made + LATE
    assert made <= Instant(row.after["refuse_time"]) <= noted


def test_many_are_written_so_many_at_a_time(
    acts: RefusedActs, database: Breaking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused_acts, "EVENTS_AT_A_TIME", 3)
    actors = [f"a{number}" for number in range(8)]
    refuse(acts, *actors)
    lent: list[int] = []
    database.before_lending = lambda: lent.append(1)
    acts.write()
    assert [row.actor for row in told(database)] == actors
    assert len(lent) == 3


def test_what_is_too_much_to_keep_is_logged(
    acts: RefusedActs, database: Breaking, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The oldest, but for those of which it is not known whether they were written."""
    monkeypatch.setattr(refused_acts, "MAX_UNWRITTEN", 4)
    refuse(acts, "a", "b", "c", "d", "e", "f")
    assert errors(caplog) == [("refusals are too many to keep", 1)] * 2
    database.breaks = True
    with pytest.raises(DatabaseUnavailable):
        acts.write()
    refuse(acts, "g", "h")
    assert len(errors(caplog)) == 4
    database.breaks = False
    acts.write()
    assert [row.actor for row in told(database)] == ["c", "d", "e", "f"]


def test_what_is_left_in_the_end_is_logged(
    acts: RefusedActs, database: Breaking, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(acts, *["ann"] * 30)
    database.is_away = True
    asyncio.run(acts.flush())
    assert errors(caplog)[-1] == ("refusals could not be written", 30)


def test_refusals_before_the_databases_time_is_known_are_logged(
    database: Breaking, caplog: pytest.LogCaptureFixture
) -> None:
    clock = DatabaseClock()
    acts = RefusedActs(database, clock, Ids(clock.now), at_once)
    refuse(acts, "ann", "bob")
    asyncio.run(acts._write_once())
    clock.look(database)
    for _ in range(2):
        asyncio.run(acts._write_once())
    assert errors(caplog) == [("refusals came before the database's time was known", 2)]
    refuse(acts, "eve")
    acts.write()
    assert [row.actor for row in told(database)] == ["eve"]


def test_a_write_that_goes_on_after_its_round_keeps_the_next_one_waiting(
    acts: RefusedActs, database: Breaking, url: str
) -> None:
    """A thread cannot be cancelled: both would write the same."""
    refuse(acts, "ann", "bob")
    begun: list[int] = []
    database.before_lending = lambda: begun.append(1)
    with ThreadPoolExecutor(2) as threads:
        with psycopg.connect(url) as busy:
            busy.execute("LOCK TABLE audit_events IN EXCLUSIVE MODE")
            first = threads.submit(acts.write)
            eventually(lambda: begun)
            second = threads.submit(acts.write)
            assert not first.done()
        first.result()
        second.result()
    assert [row.actor for row in told(database)] == ["ann", "bob"]
    assert begun == [1]
