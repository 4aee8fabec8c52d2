"""Faults in runs of workflows: what they cost, who ends them, and who takes them over."""

from tests.mutants.fault import Fault

_RULES = ("tests/domain/test_run.py",)
_KEEPER = ("tests/service/workflows/test_run_keeper.py",)
_WIRE = ("tests/contract/test_runs.py",)

RUN_FAULTS = (
    Fault(
        "a run is ended by a server that has lost it",
        "service/workflows/run_ends.py",
        "run is None or run.lease != lease.number or not run.is_open",
        "run is None or not run.is_open",
        _KEEPER,
        "test_a_dead_servers_run_is_taken_over_and_its_late_answer_changes_nothing",
    ),
    Fault(
        "a run that has ended is ended again",
        "service/workflows/run_ends.py",
        "run is None or run.lease != lease.number or not run.is_open",
        "run is None or run.lease != lease.number",
        _KEEPER,
        "test_an_answer_after_a_cancellation_changes_nothing",
    ),
    Fault(
        "two servers end one run",
        "service/workflows/run_ends.py",
        "    run = runs.lock(transaction.connection, lease.key)\n",
        "    run = runs.find(transaction.connection, lease.key)\n",
        _KEEPER,
        "test_a_verdict_at_the_same_time_as_another_is_charged_once",
    ),
    Fault(
        "a run that has ended stays open",
        "service/workflows/run_ends.py",
        "    runs.write(transaction.connection, after)\n",
        "",
        _WIRE,
        "test_a_success_costs_what_was_used",
    ),
    Fault(
        "a run that costs nothing leaves its hold",
        "service/workflows/run_ends.py",
        "        transaction.perform(run.account_id, origin, (Step(run.wallet, command),))\n",
        "        _ = charge and transaction.perform(run.account_id, origin, (Step(run.wallet, command),))\n",
        _WIRE,
        "test_a_failure_costs_nothing",
    ),
    Fault(
        "a run is charged twice",
        "service/workflows/run_ends.py",
        "        transaction.perform(run.account_id, origin, (Step(run.wallet, command),))\n",
        "        transaction.perform(run.account_id, origin, (Step(run.wallet, command),))\n"
        "        from creditd.domain.commands import Deduct\n"
        "        from creditd.ledger.ids import uuid7\n"
        "        twice = Deduct(origin, uuid7(), max(1, charge))\n"
        "        transaction.perform(run.account_id, origin, (Step(run.wallet, twice),))\n",
        _KEEPER,
        "test_a_verdict_at_the_same_time_as_another_is_charged_once",
    ),
    Fault(
        "what others have spent of a hold is not told",
        "service/workflows/run_ends.py",
        "        spent = spent_by(found[run.hold]) if found else 0\n",
        "        spent = charge\n",
        _KEEPER,
        "test_a_hold_that_others_have_ended",
    ),
    Fault(
        "a run that has failed is charged",
        "domain/workflows/run.py",
        "    if not isinstance(verdict, Succeeded):\n        return 0\n",
        "    if not isinstance(verdict, Succeeded):\n        return run.least_amount\n",
        _RULES,
        "test_what_is_charged_is_within_the_workflows_cost_and_only_for_success",
    ),
    Fault(
        "a run costs less than the least",
        "domain/workflows/run.py",
        "min(max(verdict.used_amount, run.least_amount), run.held_amount)",
        "min(verdict.used_amount, run.held_amount)",
        _RULES,
        "test_a_success_costs_no_less_than_the_least_and_no_more_than_is_held",
    ),
    Fault(
        "a success is given away whose hold was refunded",
        "domain/workflows/run.py",
        "spent < charge_of(run, verdict):",
        "spent < 0:",
        _RULES,
        "test_a_success_that_nobody_has_paid_for_is_none",
    ),
    Fault(
        "an executor is not told that a run was given up",
        "domain/workflows/run.py",
        "due_time=now if isinstance(verdict, GivenUp) else None",
        "due_time=None",
        _WIRE,
        "test_a_cancelled_run_costs_nothing_and_its_executor_is_told",
    ),
    Fault(
        "a hold that ends before its run is not extended",
        "domain/workflows/run.py",
        "run.hold_expire_time < run.deadline + HOLD_MARGIN and run",
        "run.hold_expire_time < run.deadline - HOLD_MARGIN and run",
        _RULES,
        "test_a_hold_lasts_as_long_as_its_run_or_is_extended_in_time",
    ),
    Fault(
        "a run is made without a hold",
        "service/workflows/run_starts.py",
        "        outcome = transaction.perform(run.account_id, labelled, (Step(run.wallet, hold),))\n"
        "        (reservation,) = outcome.reservations\n",
        "        reservation = None\n",
        _WIRE,
        "test_without_credit_nothing_is_run",
    ),
    Fault(
        "a repeated request runs again",
        "service/workflows/run_starts.py",
        "        if known is not None and known.reservation is not None:\n",
        "        if known is None and self is None:\n",
        _WIRE,
        "test_a_repeat_is_the_run_as_it_is_by_now",
    ),
    Fault(
        "an account has any number of open runs",
        "service/workflows/run_starts.py",
        ">= MAX_OPEN_RUNS:",
        ">= MAX_OPEN_RUNS * 10:",
        _WIRE,
        "test_an_account_has_so_many_open_runs",
    ),
    Fault(
        "a lease has the number of the one before",
        "storage/workflows/run_leases.py",
        "SET lease = r.lease + 1, version",
        "SET lease = greatest(r.lease, 1), version",
        _KEEPER,
        "test_a_dead_servers_run_is_taken_over_and_its_late_answer_changes_nothing",
    ),
    Fault(
        "a server that has lost a run believes that it has it",
        "storage/workflows/run_leases.py",
        "WHERE r.lease = k.lease AND r.state <= 2\n",
        "WHERE r.state <= 2\n",
        _KEEPER,
        "test_a_dead_servers_run_is_taken_over_and_its_late_answer_changes_nothing",
    ),
    Fault(
        "a run is taken while another server has it",
        "storage/workflows/run_leases.py",
        'version = r.version + 1, due_time = {timestamp(":lease_end ::bigint")}',
        'version = r.version + 1, due_time = {timestamp(":now ::bigint")}',
        _KEEPER,
        "test_a_run_is_taken_once",
    ),
    Fault(
        "one account's runs come before all others",
        "storage/workflows/run_leases.py",
        "rank <= :of_account ORDER BY rank, due_time",
        "rank <= :of_account ORDER BY due_time",
        _KEEPER,
        "test_who_has_a_hundred_leaves_room_for_who_has_one",
    ),
    Fault(
        "a run is worked on whose credits are gone",
        "service/workflows/run_worker.py",
        "        if not held.is_held:\n",
        "        if held.is_held is None:\n",
        _WIRE,
        "test_nothing_is_run_once_its_credits_are_gone",
    ),
    Fault(
        "a run goes on though its credits were taken back",
        "service/workflows/run_worker.py",
        "            held.hold_lost.set()\n",
        "            pass\n",
        _WIRE,
        "test_a_hold_that_others_have_refunded_spends_nothing",
    ),
)
