"""How the server is doing, in figures: each with the value from which to worry, as docs/operations.md has them."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from math import isnan
from typing import NamedTuple

from creditd.domain.instant import Instant
from creditd.ledger.clock import DatabaseClock
from creditd.service.call import Call
from creditd.service.threads import Threads


class Gauge(NamedTuple):
    """What a figure is called, how it is read at once, and from which value on to worry; None for none."""

    name: str
    read: Callable[[], float | None]
    worrying_from: float | None = None


class Figure(NamedTuple):
    """A figure as it was read; None if it is not known yet."""

    name: str
    value: float | None
    worrying_from: float | None

    @property
    def is_worrying(self) -> bool:
        """Tell whether it is so much that a person should look."""
        return self.value is not None and self.worrying_from is not None and self.value >= self.worrying_from


class Status(NamedTuple):
    """All figures at an instant, and whether the database can be served from."""

    is_database_ready: bool
    figures: Sequence[Figure]
    time: Instant


class SystemStatus:
    """Reads how the server is doing. Raises Overloaded, ShuttingDown."""

    def __init__(
        self,
        gauges: Sequence[Gauge],
        noticed: AbstractSet[str],
        is_ready: Callable[[], bool | None],
        clock: DatabaseClock,
        threads: Threads,
    ) -> None:
        """Read these, of which customers notice some; ``is_ready`` asks the database, and blocks."""
        self._gauges = gauges
        self._noticed = noticed
        self._is_ready = is_ready
        self._clock = clock
        self._threads = threads

    async def read(self, call: Call, *, is_whole: bool) -> Status:
        """Return the status as it is now, with all figures, or those alone that customers notice."""
        return await self._threads.surveys.submit(lambda: self._read(is_whole=is_whole), owner=call.subject)

    def _read(self, *, is_whole: bool) -> Status:
        is_ready = bool(self._is_ready())
        gauges = [gauge for gauge in self._gauges if is_whole or gauge.name in self._noticed]
        figures = [Figure(gauge.name, _known(gauge.read()), gauge.worrying_from) for gauge in gauges]
        return Status(is_ready, sorted(figures), self._clock.now())


def _known(value: float | None) -> float | None:
    """Return a value unless it is no number, which stands for what is not known yet."""
    return None if value is None or isnan(value) else float(value)
