"""How far a command has come: a bar in place on a terminal, else a line now and then; on standard error."""

import sys
import time
from typing import Final

from creditd.cli.output import remark

BAR_CELLS: Final = 30
DRAWN_EVERY_SECONDS: Final = 0.1
TOLD_EVERY_SECONDS: Final = 5.0
"""Where it is no terminal: such lines stand in logs."""


class Bar:
    """The progress of one thing."""

    def __init__(self, what: str) -> None:
        """Draw for ``what``."""
        self._what = what
        self._is_terminal = sys.stderr.isatty()
        self._began = self._shown = time.monotonic()

    def show(self, done: int, total: int | None, unit: str) -> None:
        """Show how much is done, and of how much, if that is known; not each time, but often enough."""
        now = time.monotonic()
        if now - self._shown < (DRAWN_EVERY_SECONDS if self._is_terminal else TOLD_EVERY_SECONDS):
            return
        self._shown = now
        if self._is_terminal:
            sys.stderr.write(f"\r{self._line(done, total, unit)}\033[K")
            sys.stderr.flush()
        else:
            remark(f"{self._what}: {done}{f' of about {total}' if total else ''} {unit}")

    def end(self) -> None:
        """Leave the line."""
        if self._is_terminal:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def _line(self, done: int, total: int | None, unit: str) -> str:
        if not total:
            return f"{self._what}  {done} {unit}"
        # The total is an estimate.
        part = min(done / total, 1.0)
        full = int(part * BAR_CELLS)
        return f"{self._what}  [{'#' * full}{'.' * (BAR_CELLS - full)}] {part:4.0%}  {done} of {total} {unit}"
