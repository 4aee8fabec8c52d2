"""Batches that are decided while the one before is saved: ticks and the database thread's jobs are done by hand."""

import time
from collections.abc import Iterator, Sequence
from threading import Thread
from types import SimpleNamespace
from typing import Any, NoReturn

import psycopg
import pytest

from creditd.domain.errors import InsufficientCredit
from creditd.ledger import batch, drafts, polled_lane, writer
from creditd.ledger.crowd import LEAST_HALF
from creditd.ledger.polled_lane import ENOUGH, WORKS_AT_ONCE, DatabaseThreadEnded
from creditd.ledger.queue import Answered, Ticket
from creditd.ledger.work import DatabaseUnavailable, DeadlinePassed, Outcome, Work
from tests.ledger.driving import LaneByHand
from tests.support.desk import Desk, before_saving, desk_at
from tests.support.ledger_books import Books
from tests.support.statements import statements_of
from tests.support.works import add, confirm, deduct, reservation_of, reserve


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    """Provide the writer that the lane drives."""
    with desk_at(url) as desk:
        yield desk


@pytest.fixture
def other(url: str) -> Iterator[Desk]:
    """Provide the writer of another server."""
    with desk_at(url) as desk:
        yield desk


class Counter:
    """Submits works, and keeps their answers in the order in which they come."""

    def __init__(self, lane: LaneByHand) -> None:
        """Ask a lane."""
        self.lane = lane
        self.answers: dict[Work, object] = {}
        self.jobs_when_answered: list[int] = []

    def deliver(self, answers: Sequence[Answered]) -> None:
        """Keep answers, each once."""
        for ticket, answer in answers:
            assert ticket.item not in self.answers
            self.answers[ticket.item] = answer
            self.jobs_when_answered.append(self.lane.jobs)

    def ask(self, *works: Work) -> None:
        """Submit works, and tick."""
        for work in works:
            ticket: Ticket[Work, Outcome] = Ticket(work, self)
            self.lane.lane.submit(ticket)
        self.lane.tick()

    def save(self) -> None:
        """Let the database thread do its job, and tick."""
        assert self.lane.help()
        self.lane.tick()

    def kinds(self, works: Sequence[Work]) -> list[str]:
        """Return what became of works."""
        names = {False: "done", True: "replayed"}
        results = [self.answers.get(work) for work in works]
        return [names[r.replayed] if isinstance(r, Outcome) else type(r).__name__ for r in results]


@pytest.fixture
def counter(desk: Desk, account: str) -> Counter:
    """Provide where to ask, with an account of 100 credits whose copies are warm."""
    desk.do(add(account, 100))
    return Counter(LaneByHand(desk))


def test_the_next_batch_is_saved_before_the_answers_to_the_last_are_delivered(
    desk: Desk, counter: Counter, books: Books, account: str
) -> None:
    works = [deduct(account, 1) for _ in range(3)]
    for work in works:
        counter.ask(work)
    # Two and three were decided on top of one, which nobody has been told of yet.
    assert (counter.lane.jobs, counter.answers) == (1, {})
    counter.save()
    assert (counter.kinds(works), counter.jobs_when_answered) == (["done", "NoneType", "NoneType"], [1])
    counter.save()
    assert counter.kinds(works) == ["done"] * 3
    assert desk.statistics.batch_sizes == {1: 2, 2: 1}
    assert books.figures(account) == (4, 97, 0)


def test_a_hold_is_confirmed_in_the_batch_after_the_one_that_is_being_saved(
    desk: Desk, counter: Counter, books: Books, account: str
) -> None:
    counter.ask(first := reserve(account, 5), second := deduct(account, 1))
    counter.save()
    outcome = counter.answers[first]
    assert isinstance(outcome, Outcome)
    counter.ask(third := deduct(account, 1))
    with statements_of(desk.batches) as statements:
        counter.ask(last := confirm(reservation_of(outcome)))
        counter.save()
        counter.save()
    assert counter.kinds([second, third, last]) == ["done"] * 3
    assert statements == ["save", "save"]
    assert books.figures(account) == (5, 93, 0)


def test_what_rests_on_a_batch_that_was_overtaken_is_decided_anew(
    desk: Desk, other: Desk, counter: Counter, books: Books, account: str
) -> None:
    """The other server writes the very version that the first batch would have: the guard alone takes it for ours."""
    works = [deduct(account, 60), deduct(account, 20)]
    counter.ask(works[0])
    counter.ask(works[1])
    other.do(deduct(account, 1))
    counter.lane.finish()
    assert counter.kinds(works) == ["done", "done"]
    assert books.figures(account) == (4, 19, 0)
    assert books.are_whole(account)
    assert desk.statistics.works == 3


def test_what_rests_on_a_repeated_request_is_decided_anew_and_others_are_not(
    desk: Desk, counter: Counter, books: Books, account: str
) -> None:
    beside = f"{account}-beside"
    desk.write(add(beside, 10), deduct(account, 5, "click"))
    works = [deduct(account, 5, "click"), deduct(beside, 1), deduct(account, 2), deduct(beside, 2)]
    counter.ask(*works[:2])
    counter.ask(*works[2:])
    counter.save()
    # What was done on the other account is told, and what rests on it stands.
    assert counter.kinds(works) == ["NoneType", "done", "NoneType", "NoneType"]
    counter.save()
    assert counter.kinds(works) == ["replayed", "done", "done", "NoneType"]
    with statements_of(desk.batches) as statements:
        counter.save()
    assert (statements, counter.kinds(works)) == (["save"], ["replayed", "done", "done", "done"])
    assert (books.figures(account), books.figures(beside)) == ((3, 93, 0), (3, 7, 0))


FAILURES = {
    psycopg.OperationalError: "done",
    psycopg.errors.LockNotAvailable: "done",
    psycopg.errors.SerializationFailure: "done",
    psycopg.errors.QueryCanceled: DatabaseUnavailable.__name__,
    ValueError: ValueError.__name__,
}


@pytest.mark.parametrize("failure", FAILURES)
def test_what_rests_on_a_batch_that_failed_is_decided_anew(
    desk: Desk,
    other: Desk,
    counter: Counter,
    books: Books,
    account: str,
    monkeypatch: pytest.MonkeyPatch,
    failure: type[Exception],
) -> None:
    def fail() -> NoReturn:
        # It leaves the very version behind that the failed batch would have.
        other.do(deduct(account, 1))
        raise failure

    beside = f"{account}-beside"
    desk.do(add(beside, 10))
    before_saving(monkeypatch, desk, fail)
    works = [deduct(account, 50), deduct(account, 30), deduct(beside, 1)]
    counter.ask(works[0])
    counter.ask(*works[1:])
    counter.lane.finish()
    assert counter.kinds(works) == [FAILURES[failure], "done", "done"]
    spent = 30 + 50 * (FAILURES[failure] == "done")
    assert books.figures(account).available == 99 - spent
    assert books.are_whole(account)
    assert books.figures(beside) == (2, 9, 0)


def test_after_a_full_draft_was_taken_back_the_next_works_are_decided(
    desk: Desk, counter: Counter, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A draft has no more room once it has taken much in. With all of it taken back it has something to do again."""

    def fail() -> NoReturn:
        raise psycopg.OperationalError

    monkeypatch.setattr(batch, "MAX_WORK", 4)
    before_saving(monkeypatch, desk, fail)
    works = [deduct(account, 1) for _ in range(8)]
    counter.ask(works[0])
    counter.ask(*works[1:])
    # The first is being saved, and fails; two are decided, and stand on it; the draft is full, and five wait for room.
    assert counter.lane.lane._draft.batch.is_full
    for _ in works:
        counter.lane.help()
        counter.lane.tick()
    assert counter.kinds(works) == ["done"] * 8
    assert books.figures(account) == (9, 92, 0)
    assert books.are_whole(account)


def test_what_was_done_though_its_answer_was_lost_is_found_and_what_rests_on_it_is_done_once(
    desk: Desk, counter: Counter, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = desk.writer.save

    def lose(*given: Any) -> NoReturn:
        monkeypatch.undo()
        save(*given)
        raise psycopg.OperationalError

    monkeypatch.setattr(desk.writer, "save", lose)
    works = [deduct(account, 60), deduct(account, 30)]
    counter.ask(works[0])
    counter.ask(works[1])
    counter.lane.finish()
    assert counter.kinds(works) == ["replayed", "done"]
    assert books.figures(account) == (3, 10, 0)


def test_a_request_that_is_repeated_while_it_is_saved_costs_no_statement(
    desk: Desk, counter: Counter, books: Books, account: str
) -> None:
    works = [deduct(account, 4, "click"), deduct(account, 4, "click"), deduct(account, 5, "click")]
    with statements_of(desk.batches) as statements:
        counter.ask(works[0])
        counter.ask(works[1])
        counter.save()
        assert statements == ["save"]
    assert counter.kinds(works[:2]) == ["done", "replayed"]
    counter.ask(works[2])
    counter.lane.finish()
    assert counter.kinds(works) == ["done", "replayed", "RequestIdReused"]
    assert books.figures(account) == (2, 96, 0)


def test_a_request_that_is_repeated_while_its_save_fails_is_done_once(
    other: Desk, counter: Counter, books: Books, account: str
) -> None:
    works = [deduct(account, 4, "click"), deduct(account, 4, "click")]
    counter.ask(works[0])
    counter.ask(works[1])
    other.do(deduct(account, 1))
    counter.lane.finish()
    done, repeated = (counter.answers[work] for work in works)
    assert isinstance(done, Outcome)
    assert repeated == done._replace(replayed=True)
    assert books.figures(account) == (3, 95, 0)


def test_a_refusal_that_rests_on_what_is_being_saved_is_no_answer(
    desk: Desk, other: Desk, counter: Counter, books: Books, account: str
) -> None:
    """What would have taken the credits fails: whoever came behind it gets them."""
    other.do(deduct(account, 1, "click"))
    desk.do(deduct(account, 1))
    works = [deduct(account, 90, "click"), deduct(account, 50)]
    counter.ask(works[0])
    counter.ask(works[1])
    counter.lane.finish()
    assert counter.kinds(works) == ["RequestIdReused", "done"]
    assert books.figures(account).available == 48


def test_no_copy_is_used_that_a_batch_of_cold_works_has_made_stale(desk: Desk, counter: Counter, account: str) -> None:
    counter.ask(refused := deduct(account, 1_000), done := deduct(account, 1))
    counter.lane.finish()
    counter.ask(again := deduct(account, 1))
    counter.lane.finish()
    assert counter.kinds([refused, done, again]) == [InsufficientCredit.__name__, "done", "done"]
    assert desk.statistics.stale_copies == 0


def test_a_cold_work_waits_for_two_saves_at_most_and_later_works_of_its_account_wait_for_it(
    desk: Desk, counter: Counter, account: str
) -> None:
    beside = f"{account}-beside"
    desk.do(add(beside, 1_000))
    counter.ask(deduct(beside, 1))
    counter.ask(deduct(account, 1), cold := deduct(account, 1, dry_run=True), later := deduct(account, 1))
    for _ in range(2):
        counter.ask(deduct(beside, 1))
        counter.save()
    assert counter.kinds([cold, later]) == ["NoneType", "NoneType"]
    counter.save()
    assert counter.kinds([cold, later]) == ["done", "done"]
    answered = list(counter.answers)
    assert answered.index(cold) < answered.index(later)


def test_after_a_save_that_failed_all_that_waits_is_done_in_one_batch(
    desk: Desk, counter: Counter, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that answers to nothing takes as long as it may with each batch: there is to be one more at most."""

    def fail() -> NoReturn:
        raise psycopg.errors.QueryCanceled

    beside = f"{account}-beside"
    desk.do(add(beside, 1_000))
    before_saving(monkeypatch, desk, fail)
    counter.ask(failing := deduct(beside, 1))
    counter.ask(hot := deduct(account, 1), cold := deduct(account, 1, dry_run=True))
    for _ in range(3):
        counter.save()
    assert counter.kinds([failing, hot, cold]) == [DatabaseUnavailable.__name__, "done", "done"]
    assert not counter.lane.jobs


def test_hot_works_are_saved_between_two_batches_of_cold_ones(desk: Desk, counter: Counter, account: str) -> None:
    beside = f"{account}-beside"
    desk.do(add(beside, 1_000))
    counter.ask(first := deduct(account, 1, dry_run=True))
    counter.ask(second := deduct(account, 1, dry_run=True), hot := deduct(beside, 1))
    counter.save()
    counter.save()
    assert counter.kinds([first, hot, second]) == ["done", "done", "NoneType"]


def test_a_work_whose_deadline_passes_before_its_save_begins_is_dropped_and_what_rests_on_it_is_decided_anew(
    desk: Desk, counter: Counter, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = [deduct(account, 1), deduct(account, 60, deadline=time.monotonic() + 60), deduct(account, 50)]
    counter.ask(works[0])
    counter.ask(works[1])
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 61, perf_counter=time.perf_counter)
    for module in (drafts, polled_lane, writer):
        monkeypatch.setattr(module, "time", later)
    counter.ask(works[2])
    counter.lane.finish()
    assert counter.kinds(works) == ["done", DeadlinePassed.__name__, "done"]
    assert books.figures(account) == (3, 49, 0)
    assert (desk.statistics.works, desk.statistics.dropped) == (4, 1)


def test_a_turn_decides_so_many_works_and_the_next_one_comes_soon(desk: Desk, counter: Counter, account: str) -> None:
    desk.do(add(account, 1_000))
    before = desk.statistics.works
    works = 2 * WORKS_AT_ONCE + 10
    counter.ask(*(deduct(account, 1) for _ in range(works)))
    assert (desk.statistics.works - before, counter.lane.jobs) == (WORKS_AT_ONCE, 1)
    assert counter.lane.posts
    counter.lane.tick()
    assert desk.statistics.works - before == 2 * WORKS_AT_ONCE
    counter.lane.posts = 0
    counter.lane.tick()
    assert (desk.statistics.works - before, counter.lane.posts) == (WORKS_AT_ONCE + works // 2, 0)


def test_one_half_is_decided_while_the_other_is_saved(desk: Desk, counter: Counter, account: str) -> None:
    """Whoever is answered comes back: all in one batch, they and the database would wait for each other in turn."""
    desk.do(add(account, 1_000))
    counter.ask(*(works := [deduct(account, 1) for _ in range(4 * LEAST_HALF)]))
    half = 2 * LEAST_HALF
    assert (counter.lane.jobs, desk.statistics.batch_sizes[half]) == (1, 1)
    counter.lane.tick()
    counter.save()
    assert counter.kinds(works) == ["done"] * half + ["NoneType"] * half
    assert (counter.lane.jobs, desk.statistics.batch_sizes[half]) == (1, 2)
    # They come back while the others are saved, and are as many again.
    counter.ask(*(more := [deduct(account, 1) for _ in range(half)]))
    counter.save()
    assert (counter.kinds(works), desk.statistics.batch_sizes[half]) == (["done"] * 2 * half, 3)
    counter.save()
    assert counter.kinds(more) == ["done"] * half


def test_works_are_decided_together_once_all_that_had_arrived_was_taken_in(
    desk: Desk, counter: Counter, account: str
) -> None:
    counter.ask(deduct(account, 1))
    before = desk.statistics.works
    for _ in range(LEAST_HALF):
        counter.lane.lane.submit(Ticket(deduct(account, 1), counter))
        counter.lane.tick(has_all=False)
    assert desk.statistics.works == before
    counter.lane.tick()
    assert desk.statistics.works == before + LEAST_HALF


@pytest.mark.parametrize(("waiting", "begins"), [(ENOUGH - 1, False), (ENOUGH, True)])
def test_a_save_of_few_begins_once_all_that_had_arrived_was_taken_in(
    counter: Counter, account: str, waiting: int, *, begins: bool
) -> None:
    """Not while others that have arrived are about to be taken in, which would wait for it."""
    counter.ask(first := deduct(account, 1))
    for _ in range(waiting):
        counter.lane.lane.submit(Ticket(deduct(account, 1), counter))
    assert counter.lane.help()
    counter.lane.tick(has_all=False)
    assert (counter.kinds([first]), counter.lane.jobs) == (["done"], int(begins))
    counter.lane.tick()
    assert counter.lane.jobs == 1
    counter.lane.finish()
    assert len(counter.answers) == 1 + waiting


def test_answers_are_delivered_a_few_at_a_time(counter: Counter, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polled_lane, "ANSWERS_AT_ONCE", 3)
    counter.ask(*(deduct(account, 1) for _ in range(LEAST_HALF)))
    counter.save()
    assert len(counter.answers) == 3
    assert counter.lane.posts
    counter.lane.tick()
    counter.lane.tick()
    assert len(counter.answers) == LEAST_HALF


def test_whoever_submits_from_another_thread_has_a_turn_taken(counter: Counter, account: str) -> None:
    counter.ask(deduct(account, 1))
    counter.lane.posts = 0
    counter.lane.lane.submit(Ticket(deduct(account, 1), counter))
    assert counter.lane.posts == 0
    for _ in range(3):
        submitting = Thread(target=counter.lane.lane.submit, args=(Ticket(deduct(account, 1), counter),))
        submitting.start()
        submitting.join(10)
    # One tick takes what all of them have brought.
    assert counter.lane.posts == 1
    counter.lane.finish()
    assert len(counter.answers) == 5


def test_a_save_that_has_ended_has_a_tick_taken(counter: Counter, account: str) -> None:
    """Nobody else may wake the thread that polls."""
    counter.ask(deduct(account, 1))
    counter.lane.posts = 0
    assert counter.lane.help()
    assert counter.lane.posts == 1


class Broken(BaseException):
    """Something that no handler of errors catches."""


def test_a_database_thread_that_ends_has_the_turn_fail_and_everybody_told(
    desk: Desk, counter: Counter, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object) -> NoReturn:
        raise Broken

    monkeypatch.setattr(desk.writer, "save", end)
    counter.ask(works := deduct(account, 1))
    counter.ask(others := deduct(account, 1))
    with pytest.raises(Broken):
        counter.lane.help()
    with pytest.raises(DatabaseThreadEnded):
        counter.lane.tick()
    assert counter.kinds([works, others]) == ["DatabaseThreadEnded"] * 2
    with pytest.raises(DatabaseThreadEnded):
        counter.lane.tick()
