"""An executor that says what a test has it say, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc

from credit.executor.v1 import executor_service_pb2_grpc
from credit.executor.v1.executor_service_pb2 import (
    CancelRequest,
    CancelResponse,
    ExecuteRequest,
    ExecuteResponse,
    ExecutionFailure,
    ExecutionProgress,
    ExecutionSuccess,
)
from creditd.domain.workflows.execution import Execution
from creditd.executors.channel import ExecutorCertificates, ExecutorPlace
from creditd.executors.client import ExecutorClient
from creditd.telemetry.statistics import ExecutorStatistics

Line = ExecuteResponse | grpc.StatusCode | Awaitable[object]
"""One line of a script: an answer, the status that ends it, or what is waited for."""


@dataclass
class ScriptedExecutor(executor_service_pb2_grpc.ExecutorServiceServicer):
    """Says the next script at each call, and the last one from then on."""

    scripts: list[Callable[[], list[Line]]]
    asked: list[ExecuteRequest] = field(default_factory=list)
    given_up: list[CancelRequest] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    cancel_status: list[grpc.StatusCode] = field(default_factory=list)

    async def Execute(self, request: ExecuteRequest, context: Any) -> AsyncIterator[ExecuteResponse]:  # noqa: N802
        """Say a script."""
        self.asked.append(request)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        try:
            for line in script():
                if isinstance(line, ExecuteResponse):
                    yield line
                elif isinstance(line, grpc.StatusCode):
                    await context.abort(line, "as the script says")
                else:
                    await line
        except asyncio.CancelledError:
            self.gone.set()
            raise

    async def Cancel(self, request: CancelRequest, context: Any) -> CancelResponse:  # noqa: N802
        """Note what was given up."""
        if self.cancel_status:
            await context.abort(self.cancel_status.pop(), "as the script says")
        self.given_up.append(request)
        return CancelResponse()


def progress(percent: int | None, message: str = "") -> ExecuteResponse:
    """Return a line of progress."""
    return ExecuteResponse(progress=ExecutionProgress(percent=percent, message=message))


def success(used: int | None = None, output: bytes = b"") -> ExecuteResponse:
    """Return a line of success."""
    return ExecuteResponse(success=ExecutionSuccess(used_amount=used, output=output))


def failure(reason: str, message: str = "") -> ExecuteResponse:
    """Return a line of failure."""
    return ExecuteResponse(failure=ExecutionFailure(reason=reason, message=message))


def execution(seconds: float = 30.0, **changes: Any) -> Execution:
    """Return an execution that has so many seconds, of 100 credits held."""
    stated: dict[str, Any] = {
        "run_id": "run-1",
        "account_id": "ann",
        "workflow_id": "poem",
        "attempt": 1,
        "input": b"{}",
        "credit_type": "spec",
        "held_amount": 100,
        "deadline": datetime.now(UTC) + timedelta(seconds=seconds),
    }
    return Execution(**(stated | changes))


def now() -> float:
    """Return the seconds since the Unix epoch."""
    return datetime.now(UTC).timestamp()


@asynccontextmanager
async def serving(
    executor: executor_service_pb2_grpc.ExecutorServiceServicer,
    port: int = 0,
    credentials: grpc.ServerCredentials | None = None,
) -> AsyncIterator[int]:
    """Serve an executor until the block ends; return its port."""
    server = grpc.aio.server()
    executor_service_pb2_grpc.add_ExecutorServiceServicer_to_server(executor, server)
    address = f"localhost:{port}"
    bound = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(0)


@asynccontextmanager
async def calling(
    port: int, statistics: ExecutorStatistics | None = None, certificates: tuple[str, str, str] = ("", "", "")
) -> AsyncIterator[ExecutorClient]:
    """Call an executor on a port of this machine."""
    place = ExecutorPlace("poems", f"localhost:{port}", bool(certificates[0]))
    files = ExecutorCertificates(*certificates)
    client = ExecutorClient(place, files, statistics or ExecutorStatistics(), now)
    try:
        yield client
    finally:
        await client.close()
