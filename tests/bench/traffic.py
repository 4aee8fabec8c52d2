"""The calls of a job under way: drawn, sent over its connections, and followed from step to step."""

import random
import selectors
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from tests.bench.job import Job, Step
from tests.bench.messages import Template, account_id, reservation_field
from tests.bench.tally import Tally
from tests.support.http2 import Connection

CALL_TIMEOUT = "10S"
"""The deadline of every call, in grpc-timeout's notation."""


class Script:
    """An operation ready to be sent: its steps cut into templates, and the accounts or reservations of its first."""

    def __init__(self, steps: Sequence[Step], job: Job) -> None:
        """Cuts the steps of one of the job's operations."""
        self.steps = [(step, Template.parse(bytes.fromhex(step.template))) for step in steps]
        self.subjects = _subjects(job, self.steps[0][1].subjects)


class Caller:
    """One that makes calls: where it sends to, at which step of which operation it is, and since when."""

    __slots__ = ("connection", "script", "started", "step")

    script: Script
    step: int

    def __init__(self, connection: "Connection[Caller]") -> None:
        """Starts with nothing outstanding."""
        self.connection = connection
        self.started = 0.0


class Ended(Protocol):
    """Hears of the end of operations."""

    def __call__(self, caller: Caller, now: float, /, *, well: bool) -> None:
        """Hear that a caller's operation has ended now, and whether well."""


class Traffic:
    """Connections and what is outstanding on them."""

    def __init__(self, job: Job, tally: Tally, ended: Ended) -> None:
        """Connects; `begin` starts an operation, and `ended` hears of its end."""
        self.tally = tally
        self.outstanding: set[Caller] = set()
        self.connections = [Connection[Caller](job.port, job.token, CALL_TIMEOUT) for _ in range(job.connections)]
        self._ended = ended
        self._counts_calls = job.counts_calls
        self._by_start = job.rate > 0
        self._names_accounts = job.names_accounts
        self._scripts = [Script(operation.steps, job) for operation in job.operations]
        self._weights = [operation.weight for operation in job.operations]
        # select, and not epoll: its time-out is kept to the microsecond, not to the millisecond above.
        self._selector = selectors.SelectSelector()
        for connection in self.connections:
            self._selector.register(connection, selectors.EVENT_READ, connection)

    def begin(self, caller: Caller, started: float) -> None:
        """Queues the first call of an operation that is counted from `started` on, unless each account had its one."""
        scripts = self._scripts
        script = scripts[0] if len(scripts) == 1 else random.choices(scripts, self._weights)[0]
        subjects = next(script.subjects, None)
        if subjects is not None:
            caller.script, caller.step, caller.started = script, 0, started
            self._send(caller, subjects)

    def receive(self, timeout_s: float) -> None:
        """Waits so long for answers, and takes those that are there; each may lead to a next call, which is sent."""
        for key, _ in self._selector.select(timeout_s):
            connection: Connection[Caller] = key.data
            answers = connection.receive()
            now = time.monotonic()
            for caller, status, message in answers:
                self._answered(caller, status, message, now)
            connection.flush()

    def flush(self) -> None:
        """Sends what is queued on any connection."""
        for connection in self.connections:
            connection.flush()

    def rows_outstanding(self) -> int:
        """How many rows of the ledger the calls may make that have no answer."""
        return sum(caller.script.steps[caller.step][0].rows for caller in self.outstanding)

    def _send(self, caller: Caller, subjects: Sequence[bytes]) -> None:
        step, template = caller.script.steps[caller.step]
        account = subjects[0] if self._names_accounts else b""
        caller.connection.call(step.path, template.fill(subjects), caller, account)
        self.outstanding.add(caller)

    def _answered(self, caller: Caller, status: int, message: bytes, now: float) -> None:
        self.outstanding.remove(caller)
        steps = caller.script.steps
        succeeded = self.tally.answer(steps[caller.step][0], status, message)
        last = caller.step + 1 == len(steps)
        at = caller.started if self._by_start else now
        if not succeeded:
            if self._by_start:
                self.tally.give_up(at, now - caller.started)
            self._ended(caller, now, well=False)
            return
        if last or self._counts_calls:
            self.tally.finish(at, now - caller.started, succeeded)
        if last:
            self._ended(caller, now, well=True)
        else:
            caller.step += 1
            if self._counts_calls:
                caller.started = now
            self._send(caller, (reservation_field(message),))


def _subjects(job: Job, count: int) -> Iterator[Sequence[bytes]]:
    numbers = range(job.first_account, job.first_account + job.accounts)
    accounts = [account_id(number).encode() for number in numbers]
    if job.each_once:
        yield from ((account,) for account in accounts)
    elif len(accounts) == 1:
        while True:
            yield accounts * count
    else:
        while True:
            yield random.choices(accounts, k=count)
