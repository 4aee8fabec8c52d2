"""The ledger on a thread that polls for calls: it decides there, and only the wait for the database is elsewhere.

While one batch is being saved the next one is decided, on top of it. Once the save is done, the next one begins first,
and the answers are delivered while PostgreSQL works on it.

What memory does not suffice for goes to the database thread as a whole, and while that is under way nothing is decided.
Those ``cold`` works wait for the save that is under way, and for one more at most. Later works of their accounts go
with them, so that their order stays.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sized
from functools import partial
from threading import Event, Lock, get_ident
from typing import Final

from creditd.ledger.attempt import Written
from creditd.ledger.cold_works import ColdWorks
from creditd.ledger.crowd import Crowd
from creditd.ledger.database_thread import DatabaseThread, RunsJobs
from creditd.ledger.drafts import Draft, DraftWriter, Fate
from creditd.ledger.queue import Answered, Post, deliver
from creditd.ledger.waiting_room import WaitingRoom, WorkTicket
from creditd.ledger.work import Apart, DeadlinePassed, Overloaded, ShuttingDown, Work
from creditd.storage.connections.turns import Turn
from creditd.storage.database import BATCH_SECONDS
from creditd.storage.save import Saved
from creditd.telemetry.statistics import LedgerStatistics

log = logging.getLogger(__name__)

WORKS_AT_ONCE: Final = 64
"""Decided before the thread looks for calls and answers again: a millisecond or two."""

ENOUGH: Final = 32
"""So many works begin a save though others have arrived and are yet to be taken in; fewer wait for these, which takes a
millisecond or two. Twice as many in a batch cost the database a fifth less for each."""

ANSWERS_AT_ONCE: Final = 64
"""Delivered before the thread looks for calls and the end of a save: each answer is encoded and sent there and then.
With 16 at once, 64 callers cost half as many context switches again and a tenth more of the server's time."""


def _nothing() -> None:
    """Do nothing: what is posted wakes the thread that polls, and it ticks after that anyway."""


class DatabaseThreadEnded(Exception):
    """The database thread has ended by a defect: nothing can be saved any more."""


class PolledLane:
    """Tickets in from any thread; all that is decided, on the one that ticks."""

    def __init__(
        self,
        writer: DraftWriter,
        room: WaitingRoom,
        put_apart: Callable[[WorkTicket, Apart | None], object],
        statistics: LedgerStatistics,
        post: Post,
        *,
        max_batch: int,
        max_waiting: int,
        at_once: int = WORKS_AT_ONCE,
        database_thread: RunsJobs | None = None,
    ) -> None:
        """Save batches of up to ``max_batch`` by ``writer``; refuse tickets if more than ``max_waiting`` wait.

        A tick decides up to so many works ``at_once``. The ``database_thread`` is of the lane's own if none is given.
        Works on wallets that ``room`` knows are put apart, as are those found to be of that kind. ``post`` has it
        tick soon.
        """
        self._writer = writer
        self._room = room
        self._put_apart = put_apart
        self._statistics = statistics
        self._post = post
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._at_once = at_once
        self._database_thread = database_thread or DatabaseThread("ledger")
        self._queue: deque[WorkTicket] = deque()
        self._tickets: dict[Work, WorkTicket] = {}
        self._draft = writer.draft()
        self._saving: Draft | None = None
        self._repeated: list[Work] = []
        self._cold = ColdWorks()
        self._was_cold = False
        self._crowd = Crowd()
        self._most = max_batch
        self._worked_on: frozenset[Work] = frozenset()
        self._is_busy = False
        self._is_alone = False
        self._landed: deque[Callable[[], None]] = deque()
        self._answers: deque[Answered] = deque()
        self._lock = Lock()
        self._thread = 0
        self._bell = Event()
        self._is_rung = False
        self._is_closed = False
        self._is_detached = False
        self._is_over = False
        self._defect: BaseException | None = None

    @property
    def waiting(self) -> int:
        """How many works wait for a batch to begin."""
        return len(self._queue) + len(self._cold) + len(self._repeated) + len(self._draft)

    def submit(self, ticket: WorkTicket) -> None:
        """Queue a ticket. Raises Overloaded if too many wait, ShuttingDown once closed."""
        if self._is_closed:
            raise ShuttingDown
        if self.waiting >= self._max_waiting:
            raise Overloaded
        self._queue.append(ticket)
        if get_ident() != self._thread or self._is_over:
            self._ring()

    def tick(self, *, has_all: bool = True) -> None:
        """Do what can be done now without waiting, and see to another tick if that was not all of it.

        Unless the thread ``has_all`` that has arrived, it is to tick again once it has. Raises DatabaseThreadEnded;
        nothing is done any more then.
        """
        if not (has_all or self._landed or self._defect or (self._has_enough and not self._is_busy)):
            # Works are decided together: between the taking in of others they would find the processor's caches cold.
            return
        with self._lock:
            # First of all, so that whoever comes from here on sees to another tick.
            self._is_rung = False
            self._thread = get_ident()
            self._do_tick(has_all=has_all)

    def close(self, end: float) -> None:
        """Take no more tickets, and finish what waits until ``end``, on time.monotonic's clock.

        It is the calling thread that ticks from here on; the one that polled has ended. What is left then is
        answered with ShuttingDown; what the database thread has begun is answered when it is done.
        """
        self._is_closed = self._is_detached = True
        while time.monotonic() < end:
            self._bell.clear()
            self.tick()
            if self._is_idle:
                break
            self._bell.wait(max(0.0, end - time.monotonic()))
        with self._lock:
            self._is_over = True
        self.tick()

    @property
    def _is_idle(self) -> bool:
        waiting: tuple[Sized, ...] = (self._queue, self._draft, self._cold, self._answers, self._landed)
        return not (self._is_busy or any(map(len, waiting)))

    def _ring(self) -> None:
        if self._is_rung:
            return
        self._is_rung = True
        self._bell.set()
        if self._is_over:
            self.tick()
        elif not self._is_detached:
            self._post(_nothing)

    def _go_on(self) -> None:
        """See to another tick, once what has come meanwhile was looked at."""
        if self._is_detached:
            self._bell.set()
        else:
            self._post(_nothing)

    def _do_tick(self, *, has_all: bool) -> None:
        while self._landed:
            self._landed.popleft()()
        if self._defect is not None:
            self._worked_on = frozenset()
            self._tell_the_rest(DatabaseThreadEnded)
            raise DatabaseThreadEnded from self._defect
        if self._is_over:
            self._tell_the_rest(ShuttingDown)
            return
        self._crowd.see(len(self._queue) + len(self._draft) + (len(self._saving) if self._saving else 0))
        self._most = min(self._max_batch, self._crowd.half)
        # The next save goes before anything else is done: PostgreSQL has nothing to do.
        is_free = not self._is_busy
        if is_free and (has_all or self._has_enough):
            if len(self._draft) < ENOUGH:
                self._decide_some()
            self._begin_next()
        self._deliver_some()
        if not is_free:
            self._decide_some()
        if has_all and (self._answers or (self._queue and self._can_decide)):
            self._go_on()

    @property
    def _has_enough(self) -> bool:
        return len(self._draft) + len(self._queue) >= ENOUGH or len(self._cold) > 0

    # -- deciding ----------------------------------------------------------------------------------------------------

    @property
    def _can_decide(self) -> bool:
        draft = self._draft
        is_full = len(draft) >= self._most or draft.batch.is_full
        return not (self._is_alone or is_full or len(self._cold) >= self._max_batch)

    def _decide_some(self) -> None:
        for _ in range(min(len(self._queue), self._at_once)):
            if not self._can_decide:
                return
            self._decide(self._queue.popleft())

    def _decide(self, ticket: WorkTicket) -> None:
        work = ticket.item
        self._statistics.works += 1
        if self._room.knows(work):
            self._leave(ticket, None)
            return
        self._tickets[work] = ticket
        if work.account_id in self._cold.accounts:
            self._cold.add((work,))
            return
        try:
            fate = self._writer.add(self._draft, work, self._saving)
        except Exception:  # noqa: BLE001 - it is told where works are tried one by one.
            self._cold.add((*self._draft.take_back({work.account_id}), work))
            return
        if fate is Fate.REPEATED:
            self._repeated.append(work)
        elif fate is Fate.LATE:
            self._answer(work, DeadlinePassed())
        elif fate is Fate.REFUSED:
            self._cold.add_refused(work)
        elif fate is Fate.COLD:
            self._cold.add((work,))

    # -- saving ------------------------------------------------------------------------------------------------------

    def _begin_next(self) -> None:
        if self._is_busy:
            return
        if self._cold and not (len(self._draft) and (self._was_cold or not self._is_apart_from_cold)):
            self._begin_cold()
        elif len(self._draft):
            self._drop_late()
            if len(self._draft):
                self._begin_save()

    @property
    def _is_apart_from_cold(self) -> bool:
        return self._draft.accounts.isdisjoint(self._cold.accounts)

    def _drop_late(self) -> None:
        """Take back what is about to be saved, and whose caller's deadline has passed since it was decided."""
        late = self._draft.late(time.monotonic())
        if late:
            taken = self._draft.take_back({work.account_id for work in late})
            self._queue.extendleft(self._tickets.pop(work) for work in reversed(taken))
            # They are counted anew when they are decided anew, or dropped.
            self._statistics.works -= len(taken)

    def _begin_save(self) -> None:
        draft, self._draft = self._draft, self._writer.draft()
        turn = Turn(BATCH_SECONDS)
        self._saving, self._was_cold = draft, False
        self._crowd.note_save()
        try:
            self._writer.begin(draft)
        except Exception as error:  # noqa: BLE001 - one work has what cannot be written: recovering finds it.
            self._saved(draft, turn, error)
        else:
            self._have_done(draft.works, lambda: self._writer.save(draft, turn), partial(self._saved, draft, turn))

    def _begin_cold(self) -> None:
        works, refused = self._cold.take(self._max_batch)
        # What the draft has copied of these accounts is about to be changed beneath it.
        self._draft.take_back({work.account_id for work in works})
        self._was_cold = self._is_alone = True
        self._have_done(works, lambda: self._writer.write_cold(works, refused), partial(self._written, works))

    def _have_done(self, works: list[Work], job: Callable[[], object], landed: Callable[[object], None]) -> None:
        """Have the database thread do a job for works, and this thread take over what it returns or raises."""

        def run() -> None:
            result: object
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is for whoever takes it over.
                result = error
            except BaseException as defect:
                self._defect = defect
                self._ring()
                raise
            self._landed.append(lambda: landed(result))
            self._ring()

        self._is_busy, self._worked_on = True, frozenset(works)
        self._database_thread.run(run)

    # -- taking over -------------------------------------------------------------------------------------------------

    def _saved(self, draft: Draft, turn: Turn, result: object) -> None:
        self._is_busy, self._worked_on, self._saving = False, frozenset(), None
        repeated, self._repeated = self._repeated, []
        if isinstance(result, Exception):
            self._failed(draft, turn, result)
            self._cold.add(repeated)
            return
        saved = result if isinstance(result, Saved) else None
        try:
            written, unsaved = self._writer.commit(draft, saved)
        except Exception as error:
            log.exception("a batch failed")
            self._give_up(draft.works, error)
            self._cold.put_back(self._draft.take_back(draft.accounts))
            self._cold.add(repeated)
            return
        if saved and saved.unsaved:
            self._cold.put_back((*unsaved, *self._draft.take_back(saved.unsaved)))
        self._take(written)
        for work in repeated:
            self._repeat(draft, work, saved)

    def _failed(self, draft: Draft, turn: Turn, error: Exception) -> None:
        """Find out what came of a save, and do again what did not; what was decided meanwhile goes with what is cold.

        Where the database answers to nothing, all that waits is then told so after one more turn, not after several.
        """
        works = draft.works
        self._cold.put_back(self._draft.take_back(draft.accounts | self._draft.accounts))
        self._is_alone = True
        self._have_done(works, lambda: self._writer.recover(works, error, turn), partial(self._written, works))

    def _repeat(self, draft: Draft, work: Work, saved: Saved | None) -> None:
        is_saved = saved is not None and work.account_id not in saved.unsaved
        outcome = self._writer.repeat(draft, work) if is_saved else None
        if outcome is not None:
            self._answer(work, outcome)
        else:
            self._cold.add((work,))

    def _written(self, works: list[Work], result: object) -> None:
        self._is_busy, self._worked_on, self._is_alone = False, frozenset(), False
        if isinstance(result, Exception):
            # A defect of ours must not leave callers waiting; what was done is told by the same request id.
            log.error("a batch failed", exc_info=result)
            self._give_up(works, result)
        elif isinstance(result, Written):
            self._take(result)

    def _take(self, written: Written) -> None:
        for work, result in written.results:
            self._answer(work, result)
        for work, why in written.apart:
            self._leave(self._tickets.pop(work), why)
        self._cold.put_back(written.left)

    def _leave(self, ticket: WorkTicket, why: Apart | None) -> None:
        try:
            self._put_apart(ticket, why)
        except (Overloaded, ShuttingDown) as error:
            self._answers.append((ticket, error))

    # -- answering ---------------------------------------------------------------------------------------------------

    def _answer(self, work: Work, answer: object) -> None:
        self._answers.append((self._tickets.pop(work), answer))

    def _give_up(self, works: Iterable[Work], error: Exception) -> None:
        for work in works:
            self._answer(work, error)

    def _deliver_some(self) -> None:
        answers = self._answers
        if answers:
            deliver([answers.popleft() for _ in range(min(len(answers), ANSWERS_AT_ONCE))])

    def _tell_the_rest(self, error: type[Exception]) -> None:
        """Answer all that the database thread is not busy with, and let go of it if it is not."""
        for work in [work for work in self._tickets if work not in self._worked_on]:
            self._answer(work, error())
        while self._queue:
            self._answers.append((self._queue.popleft(), error()))
        self._draft, self._repeated = self._writer.draft(), []
        self._cold.clear()
        deliver([*self._answers])
        self._answers.clear()
        if not self._is_busy:
            self._database_thread.close()
