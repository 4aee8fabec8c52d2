"""The thread that waits for the database on behalf of one that may wait for nothing."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Protocol

Job = Callable[[], None]


class RunsJobs(Protocol):
    """Does jobs, one after the other."""

    def run(self, job: Job) -> None:
        """Have a job run, which tells by itself what came of it."""

    def close(self) -> None:
        """Take no more jobs."""


class DatabaseThread:
    """Runs jobs one after the other on a thread of its own."""

    def __init__(self, name: str) -> None:
        """Start the thread."""
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def run(self, job: Job) -> None:
        """Have a job run, which tells by itself what came of it. One that raises ends the thread."""
        self._jobs.put(job)

    def close(self) -> None:
        """End the thread once it has done what it was given."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
