"""An executor in this process that does with each run what the run's input says, and remembers what it was asked.

``{"used": 3, "output": {...}}`` succeeds (``used`` may be left out), ``{"fail": "REASON"}`` fails, and with ``"hold":
true`` either of them waits until a test lets the run go, or gives it up.
"""

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import grpc

from credit.executor.v1 import executor_service_pb2_grpc
from credit.executor.v1.executor_service_pb2 import CancelRequest, CancelResponse, ExecuteRequest, ExecuteResponse
from tests.support.patience import eventually
from tests.support.scripted_executor import failure, progress, success

MOST_AT_ONCE: Final = 64
"""Executions; each waits on a thread of its own."""

STEP_SECONDS: Final = 0.02


class ObedientExecutor(executor_service_pb2_grpc.ExecutorServiceServicer):
    """Does as it is told. Its answers are at hand for as long as the process lives."""

    def __init__(self) -> None:
        """Be asked nothing yet."""
        self.asked: list[ExecuteRequest] = []
        self.given_up: list[CancelRequest] = []
        self.is_deaf = False
        self._let_go: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self._closed = threading.Event()

    def Execute(self, request: ExecuteRequest, context: Any) -> Iterator[ExecuteResponse]:  # noqa: N802
        """Do what the input says."""
        self.asked.append(request)
        told = json.loads(request.input)
        if told.get("progress"):
            yield progress(told["progress"], "at it")
        if told.get("hold"):
            gone = self._let_go[request.run_id]
            while not (gone.is_set() or self._closed.is_set()) and context.is_active():
                time.sleep(STEP_SECONDS)
        if told.get("unreached"):
            context.abort(grpc.StatusCode.INTERNAL, "as it was told")
        if "fail" in told:
            yield failure(told["fail"], "as it was told")
        else:
            yield success(told.get("used"), json.dumps(told.get("output", {})).encode())

    def Cancel(self, request: CancelRequest, context: Any) -> CancelResponse:  # noqa: N802
        """Note what was given up; a deaf one does not hear."""
        if self.is_deaf:
            context.abort(grpc.StatusCode.UNAVAILABLE, "deaf")
        self.given_up.append(request)
        return CancelResponse()

    def let_go(self, run_id: str) -> None:
        """Let a run that is held come to its end."""
        self._let_go[run_id].set()

    def close(self) -> None:
        """Let all runs come to their end."""
        self._closed.set()

    def await_asked(self, run_id: str, times: int = 1) -> None:
        """Wait until a run was asked for so often."""
        eventually(lambda: Counter(one.run_id for one in list(self.asked))[run_id] >= times)

    def await_given_up(self, run_id: str) -> str:
        """Wait until it is told that a run was given up; return why."""
        eventually(lambda: any(one.run_id == run_id for one in list(self.given_up)))
        return next(one.why for one in self.given_up if one.run_id == run_id)


@contextmanager
def obedient_executor(port: int = 0) -> Iterator[tuple[ObedientExecutor, int]]:
    """Serve one until the block ends; return it and its port."""
    executor = ObedientExecutor()
    server = grpc.server(ThreadPoolExecutor(MOST_AT_ONCE), options=[("grpc.so_reuseport", 0)])
    executor_service_pb2_grpc.add_ExecutorServiceServicer_to_server(executor, server)
    bound = server.add_insecure_port(f"localhost:{port}")
    server.start()
    try:
        yield executor, bound
    finally:
        executor.close()
        server.stop(0).wait()
