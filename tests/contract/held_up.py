"""Holds the ledger up in the middle of a batch: its statement waits for a row that another session has locked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.contract.customer import Customer
from tests.running import eventually

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
