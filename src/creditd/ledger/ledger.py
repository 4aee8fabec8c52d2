"""The ledger as others see it: tickets in, outcomes back."""

import time

from creditd.ledger.batch import Terms
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.drafts import DraftWriter
from creditd.ledger.polled_lane import PolledLane
from creditd.ledger.queue import Post, Tick, Ticket
from creditd.ledger.side_lane import SideLane, SideThread
from creditd.ledger.thread_lane import MAX_BATCH, MAX_WAITING, ThreadLane
from creditd.ledger.waiting_room import WaitingRoom
from creditd.ledger.work import Outcome, Work
from creditd.ledger.writer import Writer
from creditd.storage.database import Database
from creditd.telemetry.statistics import LedgerStatistics

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
        self._lane: ThreadLane | PolledLane = ThreadLane(
            "ledger",
            self._writer,
            self._room,
            self._side.put,
            self.statistics,
            max_batch=MAX_BATCH,
            max_waiting=MAX_WAITING,
        )

    @property
    def counted(self) -> tuple[LedgerStatistics, ...]:
        """What the batches' lane counts, and what the one counts that is apart; they go on counting."""
        return self.statistics, self.side_statistics

    @property
    def waiting(self) -> int:
        """How many works wait for the next batch."""
        return self._lane.waiting

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
        self._lane.close(time.monotonic() + ATTACH_SECONDS)
        lane = PolledLane(
            self._writer,
            self._room,
            self._side.put,
            self.statistics,
            post,
            max_batch=MAX_BATCH,
            max_waiting=MAX_WAITING,
        )
        self._lane = lane
        return lane.tick

    def submit(self, ticket: Ticket[Work, Outcome]) -> None:
        """Queue a work; its outcome comes after COMMIT, or why there is none. Raises Overloaded, ShuttingDown."""
        self._lane.submit(ticket)

    def close(self, timeout_seconds: float) -> None:
        """Take no more, and finish what waits; what is not finished in time is told ShuttingDown."""
        end = time.monotonic() + timeout_seconds
        self._lane.close(end)
        self._side.close(max(0.0, end - time.monotonic()))
