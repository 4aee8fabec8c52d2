"""One server's writer without a thread or a wire: works in, results out, and a way to let others come in between."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Event
from typing import Any, Final, cast

import pytest

from creditd.domain.wallet import Rules
from creditd.ledger.account_writer import AccountWriter
from creditd.ledger.accounts import AccountLedger
from creditd.ledger.batch import Batch, Terms
from creditd.ledger.drafts import DraftWriter
from creditd.ledger.ids import uuid7
from creditd.ledger.polled_lane import PolledLane
from creditd.ledger.side_lane import SideLane
from creditd.ledger.thread_lane import MAX_BATCH, MAX_WAITING
from creditd.ledger.transaction import TransactionLedger
from creditd.ledger.waiting_room import WaitingRoom, WorkTicket
from creditd.ledger.work import Apart, Outcome, Result, Work
from creditd.ledger.writer import Writer
from creditd.storage.database import Connection, Database, DatabaseSettings
from creditd.storage.layout import Layout
from creditd.storage.save import Saved
from creditd.telemetry.statistics import LedgerStatistics
from tests.support.databases import clock_of
from tests.support.service import LAYOUT_VARIABLE
from tests.support.tickets import FutureTicket, ask

RULES = Rules()

SECONDS: Final = 60.0
"""For any one batch."""


class Desk:
    """A writer with connections, a cache and a clock of its own, as each server has them."""

    def __init__(
        self,
        url: str,
        sign_up_credits: Mapping[str, int] | None = None,
        prepare_threshold: int | None = 2,
        *,
        is_polled: bool = False,
    ) -> None:
        """Write to the database of ``url``; if it ``is_polled``, tick by tick, by a database thread."""
        self.url = url
        terms = Terms(RULES, sign_up_credits or {}, uuid7)
        layout = Layout(os.environ.get(LAYOUT_VARIABLE, Layout.PLAIN))
        settings = DatabaseSettings(url, pool_size=8, prepare_threshold=prepare_threshold, layout=layout)
        self.database = Database(settings)
        self.clock = clock_of(self.database)
        self.statistics = LedgerStatistics()
        self.batches = self.database.for_batches()
        is_plain = layout is Layout.PLAIN
        writer: Any = (DraftWriter if is_plain else AccountWriter)(self.batches, terms, self.clock, self.statistics)
        # Tests about drafts are of the plain layout alone.
        self.writer: DraftWriter = writer
        self.side_statistics = LedgerStatistics()
        self.room = WaitingRoom(self.side_statistics)
        beside = Writer if is_plain else AccountWriter
        self.side_writer = beside(self.batches, terms, self.clock, self.side_statistics, is_apart=True)
        self.side_lane = SideLane(self.side_writer, self.room)
        # Where account data is distributed, the writers have threads of their own.
        self._polling = (
            Polling(cast("DraftWriter", self.writer), self.room, self.statistics) if is_polled and is_plain else None
        )
        self.transactions = TransactionLedger(self.database, terms, self.clock)
        self.accounts = AccountLedger(self.transactions, RULES, uuid7)

    def write(self, *works: Work) -> list[Result]:
        """Write works as one batch; return their results in the order of the works."""
        results = self.begin(*works)
        while len(results) < len(works):
            results |= self.go_on()
        return [results[work] for work in works]

    def begin(self, *works: Work) -> dict[Work, Result]:
        """Write works as one batch; return the results of those that are not left to be done apart."""
        known = [work for work in works if self.room.knows(work)]
        results: dict[Work, Result] = {}
        left = [work for work in works if work not in known]
        for work in known:
            self.room.put(FutureTicket(work), None)
        if self._polling:
            return self._polling.write(left)
        while left:
            written = self.writer.write(left)
            results |= dict(written.results)
            for work, why in written.apart:
                self.room.put(FutureTicket(work), why)
            left = written.left
        return results

    def go_on(self) -> dict[Work, Result]:
        """Do one round of what is apart; return its results."""
        answered = (answered for answers in self.side_lane.round() for answered in answers)
        return {ticket.item: cast("Result", answer) for ticket, answer in answered}

    def forget(self) -> None:
        """Lose every copy of a wallet, as a server does that is started again."""
        for key in list(self.writer._cache._wallets):
            self.writer._cache.drop(key)
            self.writer._cache.take_spenders(key)

    def close(self) -> None:
        """Let go of the connections."""
        if self._polling:
            self._polling.lane.close(0.0)
        self.batches.close()
        self.database.close()

    def do(self, work: Work) -> Outcome:
        """Write one work; raise why it was not done."""
        (result,) = self.write(work)
        if isinstance(result, Exception):
            raise result
        return result


class Polling:
    """Has a lane tick, until the works of a batch have their answers."""

    def __init__(self, writer: DraftWriter, room: WaitingRoom, statistics: LedgerStatistics) -> None:
        """Tick whenever there is something to do."""
        self._room = room
        self._bell = Event()
        self._apart: set[Work] = set()
        self.lane = PolledLane(
            writer,
            room,
            self._put_apart,
            statistics,
            lambda _: self._bell.set(),
            max_batch=MAX_BATCH,
            max_waiting=MAX_WAITING,
            at_once=MAX_BATCH,
        )

    def write(self, works: Sequence[Work]) -> dict[Work, Result]:
        """Write works; return the results of those that are not left to be done apart."""
        self._apart.clear()
        futures = {work: ask(self.lane.submit, work) for work in works}
        self.lane.tick()
        while not all(work in self._apart or future.done() for work, future in futures.items()):
            assert self._bell.wait(SECONDS)
            self._bell.clear()
            self.lane.tick()
        return {work: _answer_of(future) for work, future in futures.items() if work not in self._apart}

    def _put_apart(self, ticket: WorkTicket, why: Apart | None) -> None:
        self._room.put(ticket, why)
        self._apart.add(ticket.item)


def _answer_of(future: "Future[Outcome]") -> Result:
    error = future.exception()
    assert error is None or isinstance(error, Exception)
    return error or future.result()


@contextmanager
def desk_at(
    url: str,
    sign_up_credits: Mapping[str, int] | None = None,
    prepare_threshold: int | None = 2,
    *,
    is_polled: bool = False,
) -> Iterator[Desk]:
    """Keep a desk until the block ends."""
    desk = Desk(url, sign_up_credits, prepare_threshold, is_polled=is_polled)
    try:
        yield desk
    finally:
        desk.close()


def before_saving(patch: pytest.MonkeyPatch, desk: Desk, others: Callable[[], object], times: int = 1) -> None:
    """Let others come in between: so many times after the desk has decided and before it saves."""
    save, left = desk.writer._save, iter(range(times))

    def interrupted(connection: Connection, batch: Batch, *, commits: bool = False) -> Saved | None:
        if next(left, None) is not None:
            others()
        return save(connection, batch, commits=commits)

    patch.setattr(desk.writer, "_save", interrupted)
