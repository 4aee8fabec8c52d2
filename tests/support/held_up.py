"""Holds the service up: the ledger in the middle of a batch, or whoever needs a table that is locked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import psycopg
from psycopg import sql

from creditd.ledger.batch import Batch
from creditd.ledger.ledger import Ledger
from creditd.storage.database import Connection
from creditd.storage.save import Saved
from tests.support.customer import Customer
from tests.support.patience import eventually
from tests.support.service import RunningService


@contextmanager
def held_up(customer: Customer) -> Iterator[Callable[[], Any]]:
    """Let no batch be saved until the block ends; give the function that returns when one is decided and waits."""
    ledger = customer.service.core.ledger
    assert isinstance(ledger, Ledger)
    writer = ledger._writer
    save = writer._save
    reached, opened = Event(), Event()

    def held_up_save(connection: Connection, batch: Batch, *, commits: bool = False) -> Saved | None:
        reached.set()
        opened.wait()
        return save(connection, batch, commits=commits)

    def until_it_waits() -> None:
        assert reached.wait(10)

    writer._save = held_up_save  # type: ignore[method-assign]
    try:
        yield until_it_waits
    finally:
        writer._save = save  # type: ignore[method-assign]
        opened.set()


_WAITING = """
FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
WHERE d.datname = current_database() AND l.relation = %(table)s::regclass AND NOT l.granted
  AND (%(beside)s = '' OR EXISTS (
      SELECT FROM pg_locks AS o
      WHERE o.pid = l.pid AND o.database = l.database AND o.granted AND o.relation = to_regclass(%(beside)s)
  ))
"""
"""Of this database alone: in all that are copies of the same one, as other tests have them, a table has one number."""


class Locked:
    """A table that nobody can use."""

    def __init__(self, looking: "psycopg.Connection[Any]", table: str, beside: str) -> None:
        """Look at it by a connection of its own, and at the statements that have read ``beside`` as well."""
        self._looking = looking
        self._sought = {"table": table, "beside": beside}

    @property
    def waiting(self) -> int:
        """How many statements wait for the table."""
        row = self._looking.execute(f"SELECT count(*) {_WAITING}", self._sought).fetchone()
        return row[0] if row else 0

    def cancel(self) -> None:
        """Cancel the statements that wait for it, as PostgreSQL does when their time is over."""
        self._looking.execute(f"SELECT pg_cancel_backend(l.pid) {_WAITING}", self._sought)

    def until(self, waiting: int) -> Any:
        """Return when so many statements wait for it."""
        return eventually(lambda: self.waiting == waiting)


@contextmanager
def locked(service: RunningService, table: str, beside: str = "") -> Iterator[Locked]:
    """Keep everyone from a table until the block ends.

    Where the server looks into the table from time to time by itself, those statements are meant that have another one
    locked, ``beside`` it. (What they say is seen by superusers alone.)
    """
    url = service.config.database_url
    with psycopg.connect(url) as holding, psycopg.connect(url, autocommit=True) as looking:
        holding.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
        yield Locked(looking, table, beside)
