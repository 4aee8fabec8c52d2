"""The example executor as a process of its own, which can be killed and started again at the same address."""

import subprocess
import sys
from pathlib import Path
from typing import Self

from credit.executor.v1.executor_service_pb2 import ExecuteResponse
from tests.support.ports import free_port


class ExecutorProcess:
    """Counts words. Its results are in a folder, and outlive it."""

    def __init__(self, folder: Path, word_seconds: float) -> None:
        """Describe it: it takes so many seconds for a word."""
        self._folder = folder / "results"
        self._port = free_port()
        self._word_seconds = word_seconds
        self._log = folder / "executor.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it; it serves a little later."""
        options = [f"--listen={self.address}", f"--folder={self._folder}", f"--word-seconds={self._word_seconds}"]
        command = (sys.executable, "-m", "creditd.development.fakes.executor", *options)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it with SIGKILL, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def result(self, run_id: str) -> ExecuteResponse | None:
        """Return what it has come to for a run; None if it has not."""
        file = self._folder / f"{run_id}.result"
        return ExecuteResponse.FromString(file.read_bytes()) if file.exists() else None
