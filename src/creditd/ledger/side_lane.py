"""The side lane: works on wallets that others hold, or that are heavy, apart from the batches of the many.

Correctness does not rest on it: a work decided here is guarded by the same keys and versions as in a batch.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from threading import Event, Thread
from typing import Final

from creditd.ledger.attempt import Written, nothing_written
from creditd.ledger.queue import Answered, Ticket, deliver
from creditd.ledger.waiting_room import WaitingRoom
from creditd.ledger.work import Apart, Outcome, Work
from creditd.ledger.writer import Writer

log = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 0.02
"""Between two looks at wallets that were all held: short beside a caller's patience, long beside the look itself."""


class SideLane:
    """Does works apart, in rounds: what is free by now, then one wallet that is stuck, then one that is heavy."""

    def __init__(self, writer: Writer, room: WaitingRoom) -> None:
        """Write through a ``writer`` of its own what waits in ``room``."""
        self._writer = writer
        self._room = room

    def round(self) -> Iterator[Sequence[Answered]]:
        """Try what waits; give the answers as they come."""
        yield self._room.overdue()
        yield self._try(self._room.next(Apart.LOCKED), self._writer.write_free)
        yield self._try(self._room.next(Apart.STUCK), self._writer.write_free)
        yield self._try(self._room.next(Apart.HEAVY), self._writer.write_share)

    def _try(
        self, tickets: list[Ticket[Work, Outcome]], write: Callable[[Sequence[Work]], Written]
    ) -> Sequence[Answered]:
        if not tickets:
            return ()
        by_work = {ticket.item: ticket for ticket in tickets}
        works = list(by_work)
        try:
            written = write(works)
        except Exception as error:
            # A defect of ours must not leave callers waiting; what was done is told by the same request id.
            log.exception("works apart failed")
            written = nothing_written()
            written.results.extend((work, error) for work in works)
        answers = [(by_work[work], result) for work, result in written.results]
        self._room.settle([ticket for ticket, _ in answers], written.apart, written.heavy)
        return answers


class SideThread:
    """Runs a side lane on a thread of its own, while something waits in it."""

    def __init__(self, lane: SideLane, room: WaitingRoom) -> None:
        """Answer from that thread."""
        self._lane = lane
        self._room = room
        self._woken = Event()
        self._closing = False
        self._ended = False
        self._thread = Thread(target=self._run, name="ledger-apart", daemon=True)
        self._thread.start()

    def put(self, ticket: Ticket[Work, Outcome], why: Apart | None) -> None:
        """Have a work done apart, None for a wallet that is known. Raises Overloaded, ShuttingDown."""
        if self._room.put(ticket, why):
            self._woken.set()

    def close(self, timeout_seconds: float) -> None:
        """Go on for so long with what waits; tell what is left then that the server is shutting down."""
        self._closing = True
        self._woken.set()
        self._thread.join(timeout_seconds)
        self._ended = True
        self._tell_the_rest()

    def _tell_the_rest(self) -> None:
        deliver(self._room.close())

    def _run(self) -> None:
        while not self._ended and (self._room.waiting or not self._closing):
            if not self._room.waiting:
                self._woken.wait()
            self._woken.clear()
            if not self._round():
                self._woken.wait(PAUSE_SECONDS)
        # What was being tried when the time was over.
        self._tell_the_rest()

    def _round(self) -> bool:
        """Do one round; tell whether anything came of it. The thread must outlive any defect."""
        moved = False
        try:
            for answers in self._lane.round():
                if answers:
                    moved = True
                    deliver(answers)
        except Exception:
            log.exception("a round apart failed")
        return moved
