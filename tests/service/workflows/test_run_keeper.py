"""Leases: one server works on a run at a time, any other takes it over, and who comes too late changes nothing (G2)."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from creditd.domain.commands import Confirm, Refund
from creditd.domain.instant import SECOND
from creditd.domain.wallet import Origin
from creditd.domain.workflows.execution import Failed, Progress, Succeeded
from creditd.domain.workflows.run import HOLD_ENDED, TIMED_OUT, TOLD_FOR, GivenUp, Run, RunState
from creditd.ledger.ids import uuid7
from creditd.ledger.work import RecordBusy, Step
from creditd.service.workflows.run_ends import end_run
from creditd.service.workflows.run_keeper import LEASE_SECONDS, LeaseStanding, RunKeeper
from creditd.storage.workflows import runs
from creditd.storage.workflows.run_leases import Lease, Room
from tests.service.workflows.workshop import Workshop, lease_of

pytestmark = pytest.mark.requirement("G2")

DONE = Succeeded(3, b'{"poem": "x"}')


def cancelled(workshop: Workshop, run: Run) -> Run:
    """Give a run up, as its account's owner does."""
    return workshop.transactions.transact(
        lambda it: end_run(
            it,
            runs.lock(it.connection, run.key) or run,
            GivenUp(RunState.CANCELLED, "enough"),
            Origin("ann", uuid7()),
        )
    )


def settled(keeper: RunKeeper, lease: Lease) -> Run | None:
    """End a run, as often as others are quicker to hold its rows."""
    while True:
        try:
            return keeper.settle(lease, DONE)
        except RecordBusy:
            continue


def test_a_run_is_taken_once(workshop: Workshop, other: Workshop) -> None:
    run = workshop.run()
    (taken,) = workshop.claim()
    assert (taken.run_id, taken.lease, taken.attempts, taken.state) == (run.run_id, 1, 1, RunState.RUNNING)
    assert other.claim() == []


def test_of_many_servers_at_once_each_has_others(workshop: Workshop, other: Workshop) -> None:
    made = {workshop.run().run_id for _ in range(24)}
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda number: (workshop, other)[number % 2].claim(4), range(8)))
    # Who comes while others hold rows leaves them; a second look finds the rest.
    taken = [run.run_id for part in [*parts, workshop.claim()] for run in part]
    assert sorted(taken) == sorted(made)


def test_a_dead_servers_run_is_taken_over_and_its_late_answer_changes_nothing(
    workshop: Workshop, other: Workshop
) -> None:
    run = workshop.run(seconds=120)
    (first,) = workshop.claim()
    other.clock.advance(LEASE_SECONDS - 1)
    assert other.claim() == []
    other.clock.advance(2)
    (second,) = other.claim()
    assert (second.lease, second.attempts) == (2, 2)
    assert workshop.keeper.settle(lease_of(first), DONE) is None
    assert workshop.keeper.renew([lease_of(first)])[run.key] == LeaseStanding(is_ours=False, is_held=False)
    assert workshop.figures(run.account_id) == (990, 10)
    ended = other.keeper.settle(lease_of(second), DONE)
    assert ended is not None
    assert (ended.state, ended.used_amount) == (RunState.SUCCEEDED, 3)
    assert other.keeper.settle(lease_of(second), DONE) is None
    assert workshop.keeper.settle(lease_of(first), Failed("NO", "")) is None
    assert workshop.found(run) == ended
    assert workshop.figures(run.account_id) == (997, 0)


def test_a_lease_that_ended_and_that_nobody_took_is_still_ones_own(workshop: Workshop) -> None:
    run = workshop.run(seconds=120)
    (taken,) = workshop.claim()
    workshop.clock.advance(3 * LEASE_SECONDS)
    ended = workshop.keeper.settle(lease_of(taken), DONE)
    assert ended is not None
    assert ended.used_amount == 3
    assert workshop.figures(run.account_id) == (997, 0)


def test_a_verdict_at_the_same_time_as_another_is_charged_once(workshop: Workshop, other: Workshop) -> None:
    keepers = (workshop.keeper, other.keeper) * 2
    for _ in range(5):
        run = workshop.run()
        (taken,) = workshop.claim()
        lease = lease_of(taken)
        with ThreadPoolExecutor(4) as pool:
            ends = list(pool.map(lambda keeper, lease=lease: settled(keeper, lease), keepers))
        assert sum(end is not None for end in ends) == 1
        assert workshop.figures(run.account_id) == (997, 0)


def test_a_renewed_lease_lasts_and_progress_shows(workshop: Workshop, other: Workshop) -> None:
    run = workshop.run(seconds=120)
    (taken,) = workshop.claim()
    for server in (workshop, other):
        server.clock.advance(LEASE_SECONDS - 1)
    news = lease_of(taken)._replace(progress=Progress(40, "at it"))
    assert workshop.keeper.renew([news])[run.key] == LeaseStanding(is_ours=True, is_held=True)
    other.clock.advance(LEASE_SECONDS - 1)
    assert other.claim() == []
    found = workshop.found(run)
    assert (found.progress_percent, found.progress_message) == (40, "at it")
    assert found.version == taken.version + 1
    workshop.keeper.renew([lease_of(taken)])
    assert workshop.found(run).version == found.version


def test_a_lease_given_back_is_taken_at_once(workshop: Workshop, other: Workshop) -> None:
    workshop.run()
    (taken,) = workshop.claim()
    workshop.keeper.release([lease_of(taken)])
    (again,) = other.claim()
    assert again.lease == 2


def test_who_has_a_hundred_leaves_room_for_who_has_one(workshop: Workshop) -> None:
    many, few = workshop.account(), workshop.account()
    first = [workshop.run(many) for _ in range(5)]
    last = workshop.run(few)
    taken = {run.run_id for run in workshop.claim(2)}
    assert taken == {first[0].run_id, last.run_id}
    # No more of one account than there is to be; and what the server has already counts.
    assert len(workshop.claim(of_account=2, held={many: 1})) == 1
    assert len(workshop.claim(of_account=2)) == 2


def test_runs_of_executors_that_a_server_does_not_know_are_left(workshop: Workshop) -> None:
    run = workshop.run(executor="quizzes", seconds=60)
    known = workshop.keeper
    room = Room(100, ("poems",), 100, {})
    assert known.claim(room) == ([], set())
    # Its time goes on all the same, and whoever sees that it is over ends it.
    workshop.clock.advance(61)
    ((late,), covered) = known.claim(room)
    assert (late.run_id, late.attempts, late.state) == (run.run_id, 0, RunState.WAITING)
    assert covered == {run.key}
    ended = known.settle(lease_of(late), TIMED_OUT)
    assert ended is not None
    assert ended.state is RunState.TIMED_OUT
    assert workshop.figures(run.account_id) == (1_000, 0)


def test_one_that_was_not_reached_waits(workshop: Workshop) -> None:
    run = workshop.run()
    (taken,) = workshop.claim()
    workshop.keeper.put_off(lease_of(taken), taken)
    found = workshop.found(run)
    assert found.state is RunState.WAITING
    assert found.due_time is not None
    assert workshop.clock.now() - SECOND < found.due_time <= workshop.later(1)
    workshop.clock.advance(1.1)
    (again,) = workshop.claim()
    assert (again.attempts, again.lease) == (2, 2)
    # Who was overtaken puts nothing off.
    workshop.keeper.put_off(lease_of(taken), taken)
    assert workshop.found(run).state is RunState.RUNNING


@pytest.mark.parametrize("verdict", [DONE, Failed("NO", ""), TIMED_OUT])
def test_an_answer_after_a_cancellation_changes_nothing(
    workshop: Workshop, verdict: Succeeded | Failed | GivenUp
) -> None:
    run = workshop.run()
    (taken,) = workshop.claim()
    ended = cancelled(workshop, run)
    assert workshop.keeper.settle(lease_of(taken), verdict) is None
    assert workshop.found(run) == ended
    assert workshop.figures(run.account_id) == (1_000, 0)
    assert workshop.keeper.renew([lease_of(taken)])[run.key] == LeaseStanding(is_ours=False, is_held=False)


def test_a_hold_is_extended_while_its_run_goes_on(url: str, workshop: Workshop) -> None:
    short = Workshop(url, max_ttl=120 * SECOND)
    try:
        run = short.run(seconds=3_600)
        assert run.hold_expire_time <= short.later(120)
        (taken,) = short.claim()
        short.clock.advance(100)
        end = short.keeper.extend(lease_of(taken))
        assert end is not None
        assert short.found(run).hold_expire_time == end
        assert end > short.later(110)
        short.clock.advance(110)
        ended = short.keeper.settle(lease_of(taken), DONE)
        assert ended is not None
        assert ended.state is RunState.SUCCEEDED
        # It has ended, and its hold with it.
        assert short.keeper.extend(lease_of(taken)) is None
    finally:
        short.close()
    del workshop


def test_a_hold_that_has_ended_by_itself_pays_for_nothing(url: str, workshop: Workshop) -> None:
    short = Workshop(url, max_ttl=120 * SECOND)
    try:
        run = short.run(seconds=3_600)
        (taken,) = short.claim()
        short.clock.advance(121)
        assert short.keeper.extend(lease_of(taken)) is None
        ended = short.keeper.settle(lease_of(taken), DONE)
        assert ended is not None
        assert (ended.state, ended.failure_reason, ended.output) == (RunState.FAILED, HOLD_ENDED, "")
        assert ended.used_amount == 0
    finally:
        short.close()
    del run, workshop


@pytest.mark.parametrize(
    ("amount", "verdict", "state"),
    [
        (10, DONE, RunState.SUCCEEDED),
        (2, DONE, RunState.FAILED),
        (0, DONE, RunState.FAILED),
        (4, Failed("NO", ""), RunState.FAILED),
        (4, TIMED_OUT, RunState.TIMED_OUT),
    ],
)
def test_a_hold_that_others_have_ended(
    workshop: Workshop, amount: int, verdict: Succeeded | Failed | GivenUp, state: RunState
) -> None:
    run = workshop.run()
    (taken,) = workshop.claim()
    origin = Origin("app", uuid7())
    command = Confirm(origin, run.run_id, amount) if amount else Refund(origin, run.run_id)
    workshop.transactions.transact(lambda it: it.perform(run.account_id, origin, (Step(run.wallet, command),)))
    ended = workshop.keeper.settle(lease_of(taken), verdict)
    assert ended is not None
    assert (ended.state, ended.used_amount) == (state, amount)
    assert bool(ended.output) == (state is RunState.SUCCEEDED)
    assert workshop.figures(run.account_id) == (1_000 - amount, 0)


def test_what_is_claimed_says_whose_credits_are_held(workshop: Workshop) -> None:
    run, covered = workshop.run(), workshop.run()
    origin = Origin("app", uuid7())
    refund = Step(run.wallet, Refund(origin, run.run_id))
    workshop.transactions.transact(lambda it: it.perform(run.account_id, origin, (refund,)))
    _, held = workshop.keeper.claim(Room(10, ("poems",), 10, {}))
    assert held == {covered.key}


def test_an_executor_is_told_until_it_knows(workshop: Workshop, other: Workshop) -> None:
    run = workshop.run()
    cancelled(workshop, run)
    (untold,) = workshop.keeper.claim_untold(10)
    assert (untold.run_id, untold.failure_message) == (run.run_id, "enough")
    assert other.keeper.claim_untold(10) == []
    workshop.keeper.note_telling(untold, is_told=False)
    workshop.clock.advance(1.1)
    (again,) = workshop.keeper.claim_untold(10)
    workshop.keeper.note_telling(again, is_told=True)
    workshop.clock.advance(TOLD_FOR / SECOND)
    assert workshop.keeper.claim_untold(10) == []
    assert workshop.found(run).due_time is None


def test_an_executor_that_never_comes_back_is_told_for_a_day(workshop: Workshop) -> None:
    run = workshop.run()
    cancelled(workshop, run)
    workshop.clock.advance(TOLD_FOR / SECOND + 1)
    (untold,) = workshop.keeper.claim_untold(10)
    workshop.keeper.note_telling(untold, is_told=False)
    assert workshop.found(run).due_time is None


def test_what_there_is_to_do(workshop: Workshop) -> None:
    assert workshop.keeper.backlog() == (0, 0.0)
    workshop.run(seconds=600)
    workshop.clock.advance(7)
    open_runs, seconds = workshop.keeper.backlog()
    assert open_runs == 1
    assert 7 <= seconds < 60
    workshop.claim()
    assert workshop.keeper.backlog() == (1, 0.0)


def test_a_row_that_others_hold_is_renewed_in_the_next_round(workshop: Workshop) -> None:
    run = workshop.run()
    (taken,) = workshop.claim()
    with psycopg.connect(workshop.url) as connection:
        connection.execute("SELECT 1 FROM runs WHERE run_id = %s FOR UPDATE", (run.run_id,))
        # It is still ours, and nobody waits for it.
        assert workshop.keeper.renew([lease_of(taken)])[run.key].is_ours
        with pytest.raises(RecordBusy):
            workshop.keeper.settle(lease_of(taken), DONE)
    ended = workshop.keeper.settle(lease_of(taken), DONE)
    assert ended is not None
    assert ended.used_amount == 3


def test_a_missing_run_is_nobodys(workshop: Workshop) -> None:
    run = workshop.run()
    (taken,) = workshop.claim()
    missing = lease_of(taken)._replace(key=run.key._replace(run_id=uuid7()))
    assert workshop.keeper.settle(missing, DONE) is None
    assert workshop.keeper.renew([missing])[missing.key] == LeaseStanding(is_ours=False, is_held=False)
