"""What a run costs, how it ends, and when it is looked at again (G2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditd.domain.instant import SECOND, Instant
from creditd.domain.workflows.execution import Failed, Succeeded
from creditd.domain.workflows.run import (
    HOLD_ENDED,
    HOLD_LOST,
    HOLD_MARGIN,
    LONGEST_PAUSE,
    LONGEST_TELLING_PAUSE,
    OPEN_STATES,
    TIMED_OUT,
    TOLD_FOR,
    GivenUp,
    Run,
    RunState,
    Verdict,
    charge_of,
    ended,
    hold_ttl,
    needs_extension,
    next_attempt_time,
    next_telling_time,
    parse_run_name,
)

pytestmark = pytest.mark.requirement("G2")

NOW = Instant(10**15)

RUN = Run(
    account_id="ann",
    run_id="01975c5e-0000-7000-8000-000000000001",
    workflow_id="poem",
    executor="poems",
    credit_type="chat",
    held_amount=10,
    least_amount=0,
    is_fixed=False,
    spender_id="",
    reason="",
    input="{}",
    state=RunState.RUNNING,
    version=2,
    attempts=1,
    lease=1,
    due_time=NOW,
    deadline=Instant(NOW + 60 * SECOND),
    hold_expire_time=Instant(NOW + 360 * SECOND),
    progress_percent=None,
    progress_message="",
    output="",
    used_amount=0,
    failure_reason="",
    failure_message="",
    create_time=NOW,
    update_time=NOW,
    end_time=None,
)

amounts = st.integers(0, 10**12)
instants = st.integers(NOW, NOW + 10 * 86_400 * SECOND).map(Instant)
draws = st.floats(0, 1)


@st.composite
def any_run(draw: st.DrawFn) -> Run:
    """Return any run that has not ended."""
    least = draw(amounts)
    most = draw(st.integers(max(1, least), 10**12))
    is_fixed = draw(st.booleans())
    return RUN._replace(
        least_amount=most if is_fixed else least,
        held_amount=most,
        is_fixed=is_fixed,
        state=draw(st.sampled_from(sorted(OPEN_STATES))),
        attempts=draw(st.integers(0, 10**6)),
        deadline=draw(instants),
    )


verdicts: st.SearchStrategy[Verdict] = st.one_of(
    st.builds(Succeeded, st.none() | st.integers(-5, 2 * 10**12), st.sampled_from([b"", b'{"a": 1}'])),
    st.builds(Failed, st.just("NO"), st.text()),
    st.just(TIMED_OUT),
    st.just(HOLD_LOST),
    st.builds(lambda why: GivenUp(RunState.CANCELLED, why), st.text()),
)


@given(any_run(), verdicts)
def test_what_is_charged_is_within_the_workflows_cost_and_only_for_success(run: Run, verdict: Verdict) -> None:
    charge = charge_of(run, verdict)
    if isinstance(verdict, Succeeded):
        assert run.least_amount <= charge <= run.held_amount
        if run.is_fixed or verdict.used_amount is None:
            assert charge == run.held_amount
        elif run.least_amount <= verdict.used_amount <= run.held_amount:
            assert charge == verdict.used_amount
    else:
        assert charge == 0


def test_a_success_costs_no_less_than_the_least_and_no_more_than_is_held() -> None:
    run = RUN._replace(least_amount=4)
    costs = {used: charge_of(run, Succeeded(used, b"")) for used in (None, 0, 3, 4, 5, 10, 11)}
    assert costs == {None: 10, 0: 4, 3: 4, 4: 4, 5: 5, 10: 10, 11: 10}


@given(any_run(), verdicts, amounts, instants)
def test_an_ended_run_tells_the_truth(run: Run, verdict: Verdict, spent: int, now: Instant) -> None:
    after = ended(run, verdict, spent, now)
    assert not after.is_open
    assert after.end_time is not None
    assert after.used_amount == spent
    assert after.version == run.version + 1
    succeeded = isinstance(verdict, Succeeded) and spent >= charge_of(run, verdict)
    assert (after.state is RunState.SUCCEEDED) == succeeded
    # Who does not pay has nothing of it.
    assert succeeded or not after.output
    # Whoever may still be at work is told.
    assert (after.due_time is not None) == isinstance(verdict, GivenUp)
    assert bool(after.failure_reason) == (after.state is RunState.FAILED)


@given(any_run(), verdicts)
def test_a_verdict_on_a_hold_that_is_ended_by_it_stands(run: Run, verdict: Verdict) -> None:
    after = ended(run, verdict, charge_of(run, verdict), NOW)
    if isinstance(verdict, Succeeded):
        assert (after.state, after.output) == (RunState.SUCCEEDED, verdict.output.decode())
    elif isinstance(verdict, Failed):
        assert (after.state, after.failure_reason) == (RunState.FAILED, "NO")
    else:
        assert after.state is verdict.state


def test_a_success_that_nobody_has_paid_for_is_none() -> None:
    after = ended(RUN, Succeeded(5, b'{"a": 1}'), 4, NOW)
    assert (after.state, after.failure_reason, after.used_amount) == (RunState.FAILED, HOLD_ENDED, 4)
    assert ended(RUN, Succeeded(0, b'{"a": 1}'), 0, NOW).state is RunState.SUCCEEDED


@given(any_run(), instants, draws)
def test_a_run_is_tried_again_within_half_a_minute_and_looked_at_at_its_deadline(
    run: Run, now: Instant, draw: float
) -> None:
    again = next_attempt_time(run, now, draw)
    assert now <= again <= now + LONGEST_PAUSE
    assert again <= max(run.deadline, now)


def test_pauses_double() -> None:
    far = RUN._replace(deadline=Instant(NOW + 10**12))
    pauses = [next_attempt_time(far._replace(attempts=n), NOW, 1.0) - NOW for n in range(1, 8)]
    assert pauses == [n * SECOND for n in (1, 2, 4, 8, 16, 30, 30)]
    assert next_attempt_time(far._replace(attempts=3), NOW, 0.0) - NOW == 2 * SECOND


@given(st.integers(0, 2 * TOLD_FOR), draws)
def test_an_executor_is_told_for_a_day(passed: int, draw: float) -> None:
    run = ended(RUN, TIMED_OUT, 0, NOW)
    now = Instant(NOW + passed)
    again = next_telling_time(run, now, draw)
    if passed >= TOLD_FOR:
        assert again is None
    else:
        assert again is not None
        assert SECOND // 2 <= again - now <= LONGEST_TELLING_PAUSE


@given(st.integers(0, 86_400 * SECOND), st.integers(2 * SECOND, 86_400 * SECOND), st.integers(0, 86_400 * SECOND))
def test_a_hold_lasts_as_long_as_its_run_or_is_extended_in_time(timeout: int, max_ttl: int, passed: int) -> None:
    ttl = hold_ttl(timeout, max_ttl)
    assert 0 < ttl <= max_ttl
    run = RUN._replace(deadline=Instant(NOW + timeout), hold_expire_time=Instant(NOW + ttl))
    now = Instant(NOW + passed)
    outlasts = run.hold_expire_time >= run.deadline + HOLD_MARGIN
    if outlasts:
        assert not needs_extension(run, now, max_ttl)
    elif now >= run.hold_expire_time - SECOND:
        assert needs_extension(run, now, max_ttl)
    if not needs_extension(run, now, max_ttl) and not outlasts:
        assert run.hold_expire_time > now


def test_names() -> None:
    assert parse_run_name(RUN.name) == RUN.key
    assert RUN.hold_name == f"accounts/ann/wallets/chat/reservations/{RUN.run_id}"
