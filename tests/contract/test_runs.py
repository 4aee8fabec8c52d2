"""Runs over the wire: credits are held before, spent on success, and go back otherwise (G2)."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from credit.v1 import account_pb2, run_pb2
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import workflow_service_pb2 as pb
from creditd.service.workflows import run_starts, run_worker
from tests.contract.at_once import was_replayed
from tests.support.customer import Customer
from tests.support.obedient_executor import ObedientExecutor, obedient_executor
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.runner import WORKFLOW, Runner, id_of
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("G2")


@pytest.fixture(scope="module")
def at_work() -> Iterator[tuple[ObedientExecutor, int]]:
    """Run an executor for all these tests."""
    with obedient_executor() as served:
        yield served


@pytest.fixture(scope="module")
def service(
    at_work: tuple[ObedientExecutor, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """Run a service that calls it."""
    executors = (f"obey=localhost:{at_work[1]}", "away=localhost:1")
    with running_service(tmp_path_factory.mktemp("runs"), executors=executors) as running:
        yield running


@pytest.fixture
def executor(at_work: tuple[ObedientExecutor, int]) -> ObedientExecutor:
    """Return the executor."""
    at_work[0].is_deaf = False
    return at_work[0]


@pytest.fixture
def runner(customer: Customer) -> Runner:
    """Return an account with 100 credits, and a workflow of 0 to 10."""
    return Runner.of(customer)


def test_a_success_costs_what_was_used(runner: Runner, executor: ObedientExecutor) -> None:
    made = runner.run(used=3, output={"poem": "x"})
    assert (made.state, made.held_amount, made.used_amount) == (run_pb2.RUN_STATE_WAITING, 10, 0)
    assert made.reservation.endswith(f"/reservations/{id_of(made)}")
    ended = runner.ended(made)
    assert (ended.state, ended.used_amount, ended.output) == (run_pb2.RUN_STATE_SUCCEEDED, 3, '{"poem": "x"}')
    assert (ended.input, ended.attempts) == ('{"used": 3, "output": {"poem": "x"}}', 1)
    assert ended.HasField("end_time")
    assert not ended.HasField("failure")
    assert runner.figures == (97, 0)
    (asked,) = [one for one in executor.asked if one.run_id == id_of(made)]
    assert (asked.account_id, asked.workflow_id, asked.held_amount) == (runner.customer.account_id, WORKFLOW, 10)


@pytest.mark.parametrize(
    ("cost", "used", "charged"),
    [
        ({"fixed_amount": 7}, 2, 7),
        ({"fixed_amount": 7}, None, 7),
        ({"amount_range": {"least_amount": 4, "most_amount": 9}}, 1, 4),
        ({"amount_range": {"least_amount": 4, "most_amount": 9}}, 9, 9),
        ({"amount_range": {"least_amount": 4, "most_amount": 9}}, None, 9),
        ({"amount_range": {"least_amount": 0, "most_amount": 9}}, 0, 0),
    ],
)
def test_what_a_success_costs(customer: Customer, cost: dict[str, Any], used: int | None, charged: int) -> None:
    runner = Runner.of(customer, **({"amount_range": None} | cost))
    ended = runner.ended(runner.run(**({} if used is None else {"used": used})))
    assert (ended.state, ended.used_amount) == (run_pb2.RUN_STATE_SUCCEEDED, charged)
    assert runner.figures == (100 - charged, 0)


def test_a_failure_costs_nothing(runner: Runner) -> None:
    ended = runner.ended(runner.run(fail="INPUT_UNREADABLE"))
    assert ended.state == run_pb2.RUN_STATE_FAILED
    assert (ended.failure.reason, ended.failure.message) == ("INPUT_UNREADABLE", "as it was told")
    assert (ended.used_amount, ended.output) == (0, "")
    assert runner.figures == (100, 0)


def test_an_unlawful_answer_costs_nothing(runner: Runner) -> None:
    ended = runner.ended(runner.run(used=11))
    assert (ended.state, ended.failure.reason) == (run_pb2.RUN_STATE_FAILED, "EXECUTOR_ANSWER_INVALID")
    assert runner.figures == (100, 0)


def test_while_it_runs_its_credits_are_held_and_its_progress_shows(runner: Runner, executor: ObedientExecutor) -> None:
    made = runner.run(hold=True, progress=40, used=1)
    executor.await_asked(id_of(made))
    eventually(lambda: runner.get(made).progress.percent == 40)
    seen = runner.get(made)
    assert (seen.state, seen.progress.message) == (run_pb2.RUN_STATE_RUNNING, "at it")
    assert runner.figures == (90, 10)
    executor.let_go(id_of(made))
    assert runner.ended(made).used_amount == 1
    assert runner.figures == (99, 0)


def test_without_credit_nothing_is_run(customer: Customer, executor: ObedientExecutor) -> None:
    runner = Runner.of(customer, credits=9)
    refusal = refused(runner.owner.workflow.RunWorkflow, runner.running(used=1))
    assert refusal.reason == "INSUFFICIENT_CREDIT"
    assert (refusal.metadata["required"], refusal.metadata["available"]) == ("10", "9")
    assert runner.rows("run_id") == []
    assert not [one for one in executor.asked if one.account_id == customer.account_id]


def test_a_repeat_is_the_run_as_it_is_by_now(runner: Runner, executor: ObedientExecutor) -> None:
    request = runner.running(used=2)
    first = runner.owner.workflow.RunWorkflow(request).run
    ended = runner.ended(first)
    again, call = runner.owner.workflow.RunWorkflow.with_call(request)
    assert again.run == ended
    assert was_replayed(call)
    assert runner.figures == (98, 0)
    assert len([one for one in executor.asked if one.run_id == id_of(first)]) == 1
    changed = pb.RunWorkflowRequest()
    changed.CopyFrom(request)
    changed.input = '{"used": 1}'
    assert refused(runner.owner.workflow.RunWorkflow, changed).reason == "REQUEST_ID_REUSED"


def test_a_repeat_is_answered_though_the_workflow_is_archived(runner: Runner) -> None:
    request = runner.running(used=2)
    first = runner.owner.workflow.RunWorkflow(request).run
    runner.owner.workflow.ArchiveWorkflow(
        pb.ArchiveWorkflowRequest(name=request.name, request_id=runner.customer.request_id())
    )
    assert runner.owner.workflow.RunWorkflow(request).run.name == first.name
    refusal = refused(runner.owner.workflow.RunWorkflow, runner.running(used=2))
    assert refusal.reason == "WORKFLOW_ARCHIVED"
    assert runner.ended(first).state == run_pb2.RUN_STATE_SUCCEEDED


@pytest.mark.parametrize("written", ["[1]", "poem", '{"a": NaN}', '"x"', "{"])
def test_an_input_that_is_no_object_is_refused(runner: Runner, written: str) -> None:
    request = runner.running()
    request.input = written
    assert refused(runner.owner.workflow.RunWorkflow, request).reason == "INVALID_FIELD"
    assert runner.figures == (100, 0)


def test_an_input_of_64_kilobytes_is_taken_and_more_is_not(runner: Runner) -> None:
    request = runner.running()
    request.input = '{"a": "' + "x" * (65_536 - 9) + '"}'
    assert runner.ended(runner.owner.workflow.RunWorkflow(request).run).input == request.input
    request.input = '{"a": "' + "x" * (65_536 - 8) + '"}'
    request.request_id = runner.customer.request_id()
    assert refused(runner.owner.workflow.RunWorkflow, request).code is grpc.StatusCode.INVALID_ARGUMENT


def test_nothing_stated_is_an_empty_object(runner: Runner) -> None:
    request = runner.running()
    request.input = ""
    assert runner.owner.workflow.RunWorkflow(request).run.input == "{}"


def test_a_run_that_is_only_tried_is_none(runner: Runner) -> None:
    request = runner.running(used=1)
    request.validate_only = True
    assert runner.owner.workflow.RunWorkflow(request).run.held_amount == 10
    assert runner.rows("run_id") == []
    assert runner.figures == (100, 0)
    request.validate_only = False
    assert runner.ended(runner.owner.workflow.RunWorkflow(request).run).used_amount == 1


def test_of_no_workflow_and_no_run(runner: Runner) -> None:
    assert refused(runner.owner.workflow.RunWorkflow, runner.running("nothing")).reason == "WORKFLOW_NOT_FOUND"
    missing = run_pb2.Run(name=f"accounts/{runner.customer.account_id}/runs/01975c5e-0000-7000-8000-000000000001")
    assert refused(runner.owner.workflow.GetRun, pb.GetRunRequest(name=missing.name)).reason == "RUN_NOT_FOUND"
    assert refused(runner.owner.workflow.CancelRun, runner.cancelling(missing)).reason == "RUN_NOT_FOUND"


def test_another_users_are_refused_before_they_are_looked_for(runner: Runner) -> None:
    made = runner.run(used=1)
    other = runner.customer.service.as_caller("mallory", "USER").workflow
    for name in (made.name, made.name[:-4] + "0000"):
        assert refused(other.GetRun, pb.GetRunRequest(name=name)).code is grpc.StatusCode.PERMISSION_DENIED
        request = pb.CancelRunRequest(name=name, request_id="x")
        assert refused(other.CancelRun, request).code is grpc.StatusCode.PERMISSION_DENIED
    for workflow_id in (WORKFLOW, "nothing"):
        refusal = refused(other.RunWorkflow, runner.running(workflow_id))
        assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
    listing = pb.ListRunsRequest(account_id=runner.customer.account_id)
    assert refused(other.ListRuns, listing).code is grpc.StatusCode.PERMISSION_DENIED


def test_an_account_has_so_many_open_runs(
    runner: Runner, executor: ObedientExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_starts, "MAX_OPEN_RUNS", 2)
    held = [runner.run(hold=True, used=1) for _ in range(2)]
    refusal = refused(runner.owner.workflow.RunWorkflow, runner.running(used=1))
    assert (refusal.reason, refusal.metadata["maximum"]) == ("RUNS_FULL", "2")
    assert runner.figures == (80, 20)
    executor.let_go(id_of(held[0]))
    runner.ended(held[0])
    runner.run(used=1)
    executor.let_go(id_of(held[1]))


def test_a_cancelled_run_costs_nothing_and_its_executor_is_told(runner: Runner, executor: ObedientExecutor) -> None:
    made = runner.run(hold=True, used=5)
    executor.await_asked(id_of(made))
    request = runner.cancelling(made, "not needed")
    cancelled = runner.owner.workflow.CancelRun(request).run
    assert cancelled.state == run_pb2.RUN_STATE_CANCELLED
    assert runner.figures == (100, 0)
    assert executor.await_given_up(id_of(made)) == "not needed"
    # Whatever it still brings changes nothing.
    executor.let_go(id_of(made))
    again, call = runner.owner.workflow.CancelRun.with_call(request)
    assert again.run == cancelled
    assert was_replayed(call)
    assert runner.cancel(made) == cancelled
    eventually(lambda: runner.rows("due_time") == [(None,)])
    assert runner.figures == (100, 0)


def test_an_ended_run_is_not_cancelled(runner: Runner) -> None:
    made = runner.run(used=5)
    runner.ended(made)
    refusal = refused(runner.owner.workflow.CancelRun, runner.cancelling(made))
    assert (refusal.reason, refusal.metadata["state"]) == ("RUN_ENDED", "SUCCEEDED")
    assert runner.figures == (95, 0)


def test_a_request_id_cancels_one_run(runner: Runner, executor: ObedientExecutor) -> None:
    first, second = runner.run(hold=True), runner.run(hold=True)
    runner.owner.workflow.CancelRun(runner.cancelling(first, request_id="cancel-1"))
    reused = runner.cancelling(second, request_id="cancel-1")
    assert refused(runner.owner.workflow.CancelRun, reused).reason == "REQUEST_ID_REUSED"
    assert runner.get(second).state in {run_pb2.RUN_STATE_WAITING, run_pb2.RUN_STATE_RUNNING}
    runner.cancel(second)
    del executor


def test_a_run_whose_time_is_over_costs_nothing_and_its_executor_is_told(
    customer: Customer, executor: ObedientExecutor
) -> None:
    runner = Runner.of(customer, seconds=1.0)
    made = runner.run(hold=True, used=5)
    ended = runner.ended(made)
    assert (ended.state, ended.used_amount) == (run_pb2.RUN_STATE_TIMED_OUT, 0)
    assert runner.figures == (100, 0)
    assert executor.await_given_up(id_of(made)) == "its time was over"
    executor.let_go(id_of(made))
    assert runner.get(made) == ended


def test_an_executor_that_is_away_is_waited_for_until_the_deadline(customer: Customer) -> None:
    runner = Runner.of(customer, executor="away", seconds=4.0)
    made = runner.run(used=5)
    eventually(lambda: runner.rows("attempts, state") >= [(1, 1)])
    assert runner.figures == (90, 10)
    assert runner.ended(made).state == run_pb2.RUN_STATE_TIMED_OUT
    assert runner.figures == (100, 0)
    # It is told later, if it comes back.
    assert runner.rows("due_time IS NOT NULL") == [(True,)]


def test_an_executor_that_hears_nothing_is_told_again(runner: Runner, executor: ObedientExecutor) -> None:
    made = runner.run(hold=True)
    executor.await_asked(id_of(made))
    executor.is_deaf = True
    runner.cancel(made)
    calls = runner.customer.service.core.executor_statistics["obey"].calls
    eventually(lambda: calls["cancel", "unreached"])
    executor.is_deaf = False
    runner.change(made, "due_time = now()")
    executor.await_given_up(id_of(made))
    eventually(lambda: runner.rows("due_time") == [(None,)])


def test_a_hold_that_others_have_refunded_spends_nothing(runner: Runner, executor: ObedientExecutor) -> None:
    made = runner.run(hold=True, used=5, output={"poem": "x"})
    executor.await_asked(id_of(made))
    runner.customer.refund(made.reservation)
    ended = runner.ended(made)
    assert (ended.state, ended.failure.reason) == (run_pb2.RUN_STATE_FAILED, "HOLD_ENDED")
    assert (ended.used_amount, ended.output) == (0, "")
    assert runner.figures == (100, 0)
    executor.await_given_up(id_of(made))


def test_nothing_is_run_once_its_credits_are_gone(
    runner: Runner, executor: ObedientExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No server takes it before its hold is gone.
    monkeypatch.setattr(run_worker, "RUNS_OF_ACCOUNT", 0)
    made = runner.run(used=5)
    runner.customer.refund(made.reservation)
    monkeypatch.undo()
    ended = runner.ended(made)
    assert (ended.state, ended.failure.reason) == (run_pb2.RUN_STATE_FAILED, "HOLD_ENDED")
    assert not [one for one in executor.asked if one.run_id == id_of(made)]


def test_a_hold_that_others_have_confirmed_tells_what_was_spent(runner: Runner, executor: ObedientExecutor) -> None:
    made = runner.run(hold=True, used=5)
    executor.await_asked(id_of(made))
    runner.customer.confirm(made.reservation, 4)
    ended = runner.ended(made)
    assert (ended.state, ended.failure.reason) == (run_pb2.RUN_STATE_FAILED, "HOLD_ENDED")
    assert ended.used_amount == 4
    assert runner.figures == (96, 0)


def test_a_suspended_account_pays_for_what_was_done(runner: Runner, executor: ObedientExecutor) -> None:
    made, failing = runner.run(hold=True, used=5), runner.run(hold=True, fail="NO")
    for run in (made, failing):
        executor.await_asked(id_of(run))
    runner.customer.become(account_pb2.ACCOUNT_STATUS_SUSPENDED)
    assert refused(runner.owner.workflow.RunWorkflow, runner.running(used=1)).reason == "ACCOUNT_SUSPENDED"
    for run in (made, failing):
        executor.let_go(id_of(run))
    assert runner.ended(made).used_amount == 5
    assert runner.ended(failing).state == run_pb2.RUN_STATE_FAILED
    assert runner.figures == (95, 0)


def test_the_ledger_tells_of_a_runs_workflow(runner: Runner) -> None:
    made = runner.run(used=3)
    runner.ended(made)
    request = credit.ListTransactionsRequest(account_id=runner.customer.account_id)
    seen = runner.owner.credit.ListTransactions(request).entries
    of_run = [entry for entry in seen if entry.reservation == made.reservation]
    assert len(of_run) == 2
    assert of_run[-1].metadata["workflow"] == WORKFLOW


def test_runs_are_listed_newest_first(runner: Runner) -> None:
    runner.create("other")
    first, second, third = runner.run(used=1), runner.run("other", used=1), runner.run(fail="NO")
    for run in (first, second, third):
        runner.ended(run)

    def listed(**fields: Any) -> list[str]:
        found: list[str] = []
        token = ""
        while True:
            request = pb.ListRunsRequest(account_id=runner.customer.account_id, page_size=1, page_token=token, **fields)
            page = runner.owner.workflow.ListRuns(request)
            found += [run.name for run in page.runs]
            assert not any(run.input or run.output for run in page.runs)
            token = page.next_page_token
            if not token:
                return found

    assert listed() == [third.name, second.name, first.name]
    assert listed(workflow_id="other") == [second.name]
    assert listed(state=run_pb2.RUN_STATE_FAILED) == [third.name]
    assert listed(state=run_pb2.RUN_STATE_CANCELLED) == []


def test_a_run_is_watched_to_its_end(runner: Runner, executor: ObedientExecutor) -> None:
    made = runner.run(hold=True, progress=40, used=2)
    stream = runner.owner.workflow.WatchRun(pb.WatchRunRequest(name=made.name), timeout=30)
    seen = [next(stream).run]
    executor.await_asked(id_of(made))
    while seen[-1].progress.percent != 40:
        seen.append(next(stream).run)
    executor.let_go(id_of(made))
    seen += [answer.run for answer in stream]
    assert seen[-1].state == run_pb2.RUN_STATE_SUCCEEDED
    assert seen[-1] == runner.get(made)
    (last,) = runner.owner.workflow.WatchRun(pb.WatchRunRequest(name=made.name), timeout=30)
    assert last.run == seen[-1]
