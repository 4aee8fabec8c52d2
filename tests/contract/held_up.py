"""Holds the service up: its statements wait for a row, or a whole table, that another session has locked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from tests.contract.customer import Customer
from tests.running import RunningService, eventually

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@contextmanager
def held_up(customer: Customer) -> Iterator[Callable[[], Any]]:
    """Lock a chat wallet until the block ends; give the function that returns when the ledger waits for it."""
    url = customer.service.config.database_url
    with psycopg.connect(url) as holding, psycopg.connect(url, autocommit=True) as looking:
        holding.execute(
            "SELECT FROM wallets WHERE account_id = %s AND credit_type = 'chat' FOR UPDATE", [customer.account_id]
        )

        def until_it_waits() -> Any:
            return eventually(lambda: looking.execute(_WAITING).fetchone() == (1,))

        yield until_it_waits


class Locked:
    """A table that nobody can use."""

    def __init__(self, looking: "psycopg.Connection[Any]", table: str) -> None:
        """Look at it by a connection of its own."""
        self._looking = looking
        self._table = table

    @property
    def waiting(self) -> int:
        """How many statements wait for the table."""
        query = "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted"
        row = self._looking.execute(query, [self._table]).fetchone()
        return row[0] if row else 0

    def until(self, waiting: int) -> Any:
        """Return when so many statements wait for it."""
        return eventually(lambda: self.waiting == waiting)


@contextmanager
def locked(service: RunningService, table: str) -> Iterator[Locked]:
    """Keep everyone from a table until the block ends."""
    url = service.config.database_url
    with psycopg.connect(url) as holding, psycopg.connect(url, autocommit=True) as looking:
        holding.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
        yield Locked(looking, table)
