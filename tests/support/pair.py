"""Two servers on one database, whose clocks move together."""

from typing import NamedTuple

from creditd.domain.instant import SECOND
from tests.support.service import RunningService


class Pair(NamedTuple):
    """Two servers on one database."""

    first: RunningService
    second: RunningService

    def advance(self, seconds: float) -> None:
        """Let time pass for both."""
        for server in self:
            server.clock.advance(seconds)

    def begin(self, window: int, seconds: float = 0.0) -> None:
        """Go on to the next beginning of an hour or a day, or to so many seconds after it, or before it if below 0."""
        now = self.first.clock.now()
        self.advance(((now // window + 1) * window - now) / SECOND + seconds + (window / SECOND if seconds < 0 else 0))
