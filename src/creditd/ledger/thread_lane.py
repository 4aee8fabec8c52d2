"""The ledger on a thread of its own: what waits is written as the next batch, and answered."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from creditd.ledger.attempt import Written, nothing_written
from creditd.ledger.queue import Answered, Ticket, TicketQueue, deliver
from creditd.ledger.waiting_room import WaitingRoom, WorkTicket
from creditd.ledger.work import Apart, Outcome, Overloaded, ShuttingDown, Work
from creditd.ledger.writer import Writer
from creditd.telemetry.statistics import LedgerStatistics

log = logging.getLogger(__name__)

MAX_BATCH: Final = 256
"""Beyond this a batch's own time shows in its callers' latency, and nothing is gained any more."""

MAX_WAITING: Final = 50_000
"""About a second's worth of batched work: a caller that had to wait longer is better told to come back."""


class ThreadLane(TicketQueue[Work, Outcome]):
    """Tickets in from any thread; all that is decided and saved, on one thread of its own."""

    def __init__(
        self,
        name: str,
        writer: Writer,
        room: WaitingRoom,
        put_apart: Callable[[WorkTicket, Apart | None], object],
        statistics: LedgerStatistics,
        *,
        max_batch: int,
        max_waiting: int,
    ) -> None:
        """Save batches of up to ``max_batch`` by ``writer``; refuse tickets if more than ``max_waiting`` wait.

        Works on wallets that ``room`` knows are put apart, as are those found to be of that kind.
        """
        self._writer = writer
        self._room = room
        self._apart = put_apart
        self._statistics = statistics
        super().__init__(name, self._write, max_batch=max_batch, max_waiting=max_waiting)

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
            self._statistics.works += not self._writer.has_left(ticket.item)
            self._put_apart(ticket, None, answers)

    def _put_apart(self, ticket: Ticket[Work, Outcome], why: Apart | None, answers: list[Answered]) -> None:
        try:
            self._apart(ticket, why)
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
