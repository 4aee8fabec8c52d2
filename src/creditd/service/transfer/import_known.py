"""What runs before have brought in of a row: its entry, found by its request id, or its account."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from creditd.domain.entry import Entry
from creditd.service.transfer.import_row import DEBT
from creditd.service.transfer.import_spool import SpooledRow
from creditd.service.transfer.patience import Patience
from creditd.storage.accounts import opened_among
from creditd.storage.database import Database
from creditd.storage.requests import RequestKey, load_requests

BATCH_ROWS: Final = 256
"""Rows of a transaction, as many as a server's own batches have: it takes some tens of milliseconds."""


class KnownRow(NamedTuple):
    """A row, and what is there of it: the entry that brought it in, or its account if it has no amount."""

    spooled: SpooledRow
    entry: Entry | None
    is_there: bool

    @property
    def is_as_told(self) -> bool:
        """Whether what is there is what the row says, by its fingerprint and by the figures of the entry."""
        if self.entry is None:
            return self.is_there
        row, entry = self.spooled.row, self.entry
        amount = entry.available_delta - entry.debt_delta
        is_amount = (entry.credit_type, amount) == (row.credit_type, -row.amount if row.source == DEBT else row.amount)
        return is_amount and entry.fingerprint == self.spooled.fingerprint


def batches(rows: Iterable[SpooledRow], size: int = BATCH_ROWS) -> Iterator[list[SpooledRow]]:
    """Give rows in batches of a size."""
    remaining = iter(rows)
    while batch := list(islice(remaining, size)):
        yield batch


def look_up(database: Database, batch: Sequence[SpooledRow]) -> list[KnownRow]:
    """Return the rows of a batch, in their order, with what is there of them."""
    keys = {RequestKey(one.row.account_id, one.request_id) for one in batch if one.row.amount}
    alone = {one.row.account_id for one in batch if not one.row.amount}
    with database.autocommit() as connection:
        found = load_requests(connection, keys) if keys else {}
        opened = opened_among(connection, alone) if alone else frozenset[str]()
    known = []
    for one in batch:
        entries = found.get(RequestKey(one.row.account_id, one.request_id))
        is_there = bool(entries) if one.row.amount else one.row.account_id in opened
        known.append(KnownRow(one, entries[0] if entries else None, is_there))
    return known


def known_rows(database: Database, rows: Iterable[SpooledRow]) -> Iterator[KnownRow]:
    """Give rows, in their order, with what is there of them. Raises TransferStopped."""
    patience = Patience(database)
    for batch in batches(rows):
        yield from patience.tried(lambda batch=batch: look_up(database, batch))  # type: ignore[misc]
