"""The ledger as others see it: tickets in, outcomes back."""

import logging
import time
from collections.abc import Iterable, Sequence

from creditd.ledger.attempt import Written, nothing_written
from creditd.ledger.batch import Terms
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.drafts import DraftWriter
from creditd.ledger.polled_lane import PolledLane
from creditd.ledger.queue import Answered, Post, Tick, Ticket, TicketQueue, deliver
from creditd.ledger.side_lane import SideLane, SideThread
from creditd.ledger.waiting_room import WaitingRoom
from creditd.ledger.work import Apart, Outcome, Overloaded, ShuttingDown, Work
from creditd.ledger.writer import Writer
from creditd.storage.database import Database
from creditd.telemetry.statistics import LedgerStatistics

log = logging.getLogger(__name__)

MAX_BATCH = 256
"""Beyond this a batch's own time shows in its callers' latency, and nothing is gained any more."""

MAX_WAITING = 50_000
"""About a second's worth of batched work: a caller that had to wait longer is better told to come back."""

ATTACH_SECONDS = 5.0
"""For what was submitted before a ledger is attached: nothing, where it is done before anybody is served."""


class Ledger:
    """Everything that moves credits goes through ``submit``."""

    def __init__(self, database: Database, terms: Terms, clock: DatabaseClock) -> None:
        """Write to ``database``, which waits for locks but briefly, on two threads: batches, and what is apart."""
        self.clock = clock
        self.statistics = LedgerStatistics()
        self.side_statistics = LedgerStatistics()
        self._writer = DraftWriter(database, terms, clock, self.statistics)
        self._room = WaitingRoom(self.side_statistics)
        apart = Writer(database, terms, clock, self.side_statistics, is_apart=True)
        self._side = SideThread(SideLane(apart, self._room), self._room)
        self._queue: TicketQueue[Work, Outcome] | PolledLane = TicketQueue(
            "ledger", self._write, max_batch=MAX_BATCH, max_waiting=MAX_WAITING
        )

    @property
    def waiting(self) -> int:
        """How many works wait for the next batch."""
        return self._queue.waiting

    @property
    def waiting_apart(self) -> int:
        """How many works wait for a wallet that others hold, or that is heavy."""
        return self._room.waiting

    def attach(self, post: Post) -> Tick:
        """Decide on another's thread from now on, one that polls; return what it has to do whenever it has polled.

        ``post``, from any thread, has a function called soon on that thread, and wakes it if it waits; it never raises,
        not even once the thread has ended. Nothing may be submitted meanwhile. Once the thread has ended, ``close``
        finishes by itself what still waits. What is returned never waits; it raises once nothing can be saved any more.
        """
        self._queue.close(time.monotonic() + ATTACH_SECONDS)
        lane = PolledLane(
            self._writer,
            self._room,
            self._side.put,
            self.statistics,
            post,
            max_batch=MAX_BATCH,
            max_waiting=MAX_WAITING,
        )
        self._queue = lane
        return lane.tick

    def submit(self, ticket: Ticket[Work, Outcome]) -> None:
        """Queue a work; its outcome comes after COMMIT, or why there is none. Raises Overloaded, ShuttingDown."""
        self._queue.submit(ticket)

    def close(self, timeout_seconds: float) -> None:
        """Take no more, and finish what waits; what is not finished in time is told ShuttingDown."""
        end = time.monotonic() + timeout_seconds
        self._queue.close(end)
        self._side.close(max(0.0, end - time.monotonic()))

    def _write(self, tickets: Sequence[Ticket[Work, Outcome]]) -> list[Ticket[Work, Outcome]]:
        """Write works and send their answers; return those that are left to the next batch."""
        left: list[Ticket[Work, Outcome]] = []
        answers: list[Answered] = []
        by_work = {ticket.item: ticket for ticket in tickets if not self._room.knows(ticket.item)}
        if len(by_work) < len(tickets):
            self._pass_on((ticket for ticket in tickets if ticket.item not in by_work), answers)
        if by_work:
            written = self._write_safely(list(by_work))
            answers += [(by_work[work], result) for work, result in written.results]
            left = [by_work[work] for work in written.left]
            for work, why in written.apart:
                self._put_apart(by_work[work], why, answers)
        deliver(answers)
        return left

    def _pass_on(self, tickets: Iterable[Ticket[Work, Outcome]], answers: list[Answered]) -> None:
        """Put works on wallets that are served apart where these are."""
        for ticket in tickets:
            self.statistics.works += not self._writer.has_left(ticket.item)
            self._put_apart(ticket, None, answers)

    def _put_apart(self, ticket: Ticket[Work, Outcome], why: Apart | None, answers: list[Answered]) -> None:
        try:
            self._side.put(ticket, why)
        except (Overloaded, ShuttingDown) as error:
            answers.append((ticket, error))

    def _write_safely(self, works: Sequence[Work]) -> Written:
        try:
            return self._writer.write(works)
        except Exception as error:
            # A defect of ours must not leave callers waiting; what was done is told by the same request id.
            log.exception("a batch failed")
            written = nothing_written()
            written.results.extend((work, error) for work in works)
            return written
