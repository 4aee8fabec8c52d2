"""Repeated failures of background work: one log line, then counts, and a line when it is over."""

import logging
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

log = logging.getLogger(__name__)

OUTAGE_AGAIN_SECONDS: Final = 60.0
"""Between two lines about the same outage: enough to see that it goes on, and how often it was met."""

DEFECT_AGAIN_SECONDS: Final = 600.0
"""Between two lines, with tracebacks, about the same defect."""

MAX_DEFECTS: Final = 100
"""Different defects that are told apart; more than so many are one whose text changes each time."""

MAX_TEXT_LENGTH: Final = 200
"""Of what tells two defects of one kind apart."""

_FIGURES: Final = re.compile(r"[0-9a-f]*\d[0-9a-f]*")
"""Numbers and ids: they differ each time, though the defect is the same."""


@dataclass(slots=True)
class _Failure:
    """A failure that is known: when it may be logged again, and how often it was met since it last was."""

    next_line: float = 0.0
    rounds: int = 0

    def is_due(self, again_seconds: float) -> bool:
        """Count a round; return whether a line is due."""
        self.rounds += 1
        if time.monotonic() < self.next_line:
            return False
        self.next_line = time.monotonic() + again_seconds
        return True

    def take_rounds(self) -> int:
        """Return the rounds since the last line, and reset the count."""
        rounds, self.rounds = self.rounds, 0
        return rounds


class Failures:
    """The failures of rounds of one kind. Each is counted; how often one is logged depends on what it is.

    An outage, which another try may get past, is a line without a traceback at first and then one a minute. Anything
    else is a defect: a line with its traceback, once in ten minutes for each. Not for use by several threads at once.
    """

    def __init__(self, name: str, is_outage: Callable[[Exception], bool]) -> None:
        """Start without failures; ``name`` is the work that fails."""
        self.counts: Counter[str] = Counter()
        self._name = name
        self._is_outage = is_outage
        self._defects: dict[tuple[str, str, str], _Failure] = {}
        self._outage: _Failure | None = None
        self._since = 0.0

    def note(self, error: Exception) -> None:
        """Count a failure; log it unless it was logged recently."""
        self.counts[type(error).__name__] += 1
        if self._is_outage(error):
            self._note_outage(error)
            return
        failure = self._defect(error)
        if failure.is_due(DEFECT_AGAIN_SECONDS):
            self._log(error, failure, exc_info=error)

    def over(self) -> None:
        """Note a round that succeeded: an outage, if there was one, is over."""
        if self._outage is not None:
            seconds = time.monotonic() - self._since
            self._outage = None
            log.warning("%s works again, after %.0f s", self._name, seconds)

    def _note_outage(self, error: Exception) -> None:
        if self._outage is None:
            self._outage, self._since = _Failure(), time.monotonic()
        if self._outage.is_due(OUTAGE_AGAIN_SECONDS):
            self._log(error, self._outage, exc_info=None)

    def _log(self, error: Exception, failure: _Failure, exc_info: Exception | None) -> None:
        rounds = failure.take_rounds()
        log.warning("%s failed: %s", self._name, type(error).__name__, exc_info=exc_info, extra={"rounds": rounds})

    def _defect(self, error: Exception) -> _Failure:
        if len(self._defects) >= MAX_DEFECTS:
            self._defects.clear()
        return self._defects.setdefault(_identity(error), _Failure())


def _identity(error: Exception) -> tuple[str, str, str]:
    """Return what makes two errors the same failure: kind, place, and text without its figures."""
    place, traceback = "", error.__traceback__
    while traceback is not None:
        place = f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return type(error).__name__, place, _FIGURES.sub("#", str(error)[:MAX_TEXT_LENGTH])
