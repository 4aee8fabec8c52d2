"""An executor to learn from: it counts the words of a text, a credit for each.

``python -m creditd.development.fakes.executor`` serves it. It keeps what docs/executors.md asks for. A run is known by
its id alone: while it works, whoever asks again waits for the same end; afterwards the result is in a file, also after
a restart. The same in Go is generated/go/wordexecutor.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import grpc

from credit.executor.v1.executor_service_pb2 import (
    CancelRequest,
    CancelResponse,
    ExecuteRequest,
    ExecuteResponse,
    ExecutionFailure,
    ExecutionProgress,
    ExecutionSuccess,
)
from credit.executor.v1.executor_service_pb2_grpc import ExecutorServiceServicer, add_ExecutorServiceServicer_to_server

KEPT_SECONDS: Final = 86_400
"""How long a result is kept after the deadline of its run, as the contract has it."""

GIVEN_UP_KEPT_SECONDS: Final = 30 * 86_400
"""The same from now on of a run that was given up before it has come: nobody has told its deadline."""

PROGRESS_SECONDS: Final = 0.2
"""Between two messages of progress."""


class WordResults:
    """The results of runs, each in a file, whose time of change is when it may be forgotten."""

    def __init__(self, folder: Path) -> None:
        """Keep them in ``folder``, and forget those whose time is over."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.glob("*.result"):
            if file.stat().st_mtime < time.time():
                file.unlink()

    def get(self, run_id: str) -> ExecuteResponse | None:
        """Return the result of a run; None if it has none."""
        try:
            return ExecuteResponse.FromString(self._file(run_id).read_bytes())
        except FileNotFoundError:
            return None

    def keep(self, run_id: str, result: ExecuteResponse, until: float) -> ExecuteResponse:
        """Keep a result, unless there is one; return the one that stands. It is on disk, whole, before it is told."""
        if before := self.get(run_id):
            return before
        new = self._file(run_id).with_suffix(".new")
        with new.open("wb") as file:
            file.write(result.SerializeToString())
            os.fsync(file.fileno())
        os.utime(new, (until, until))
        new.replace(self._file(run_id))
        return result

    def _file(self, run_id: str) -> Path:
        # The service's run ids have no slash in them; what else calls here is not to write elsewhere.
        if "/" in run_id or "\0" in run_id or not run_id:
            raise ValueError(run_id)
        return self._folder / f"{run_id}.result"


class WordExecutor(ExecutorServiceServicer):
    """Counts the words of ``{"text": "..."}``: a credit for each."""

    def __init__(self, folder: Path, word_seconds: float = 0.0) -> None:
        """Keep results in ``folder``, and take so many seconds for each word."""
        self._results = WordResults(folder)
        self._word_seconds = word_seconds
        self._at_work: dict[str, asyncio.Task[ExecuteResponse]] = {}
        self._per_cent: dict[str, int] = {}

    async def Execute(self, request: ExecuteRequest, context: Any) -> AsyncIterator[ExecuteResponse]:  # noqa: N802
        """Run a run, or wait for it if it runs, or tell its result again."""
        del context
        run_id = request.run_id
        if result := self._results.get(run_id):
            yield result
            return
        # The work is not this call's: that may go away, and another one come for it.
        work = self._at_work.get(run_id) or self._begin(request)
        while not work.done():
            await asyncio.wait([work], timeout=PROGRESS_SECONDS)
            if not work.done():
                yield ExecuteResponse(progress=ExecutionProgress(percent=self._per_cent[run_id], message="counting"))
        yield self._results.get(run_id) or _failed("CANCELLED", "it was given up")

    async def Cancel(self, request: CancelRequest, context: Any) -> CancelResponse:  # noqa: N802
        """Stop a run. One that has not come is not begun when it comes: it has this result then."""
        del context
        until = time.time() + GIVEN_UP_KEPT_SECONDS
        self._results.keep(request.run_id, _failed("CANCELLED", request.why), until)
        if work := self._at_work.get(request.run_id):
            work.cancel()
        return CancelResponse()

    def _begin(self, request: ExecuteRequest) -> asyncio.Task[ExecuteResponse]:
        run_id = request.run_id
        self._per_cent[run_id] = 0
        self._at_work[run_id] = work = asyncio.create_task(self._work(request), name=f"run {run_id}")

        def forget(_: object) -> None:
            del self._at_work[run_id], self._per_cent[run_id]

        work.add_done_callback(forget)
        return work

    async def _work(self, request: ExecuteRequest) -> ExecuteResponse:
        result = await self._counted(request)
        return self._results.keep(request.run_id, result, request.deadline.ToSeconds() + KEPT_SECONDS)

    async def _counted(self, request: ExecuteRequest) -> ExecuteResponse:
        try:
            words = json.loads(request.input)["text"].split()
        except (ValueError, KeyError, TypeError, AttributeError):
            return _failed("INPUT_UNREADABLE", 'it is to be {"text": "..."}')
        if len(words) > request.held_amount:
            return _failed("TOO_MANY_WORDS", f"{len(words)} words, and credits for {request.held_amount}")
        for number in range(len(words)):
            if request.deadline.ToSeconds() < time.time():
                return _failed("TOO_LATE", "its time was over before all words were counted")
            await asyncio.sleep(self._word_seconds)
            self._per_cent[request.run_id] = 100 * number // len(words)
        output = json.dumps({"words": len(words)}).encode()
        return ExecuteResponse(success=ExecutionSuccess(used_amount=len(words), output=output))


def _failed(reason: str, message: str) -> ExecuteResponse:
    return ExecuteResponse(failure=ExecutionFailure(reason=reason, message=message))


@asynccontextmanager
async def word_executor(listen: str, folder: Path, word_seconds: float) -> AsyncIterator[int]:
    """Serve on ``host:port`` until the block ends; give the port. In plaintext, and so for this machine alone."""
    server = grpc.aio.server()
    add_ExecutorServiceServicer_to_server(WordExecutor(folder, word_seconds), server)
    port = server.add_insecure_port(listen)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


async def serve(listen: str, folder: Path, word_seconds: float) -> None:
    """Serve on ``host:port``, and say which port it is."""
    async with word_executor(listen, folder, word_seconds) as port:
        sys.stdout.write(f"executing on port {port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:7001", metavar="HOST:PORT")
    parser.add_argument("--folder", type=Path, default=Path("runs"), help="where results are kept")
    parser.add_argument("--word-seconds", type=float, default=0.0, help="how long a word takes")
    given = parser.parse_args(arguments)
    asyncio.run(serve(given.listen, given.folder, given.word_seconds))


if __name__ == "__main__":
    main()
