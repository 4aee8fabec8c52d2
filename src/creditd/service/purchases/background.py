"""Work that goes on beside the calls, on the event loop of the process."""

import asyncio
import contextlib
import logging
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from creditd.ledger.work import DatabaseUnavailable, Overloaded, ShuttingDown, VersionConflict
from creditd.payments.provider import ProviderUnavailable

log = logging.getLogger(__name__)

PASSING: Final = (ProviderUnavailable, DatabaseUnavailable, VersionConflict, Overloaded, ShuttingDown)
"""What another try may get past: others are at the same rows, or a database or provider is away."""

LOG_AGAIN_SECONDS: Final = 600.0
"""Between two lines about the same failure: a database that is away for an hour must not fill the log."""

MAX_FAILURES: Final = 100
"""Different failures that are told apart; more than so many are one whose text changes each time."""

MAX_TEXT_LENGTH: Final = 200
"""Of what tells two failures of one kind apart."""

_FIGURES: Final = re.compile(r"[0-9a-f]*\d[0-9a-f]*")
"""Numbers and ids: they differ each time, though the failure is the same."""


@dataclass(slots=True)
class _Failure:
    """A failure that is known: when it may be logged again, and how often it was met since it last was."""

    next_line: float = 0.0
    rounds: int = 0


class Failures:
    """The failures of rounds: each is logged once in a while and counted always."""

    def __init__(self, name: str) -> None:
        """Begin without any; ``name`` is what fails."""
        self.counts: Counter[str] = Counter()
        self._name = name
        self._known: dict[tuple[str, str, str], _Failure] = {}

    def note(self, error: Exception) -> None:
        """Count a failure; log it if it was not logged of late, with its traceback unless another try may help."""
        self.counts[type(error).__name__] += 1
        failure = self._failure(error)
        failure.rounds += 1
        if time.monotonic() < failure.next_line:
            return
        cause = None if isinstance(error, PASSING) else error
        log.warning(
            "%s failed: %s",
            self._name,
            type(error).__name__,
            exc_info=cause,
            extra={"rounds": failure.rounds},
        )
        failure.next_line, failure.rounds = time.monotonic() + LOG_AGAIN_SECONDS, 0

    def _failure(self, error: Exception) -> _Failure:
        if len(self._known) >= MAX_FAILURES:
            self._known.clear()
        return self._known.setdefault(_identity(error), _Failure())


def _identity(error: Exception) -> tuple[str, str, str]:
    """Return what makes two errors the same failure: kind, place, and text without its figures."""
    place, traceback = "", error.__traceback__
    while traceback is not None:
        place = f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return type(error).__name__, place, _FIGURES.sub("#", str(error)[:MAX_TEXT_LENGTH])


class Background:
    """Work done in rounds, until it is closed. A round that fails is noted, and the next one tries again."""

    def __init__(self, work: Callable[[], Awaitable[object]], interval_seconds: float, name: str) -> None:
        """Do a round of ``work`` at once when started, then one every ``interval_seconds``."""
        self.name = name
        self.failures = Failures(name)
        self._work = work
        self._interval_seconds = interval_seconds
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running event loop."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    def wake(self) -> None:
        """Have the next round begin at once."""
        self._woken.set()

    async def close(self) -> None:
        """Stop it where it stands."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001 - the rounds must outlive any failure; each is logged and counted.
                self.failures.note(error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._interval_seconds)
            self._woken.clear()
