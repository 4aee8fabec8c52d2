"""The ledger where account data is distributed by account: many lanes write at a time, each on one account at a time.

An account is always in the same lane, which a stable hash of its id tells: its works come one after the other, and no
two lanes of a server meet at its rows. Lanes of several servers do; the guards of each save tell then, as always.
"""

import time
from dataclasses import fields
from typing import Any
from zlib import crc32

from creditd.ledger.account_writer import AccountWriter
from creditd.ledger.batch import Terms
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.queue import Post, Tick, Ticket
from creditd.ledger.side_lane import SideLane, SideThread
from creditd.ledger.thread_lane import MAX_BATCH, MAX_WAITING, ThreadLane
from creditd.ledger.waiting_room import WaitingRoom
from creditd.ledger.work import Outcome, Work
from creditd.storage.database import Database
from creditd.telemetry.statistics import LedgerStatistics


def lane_of(account_id: str, lanes: int) -> int:
    """Return which of so many lanes an account is in: 0 and up, the same in each process and release."""
    return crc32(account_id.encode()) % lanes


class AccountLanes:
    """Everything that moves credits goes through ``submit``."""

    def __init__(self, database: Database, terms: Terms, clock: DatabaseClock, lanes: int) -> None:
        """Write to ``database`` on so many threads and connections, and on one more what is apart from them."""
        self.clock = clock
        self.side_statistics = LedgerStatistics()
        self._room = WaitingRoom(self.side_statistics)
        apart = AccountWriter(database, terms, clock, self.side_statistics, is_apart=True)
        self._side = SideThread(SideLane(apart, self._room), self._room)
        self._counted = [LedgerStatistics() for _ in range(lanes)]
        self._lanes = [
            ThreadLane(
                f"ledger-{number}",
                AccountWriter(database, terms, clock, statistics),
                self._room,
                self._side.put,
                statistics,
                max_batch=MAX_BATCH,
                max_waiting=MAX_WAITING // lanes,
            )
            for number, statistics in enumerate(self._counted)
        ]

    @property
    def statistics(self) -> LedgerStatistics:
        """What all lanes have counted, added up now."""
        return _added_up(self._counted)

    @property
    def counted(self) -> tuple[LedgerStatistics, ...]:
        """What each lane counts, and what the one counts that is apart; they go on counting."""
        return *self._counted, self.side_statistics

    @property
    def waiting(self) -> int:
        """How many works wait for the next batch of their lane."""
        return sum(lane.waiting for lane in self._lanes)

    @property
    def waiting_apart(self) -> int:
        """How many works wait for a wallet that others hold, or that is heavy."""
        return self._room.waiting

    def attach(self, post: Post) -> Tick:
        """Return nothing to do for a thread that polls: the lanes have threads of their own, which wake it."""
        del post

        def tick(*, has_all: bool = True) -> None:
            del has_all

        return tick

    def submit(self, ticket: Ticket[Work, Outcome]) -> None:
        """Queue a work; its outcome comes after COMMIT, or why there is none. Raises Overloaded, ShuttingDown."""
        self._lanes[lane_of(ticket.item.account_id, len(self._lanes))].submit(ticket)

    def close(self, timeout_seconds: float) -> None:
        """Take no more, and finish what waits; what is not finished in time is told ShuttingDown."""
        end = time.monotonic() + timeout_seconds
        for lane in self._lanes:
            lane.close(end)
        self._side.close(max(0.0, end - time.monotonic()))


def _added_up(each: list[LedgerStatistics]) -> LedgerStatistics:
    total: dict[str, Any] = {}
    for field in fields(LedgerStatistics):
        first, *others = (getattr(statistics, field.name) for statistics in each)
        total[field.name] = sum(others, start=first)
    return LedgerStatistics(**total)
