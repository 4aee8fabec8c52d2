"""Calls one executor: tries, deadlines, and what its stream comes to."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC
from typing import Any, Final

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from credit.executor.v1.executor_service_pb2 import CancelRequest, ExecuteRequest, ExecuteResponse
from credit.executor.v1.executor_service_pb2_grpc import ExecutorServiceStub
from creditd.domain.workflows.execution import Execution, Failed, Progress, Succeeded, Unreached
from creditd.executors.answers import failure_of, invalid, progress_of, success_of, text_of
from creditd.executors.breaker import PROBE_SECONDS, Breaker
from creditd.executors.channel import ExecutorCertificates, ExecutorChannel, ExecutorPlace
from creditd.executors.pauses import MOST_TRIES, pause_seconds
from creditd.executors.progress_sampler import ProgressSampler
from creditd.telemetry.statistics import ExecutorStatistics

log = logging.getLogger(__name__)

CANCEL_SECONDS: Final = 5.0
"""Of one try to tell that a run was given up, which needs no work."""

END_SECONDS: Final = 5.0
"""How long a stream may stay open after its result. It stands then, and nothing more is read."""

SHUT: Final = "it was not reached several times in a row, and is left alone for a while"

Result = Succeeded | Failed | Unreached


class ExecutorClient:
    """Calls one executor. Used on the event loop that it is made on."""

    def __init__(
        self,
        place: ExecutorPlace,
        certificates: ExecutorCertificates,
        statistics: ExecutorStatistics,
        seconds: Callable[[], float],
    ) -> None:
        """Connect at the first call; ``seconds`` since the Unix epoch, by the clock that deadlines go by.

        Raises InvalidCertificate, OSError.
        """
        self._channel = ExecutorChannel(place, certificates)
        self._statistics = statistics
        self._seconds = seconds
        self._breaker = Breaker(place.name, statistics, time.monotonic)
        self._name = place.name

    async def execute(self, execution: Execution, progress: Callable[[Progress], None]) -> Result:
        """Have an execution run: see domain.workflows.execution.Executor."""
        self._statistics.running += 1
        try:
            result = await self._execute(execution, progress)
        finally:
            self._statistics.running -= 1
        self._statistics.calls["execute", type(result).__name__.lower()] += 1
        return result

    async def cancel(self, run_id: str, why: str) -> bool:
        """Tell the executor that a run was given up: see domain.workflows.execution.Executor."""
        request = CancelRequest(run_id=run_id, why=text_of(why))
        end = self._seconds() + CANCEL_SECONDS * MOST_TRIES
        is_told = await self._tries(end, lambda: self._cancel(request)) is None
        self._statistics.calls["cancel", "told" if is_told else "unreached"] += 1
        return is_told

    async def close(self) -> None:
        """End the connection, with what is under way."""
        await self._channel.close()

    async def _execute(self, execution: Execution, progress: Callable[[Progress], None]) -> Result:
        end = execution.deadline.timestamp()
        sampler = ProgressSampler(progress)
        try:
            result: Result = await self._tries(end, lambda: self._run(_request(execution), execution, sampler))
        finally:
            sampler.drop_timer()
        return result

    async def _tries(self, end: float, attempt: Callable[[], Any]) -> Any:
        """Make tries until one is more than ``_Nobody``, or the end is near; return what it came to."""
        tries = 0
        while True:
            if end <= self._seconds():
                return Unreached("the deadline has passed")
            if not self._breaker.admits():
                return Unreached(SHUT)
            outcome = await attempt()
            tries += 1
            if not isinstance(outcome, _Nobody):
                return outcome
            pause = pause_seconds(tries)
            if tries >= MOST_TRIES or self._seconds() + pause >= end:
                return outcome.unreached
            self._statistics.retries += 1
            await asyncio.sleep(pause)

    async def _run(self, request: ExecuteRequest, execution: Execution, sampler: ProgressSampler) -> "Result | _Nobody":
        """Make one try. Nobody was reached if there was no message, and the connection failed."""
        loop = asyncio.get_running_loop()
        stream = _Stream(execution, sampler, self._breaker.reached)
        # A call that has not failed by then waits for an executor at work.
        probe = loop.call_later(PROBE_SECONDS, self._breaker.reached)
        try:
            with self._channel.use() as channel:
                method: Any = ExecutorServiceStub(channel).Execute
                call = method(request, timeout=max(0.0, execution.deadline.timestamp() - self._seconds()))
                try:
                    return await stream.read(call)
                finally:
                    call.cancel()
        except grpc.aio.AioRpcError as error:
            return self._after(error, is_begun=stream.is_begun, result=stream.result)
        finally:
            probe.cancel()

    def _after(self, error: grpc.aio.AioRpcError, *, is_begun: bool, result: Result | None) -> "Result | _Nobody":
        """Return what a stream comes to that has ended with an error."""
        if result is not None:
            # It was told in whole, and would be told again.
            return result
        unreached = Unreached(_said(error))
        if is_begun or error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return unreached
        self._breaker.failed()
        return _Nobody(unreached) if error.code() is grpc.StatusCode.UNAVAILABLE else unreached

    async def _cancel(self, request: CancelRequest) -> "Unreached | _Nobody | None":
        try:
            with self._channel.use() as channel:
                method: Any = ExecutorServiceStub(channel).Cancel
                await method(request, timeout=CANCEL_SECONDS)
        except grpc.aio.AioRpcError as error:
            self._breaker.failed()
            unreached = Unreached(_said(error))
            log.warning(
                "an executor could not be told that a run was given up",
                extra={"executor": self._name, "status": error.code().name},
            )
            return _Nobody(unreached) if error.code() is grpc.StatusCode.UNAVAILABLE else unreached
        self._breaker.reached()
        return None


class _Nobody:
    """Of a try: nobody was reached, so that another one may be."""

    def __init__(self, unreached: Unreached) -> None:
        self.unreached = unreached


_NOTHING: Final = Unreached("it ended without a result")


class _Stream:
    """What one stream of an execution has told."""

    def __init__(self, execution: Execution, sampler: ProgressSampler, reached: Callable[[], None]) -> None:
        self._execution = execution
        self._sampler = sampler
        self._reached = reached
        self.is_begun = False
        self.result: Succeeded | Failed | None = None

    async def read(self, call: AsyncIterator[ExecuteResponse]) -> Result:
        """Read it to its end; what comes after a result has a bounded time. Raises grpc.aio.AioRpcError."""
        async for message in call:
            self._note_begin()
            kind = message.WhichOneof("update")
            if kind == "progress":
                await self._sampler.take(progress_of(message.progress))
            elif kind:
                self._sampler.flush()
                self.result = result = self._result_of(message)
                return await self._ended(call, result)
        self._note_begin()
        return _NOTHING

    async def _ended(self, call: AsyncIterator[ExecuteResponse], result: Result) -> Result:
        """Return the result once the stream has ended, or has had the time to: a second result undoes the first."""
        try:
            async with asyncio.timeout(END_SECONDS):
                async for message in call:
                    if message.WhichOneof("update") in ("success", "failure"):
                        return invalid("it has two results")
        except TimeoutError:
            pass
        return result

    def _note_begin(self) -> None:
        if not self.is_begun:
            self.is_begun = True
            self._reached()

    def _result_of(self, message: ExecuteResponse) -> Succeeded | Failed:
        if message.WhichOneof("update") == "success":
            return success_of(message.success, self._execution)
        return failure_of(message.failure)


def _request(execution: Execution) -> ExecuteRequest:
    deadline = Timestamp()
    deadline.FromDatetime(execution.deadline.astimezone(UTC))
    return ExecuteRequest(
        run_id=execution.run_id,
        account_id=execution.account_id,
        workflow_id=execution.workflow_id,
        attempt=execution.attempt,
        input=execution.input,
        credit_type=execution.credit_type,
        held_amount=execution.held_amount,
        deadline=deadline,
    )


def _said(error: grpc.aio.AioRpcError) -> str:
    """Return what a status says, as it is kept."""
    return text_of(f"{error.code().name}: {error.details() or ''}")
