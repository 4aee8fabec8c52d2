"""How far a command has come: a bar in place on a terminal, else a line now and then; on standard error."""

import sys
import time
from typing import Final

from creditd.cli.output import remark
from creditd.cli.terminal import is_lively

BAR_CELLS: Final = 30
DRAWN_EVERY_SECONDS: Final = 0.1
TOLD_EVERY_SECONDS: Final = 5.0
"""Where it is no terminal: such lines stand in logs."""


class ProgressBar:
    """The progress of one thing."""

    def __init__(self, unit: str, total: int = 0) -> None:
        """Count ``unit``, such as rows, up to about ``total``; 0 if that is not known."""
        self._unit = unit
        self._total = total
        self._done = 0
        self._is_terminal = is_lively(sys.stderr)
        self._began = self._shown = time.monotonic()

    def advance(self, count: int = 1) -> None:
        """Note that so many more are done."""
        self.show(self._done + count, self._total)

    def show(self, done: int, total: int = 0) -> None:
        """Show how much is done, and of about how much; not each time, but often enough."""
        self._done, self._total = done, total
        now = time.monotonic()
        if now - self._shown < (DRAWN_EVERY_SECONDS if self._is_terminal else TOLD_EVERY_SECONDS):
            return
        self._shown = now
        if self._is_terminal:
            sys.stderr.write(f"\r{self._bar()}{self._line(now)}\033[K")
            sys.stderr.flush()
        else:
            remark(self._line(now))

    def end(self) -> None:
        """Leave the line."""
        if self._is_terminal:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def _bar(self) -> str:
        if not self._total:
            return ""
        # The total may be an estimate.
        part = min(self._done / self._total, 1.0)
        full = int(part * BAR_CELLS)
        return f"[{'#' * full}{'.' * (BAR_CELLS - full)}] {part:4.0%}  "

    def _line(self, now: float) -> str:
        rate = self._done / max(now - self._began, DRAWN_EVERY_SECONDS)
        of_total = f" of about {self._total:,}" if self._total else ""
        return f"{self._done:,}{of_total} {self._unit}, {rate:,.0f} a second"
