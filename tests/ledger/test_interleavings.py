"""Drafts in any order: whatever fails under them, each work is done once or not at all, and told what was done.

The lane's ticks and its database thread's jobs are done by hand, one after the other, in the order that a story tells.
Another server comes in between, connections are lost before and after the save, request ids are repeated.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creditd.domain.errors import InsufficientCredit, LimitExceeded, ReservationConfirmed
from creditd.domain.limits import DAY, EACH, WHOLE, Limit
from creditd.ledger.batch import Batch
from creditd.ledger.drafts import DraftWriter
from creditd.ledger.queue import Answered, Ticket
from creditd.ledger.work import DatabaseUnavailable, Outcome, VersionConflict, Work
from creditd.storage.database import Connection
from creditd.storage.save import Saved
from tests.ledger.driving import LaneByHand
from tests.support.desk import Desk, desk_at
from tests.support.extent import examples
from tests.support.ledger_books import Books
from tests.support.works import act, add, confirm, deduct, reservation_of, reserve

ACCOUNTS: Final = 3
OPENING: Final = 40

MOST_A_DAY: Final = 18
MOST_OF_EACH: Final = 11
LIMITS: Final = (Limit("chat", WHOLE, daily=MOST_A_DAY), Limit("chat", EACH, daily=MOST_OF_EACH))
"""Of the first account; the others have none. Refusals on copies are taken back with what they were decided on."""

SPENDERS: Final = ("", "ann", "ben")

REFUSALS: Final = (InsufficientCredit, LimitExceeded, ReservationConfirmed)
UNDONE: Final = (*REFUSALS, VersionConflict, ValueError)
"""What says that nothing was done."""

FAILURES: Final[dict[str, type[Exception]]] = {
    "lost": psycopg.OperationalError,
    "locked": psycopg.errors.LockNotAvailable,
    "too slow": psycopg.errors.QueryCanceled,
    "overtaken": psycopg.errors.SerializationFailure,
    "broken": ValueError,
}

_NUMBERS = count()


@pytest.fixture(scope="module")
def desks(url: str) -> Iterator[tuple[Desk, Desk]]:
    """Provide the writers of two servers; the lane is the first one's."""
    with desk_at(url) as desk, desk_at(url) as other:
        yield desk, other


@dataclass(eq=False)
class Story:
    """What was asked, and what came of it."""

    desk: Desk
    other: Desk
    books: Books
    lane: LaneByHand
    accounts: list[str]
    answers: dict[Ticket[Any, Any], object] = field(default_factory=dict)
    asked: list[Ticket[Any, Any]] = field(default_factory=list)
    fault: tuple[str, bool] | None = None

    def deliver(self, answers: Sequence[Answered]) -> None:
        """Hold each answer against what is committed at this moment."""
        for ticket, answer in answers:
            assert ticket not in self.answers
            self.answers[ticket] = answer
            if isinstance(answer, Outcome):
                for entry in answer.entries:
                    assert entry in self.books.entries(entry.account_id), "an answer before its commit"

    def ask(self, work: Work) -> None:
        """Submit a work, which is decided in a later tick."""
        ticket: Ticket[Work, Outcome] = Ticket(work, self)
        self.asked.append(ticket)
        self.lane.lane.submit(ticket)

    def held(self) -> list[Any]:
        """Return the reservations that were answered, the latest last."""
        outcomes = [answer for answer in self.answers.values() if isinstance(answer, Outcome)]
        return [reservation_of(outcome) for outcome in outcomes if outcome.reservations[0] is not None]

    def take(self, step: tuple[str, int, int]) -> None:
        """Take one step."""
        what, number, amount = step
        account = self.accounts[number % ACCOUNTS]
        match what:
            case "deduct":
                self.ask(deduct(account, amount, spender_id=SPENDERS[amount % 3]))
            case "reserve":
                self.ask(reserve(account, amount, spender_id=SPENDERS[amount % 3]))
            case "refused":
                self.ask(deduct(account, 10_000))
            case "confirm" if held := self.held():
                self.ask(confirm(held[-1 - number % len(held)]))
            case "repeat" if self.asked:
                self.ask(self._again(self.asked[-1 - number % len(self.asked)].item))
            case "elsewhere":
                self.other.do(add(account, 1))
            case "tick":
                self.lane.tick()
            case "help":
                self.lane.help()
            case _:
                self.fault = (what, bool(number % 2)) if what in FAILURES else self.fault

    @staticmethod
    def _again(work: Work) -> Work:
        return Work(work.account_id, work.origin, work.steps, work.keys)

    def save(self, save: Callable[..., Saved | None], connection: Connection, batch: Batch, **options: bool) -> Any:
        """Save, and fail before or after it if the story says so. What was too slow has not been done."""
        fault, self.fault = self.fault, None
        if fault is None:
            return save(connection, batch, **options)
        name, is_after = fault
        if is_after and name == "lost":
            save(connection, batch, **options)
        raise FAILURES[name]

    def conclude(self) -> None:
        """Find each work answered once, and done once if it was said to be."""
        self.fault = None
        self.lane.finish()
        assert set(self.answers) == set(self.asked)
        done = {entry.request_id for account in self.accounts for entry in self.books.entries(account)}
        for ticket, answer in self.answers.items():
            request_id = ticket.item.origin.request_id
            if isinstance(answer, Outcome):
                assert request_id in done
            else:
                assert isinstance(answer, (*UNDONE, DatabaseUnavailable)), answer
        by_request: dict[str, list[Outcome]] = {}
        for ticket, answer in self.answers.items():
            if isinstance(answer, Outcome):
                by_request.setdefault(ticket.item.origin.request_id, []).append(answer)
        for outcomes in by_request.values():
            assert len({outcome.entries for outcome in outcomes}) == 1
            assert sum(not outcome.replayed for outcome in outcomes) <= 1
        for request_id in {t.item.origin.request_id for t, a in self.answers.items() if isinstance(a, UNDONE)}:
            assert request_id not in done or request_id in by_request
        assert all(self.books.are_whole(account) for account in self.accounts)
        self._conclude_limits()

    def _conclude_limits(self) -> None:
        """Find no more spent than the limits allow, by what the ledger says."""
        entries = [entry for entry in self.books.entries(self.accounts[0]) if entry.day_delta]
        day = max((entry.create_time // DAY for entry in entries), default=0)
        used = dict.fromkeys(SPENDERS, 0)
        for entry in entries:
            for who in {"", entry.spender_id} if entry.create_time // DAY == day else ():
                used[who] += entry.day_delta
                assert 0 <= used[who] <= (MOST_OF_EACH if who else MOST_A_DAY)


numbers = st.integers(0, 5)
amounts = st.integers(1, 9)
steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["deduct"] * 6
            + ["reserve"] * 4
            + ["confirm"] * 2
            + ["repeat"] * 3
            + ["tick"] * 8
            + ["help"] * 6
            + ["refused", "elsewhere", *FAILURES]
        ),
        numbers,
        amounts,
    ),
    min_size=20,
    max_size=60,
)


@examples(many=30, few=10)
@pytest.mark.parametrize("max_batch", [3, 64])
def test_whatever_fails_each_work_is_done_once_and_told_so(
    desks: tuple[Desk, Desk], books: Books, max_batch: int, examples: int
) -> None:
    desk, other = desks
    save = DraftWriter._save

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps)
    def tell(story_steps: list[tuple[str, int, int]]) -> None:
        accounts = [f"story-{next(_NUMBERS)}" for _ in range(ACCOUNTS)]
        # First, so that no copy is stale: most of the story is told from memory.
        desk.accounts.set_limits(accounts[0], act(None), LIMITS)
        desk.write(*(add(account, OPENING) for account in accounts))
        lane = LaneByHand(desk, max_batch=max_batch)
        story = Story(desk, other, books, lane, accounts)
        desk.writer._save = lambda *given, **options: story.save(  # type: ignore[method-assign]
            lambda *g, **o: save(desk.writer, *g, **o), *given, **options
        )
        for step in story_steps:
            story.take(step)
        story.conclude()

    try:
        tell()
    finally:
        del desk.writer._save
