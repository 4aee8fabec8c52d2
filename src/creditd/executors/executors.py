"""The executors that are configured, by name."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from creditd.domain.workflows.execution import Executor
from creditd.executors.channel import ExecutorCertificates, ExecutorPlace
from creditd.executors.client import ExecutorClient
from creditd.telemetry.statistics import ExecutorStatistics


class Executors:
    """All executors of a process. Make it on the event loop that calls them."""

    def __init__(
        self,
        places: Sequence[ExecutorPlace],
        certificates: ExecutorCertificates,
        statistics: Mapping[str, ExecutorStatistics],
        seconds: Callable[[], float],
    ) -> None:
        """Know these; each connects at its first call, and counts in its own ``statistics``, by its name.

        ``seconds`` tells the seconds since the Unix epoch, by the clock that deadlines go by. Raises
        InvalidCertificate, OSError.
        """
        self._clients = {
            place.name: ExecutorClient(place, certificates, statistics[place.name], seconds) for place in places
        }

    @property
    def names(self) -> Collection[str]:
        """Their names, in the order of the configuration."""
        return self._clients.keys()

    def get(self, name: str) -> Executor | None:
        """Return an executor; None if there is none of this name."""
        return self._clients.get(name)

    async def close(self) -> None:
        """End all connections, with what is under way."""
        await asyncio.gather(*(client.close() for client in self._clients.values()))
