"""Runs: a workflow that is run once. What an answer comes to, what it costs, and when a run is looked at again.

All of it is decided here, from what is known of a run and of its hold, and written down elsewhere. Times are in
microseconds, amounts in the credit type's smallest unit.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from creditd.domain.instant import SECOND, Instant
from creditd.domain.reservation import Reservation, ReservationKey, ReservationState, reservation_name
from creditd.domain.wallet import WalletKey
from creditd.domain.workflows.execution import Failed, Succeeded

HOLD_ENDED: Final = "HOLD_ENDED"
"""The reason of a run whose credits were no longer held when they were to be spent."""

HOLD_MARGIN: Final = 300 * SECOND
"""How long credits stay held after the deadline: a verdict of before may have to wait for the database to come back."""

EXTENDED_AHEAD: Final = 60 * SECOND
"""A hold that ends within this time, and before its run may, is extended: some ten beats of a server's leases."""

FIRST_PAUSE: Final = SECOND

LONGEST_PAUSE: Final = 30 * SECOND
"""Between two attempts to reach an executor. It is up again within a minute or two, or calls a person."""

LONGEST_TELLING_PAUSE: Final = 600 * SECOND
"""Between two attempts to tell an executor that a run was given up, which nobody waits for."""

TOLD_FOR: Final = 86_400 * SECOND
"""For how long an executor is told. Its own deadline for the run, a day at most after it began, has passed by then."""


class RunState(IntEnum):
    """Where a run stands. The numbers are those of the proto and of the rows."""

    WAITING = 1
    RUNNING = 2
    SUCCEEDED = 3
    FAILED = 4
    TIMED_OUT = 5
    CANCELLED = 6


OPEN_STATES: Final = frozenset({RunState.WAITING, RunState.RUNNING})
"""A run in one of these has not ended."""


class RunKey(NamedTuple):
    """Which run: its id is that of the reservation that holds its credits."""

    account_id: str
    run_id: str


class Run(NamedTuple):
    """A workflow that is run once.

    ``least_amount`` is what a success costs at least, ``held_amount`` at most; one that ``is_fixed`` costs all that is
    held. ``lease`` is raised by whoever takes the run to work on it: an older one decides nothing. ``due_time`` is when
    it is looked at next, None when there is nothing left to do. ``version`` rises with every change.
    ``failure_message`` says of one that was given up why.
    """

    account_id: str
    run_id: str
    workflow_id: str
    executor: str
    credit_type: str
    held_amount: int
    least_amount: int
    is_fixed: bool
    spender_id: str
    reason: str
    input: str
    state: RunState
    version: int
    attempts: int
    lease: int
    due_time: Instant | None
    deadline: Instant
    hold_expire_time: Instant
    progress_percent: int | None
    progress_message: str
    output: str
    used_amount: int
    failure_reason: str
    failure_message: str
    create_time: Instant
    update_time: Instant
    end_time: Instant | None

    @property
    def key(self) -> RunKey:
        """Its key."""
        return RunKey(self.account_id, self.run_id)

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN_STATES

    @property
    def name(self) -> str:
        """The resource name (AIP-122)."""
        return run_name(self.key)

    @property
    def hold(self) -> ReservationKey:
        """The key of the reservation that holds its credits."""
        return ReservationKey(self.account_id, self.credit_type, self.run_id)

    @property
    def wallet(self) -> WalletKey:
        """The key of the wallet that pays for it."""
        return WalletKey(self.account_id, self.credit_type)

    @property
    def hold_name(self) -> str:
        """The resource name of that reservation."""
        return reservation_name(*self.hold)


def run_name(key: RunKey) -> str:
    """Write a run's resource name (AIP-122)."""
    return f"accounts/{key.account_id}/runs/{key.run_id}"


def parse_run_name(name: str) -> RunKey:
    """Parse a resource name whose form has been validated."""
    _, account_id, _, run_id = name.split("/")
    return RunKey(account_id, run_id)


class GivenUp(NamedTuple):
    """The verdict on a run that is ended here: as TIMED_OUT or CANCELLED, or FAILED with a ``reason``."""

    state: RunState
    why: str
    reason: str = ""


Verdict = Succeeded | Failed | GivenUp

TIMED_OUT: Final = GivenUp(RunState.TIMED_OUT, "its time was over")

HOLD_LOST: Final = GivenUp(RunState.FAILED, "its credits are no longer held", HOLD_ENDED)


def charge_of(run: Run, verdict: Verdict) -> int:
    """Return what a verdict costs, at most what is held: nothing unless it is a success."""
    if not isinstance(verdict, Succeeded):
        return 0
    if run.is_fixed or verdict.used_amount is None:
        return run.held_amount
    return min(max(verdict.used_amount, run.least_amount), run.held_amount)


def spent_by(hold: Reservation) -> int:
    """Return what stays spent of a hold that has ended."""
    return hold.confirmed - hold.refunded if hold.state == ReservationState.CONFIRMED else 0


def ended(run: Run, verdict: Verdict, spent: int, now: Instant) -> Run:
    """Return a run with the verdict on it, of whose hold so much was spent, by the verdict or by others.

    A success whose cost was not spent, since others had ended the hold, is none: what was made is not given away. One
    that was given up is due at once, so that its executor is told.
    """
    state, output, reason, message = _outcome(verdict)
    if state is RunState.SUCCEEDED and spent < charge_of(run, verdict):
        state, output, reason, message = RunState.FAILED, "", HOLD_ENDED, HOLD_LOST.why
    return run._replace(
        state=state,
        version=run.version + 1,
        due_time=now if isinstance(verdict, GivenUp) else None,
        output=output,
        used_amount=spent,
        failure_reason=reason,
        failure_message=message,
        update_time=max(now, run.update_time),
        end_time=max(now, run.create_time),
    )


def _outcome(verdict: Verdict) -> tuple[RunState, str, str, str]:
    """Return a verdict's state, output, reason and message."""
    if isinstance(verdict, Succeeded):
        return RunState.SUCCEEDED, verdict.output.decode(errors="replace"), "", ""
    if isinstance(verdict, Failed):
        return RunState.FAILED, "", verdict.reason, verdict.message
    return verdict.state, "", verdict.reason, verdict.why


def hold_ttl(left: int, max_ttl: int) -> int:
    """Return for how long credits are held for a run that has so much time left (µs); ``max_ttl`` is configured."""
    return min(max(0, left) + HOLD_MARGIN, max_ttl)


def needs_extension(run: Run, now: Instant, max_ttl: int) -> bool:
    """Tell whether a run's hold is to be extended now: it ends soon, and before the run has had its time."""
    ahead = min(EXTENDED_AHEAD, max_ttl // 2)
    return run.hold_expire_time < run.deadline + HOLD_MARGIN and run.hold_expire_time <= now + ahead


def next_attempt_time(run: Run, now: Instant, draw: float) -> Instant:
    """Return when an executor that was not reached is asked again: later each time, and not after the deadline.

    ``draw``, from 0 to 1, keeps those that failed together apart.
    """
    longest = min(LONGEST_PAUSE, FIRST_PAUSE << min(max(run.attempts - 1, 0), 16))
    return Instant(min(now + _drawn(longest, draw), max(run.deadline, now)))


def next_telling_time(run: Run, now: Instant, draw: float) -> Instant | None:
    """Return when an executor that was not reached is told again that a run was given up; None for never.

    It waits about as long again as it has waited so far.
    """
    end_time = run.end_time or now
    if now >= end_time + TOLD_FOR:
        return None
    longest = min(LONGEST_TELLING_PAUSE, max(FIRST_PAUSE, now - end_time))
    return Instant(now + _drawn(longest, draw))


def _drawn(longest: int, draw: float) -> int:
    """Return a pause between half of the longest and all of it."""
    return longest // 2 + int(longest / 2 * draw)


OUTCOMES: Final[Mapping[RunState, str]] = {state: state.name.lower() for state in RunState if state not in OPEN_STATES}
"""How runs end, as metrics tell it."""
