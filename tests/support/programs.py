"""The command line as people use it: `creditd` in a process of its own, in a folder of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

import creditd
from credit.v1 import credit_service_pb2
from tests.support.patience import eventually, patience

COMMAND = (sys.executable, "-m", "creditd.cli")

PATIENCE_SECONDS = patience(60.0)
"""A start takes two or three seconds, and many times that on a machine that is busy with other things."""

_ROOTS = (Path(creditd.__file__ or "").parents[1], Path(credit_service_pb2.__file__ or "").parents[2])


@dataclass
class Creditd:
    """Runs `creditd` in a folder, with just these settings."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Return our environment with these settings in place of ours."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("CREDITD_")}
        return ours | {"PYTHONPATH": os.pathsep.join(map(str, _ROOTS))} | self.settings

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment(),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    @contextmanager
    def started(self, *arguments: str) -> Iterator["Started"]:
        """Run a command while the block lasts; whatever is left of it then is killed."""
        with self._running([*COMMAND, *arguments], arguments[0]) as started:
            yield started

    @contextmanager
    def program(self, script: str) -> Iterator["Started"]:
        """Run a Python program in the same way."""
        with self._running([sys.executable, "-c", script], "program") as started:
            yield started

    @contextmanager
    def _running(self, command: Sequence[str], name: str) -> Iterator["Started"]:
        output = self.folder / f"{name}-{time.monotonic_ns()}.out"
        with output.open("wb") as file:
            process = subprocess.Popen(command, cwd=self.folder, env=self.environment(), stdout=file, stderr=file)
        started = Started(process, output)
        try:
            yield started
        finally:
            for left in started.descendants():
                # One ends with another.
                with suppress(psutil.NoSuchProcess):
                    left.kill()
            process.kill()
            process.wait()


@dataclass
class Started:
    """A command that runs, with what it says on standard output and standard error."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def said(self) -> str:
        """What it said so far."""
        return self.output.read_text()

    def says(self, text: str, times: int = 1) -> str:
        """Wait until it has said something; return all that it said."""

        def has_said() -> bool:
            assert self.said.count(text) >= times or self.process.poll() is None, f"it ended: {self.said}"
            return self.said.count(text) >= times

        eventually(has_said, PATIENCE_SECONDS)
        return self.said

    def descendants(self) -> list[psutil.Process]:
        """Return all processes that it started, directly or not."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal, and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


def are_gone(processes: list[psutil.Process]) -> bool:
    """Tell whether none of these runs any more."""
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)
    return not alive
