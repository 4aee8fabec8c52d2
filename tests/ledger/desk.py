"""One server's writer without a thread or a wire: works in, results out, and a way to let others come in between."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from creditd.domain.wallet import Rules
from creditd.ledger.accounts import AccountLedger
from creditd.ledger.batch import Batch, Terms
from creditd.ledger.ids import uuid7
from creditd.ledger.statistics import LedgerStatistics
from creditd.ledger.work import Outcome, Result, Work
from creditd.ledger.writer import Writer
from creditd.storage.database import Connection, Database, DatabaseSettings
from tests.ledger.databases import clock_of

RULES = Rules()


class Desk:
    """A writer with connections, a cache and a clock of its own, as each server has them."""

    def __init__(
        self, url: str, sign_up_credits: Mapping[str, int] | None = None, prepare_threshold: int | None = 2
    ) -> None:
        """Write to the database of ``url``."""
        self.url = url
        terms = Terms(RULES, sign_up_credits or {}, uuid7)
        self.database = Database(DatabaseSettings(url, pool_size=4, prepare_threshold=prepare_threshold))
        self.clock = clock_of(self.database)
        self.statistics = LedgerStatistics()
        self.writer = Writer(self.database, lambda: terms, self.clock, self.statistics)
        self.accounts = AccountLedger(self.database, self.clock, RULES)

    def write(self, *works: Work) -> list[Result]:
        """Write works as one batch; return their results in the order of the works."""
        results = dict(self.writer.write(works))
        assert len(results) == len(works)
        return [results[work] for work in works]

    def do(self, work: Work) -> Outcome:
        """Write one work; raise why it was not done."""
        (result,) = self.write(work)
        if isinstance(result, Exception):
            raise result
        return result


@contextmanager
def desk_at(
    url: str, sign_up_credits: Mapping[str, int] | None = None, prepare_threshold: int | None = 2
) -> Iterator[Desk]:
    """Keep a desk until the block ends."""
    desk = Desk(url, sign_up_credits, prepare_threshold)
    try:
        yield desk
    finally:
        desk.database.close()


def before_saving(patch: pytest.MonkeyPatch, desk: Desk, others: Callable[[], object], times: int = 1) -> None:
    """Let others come in between: so many times after the desk has decided and before it saves."""
    save, left = desk.writer._save, iter(range(times))

    def interrupted(connection: Connection, batch: Batch) -> None:
        if next(left, None) is not None:
            others()
        save(connection, batch)

    patch.setattr(desk.writer, "_save", interrupted)
