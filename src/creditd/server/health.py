"""Health by the standard protocol: serving while the database and its schema are there, and not while draining."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio

from creditd.ledger.work import DatabaseUnavailable
from creditd.service.threads import Bulkhead
from creditd.telemetry.failures import Failures

log = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
"""How soon a lost database, and its return, show."""

LOOK_SECONDS = 2.0
"""A probe is answered with what was last seen, so what is seen must not be old: no answer in time is an answer."""


class HealthServicer(aio.HealthServicer):  # type: ignore[misc]
    """The library's own, which tells on which connections health is asked."""

    def __init__(self, note_probe: Callable[[str], None]) -> None:
        """Give ``note_probe`` the peer of each question about health."""
        super().__init__()
        self._note_probe = note_probe

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Any) -> Any:  # noqa: N802 - the method's name.
        """Answer Check."""
        self._note_probe(context.peer())
        return await super().Check(request, context)

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Any) -> None:  # noqa: N802 - the method's name.
        """Answer Watch."""
        self._note_probe(context.peer())
        await super().Watch(request, context)


class Health:
    """Keeps the health of services up to date that need the same database.

    ``answered`` is how many checks had an answer in time. ``takes_calls`` says whether the database was fit when it
    last answered. One that is away is for each call to find out: memory answers some of them, and the others succeed
    as soon as it is back.
    """

    def __init__(
        self,
        services: Sequence[str],
        is_ready: Callable[[], bool | None],
        in_thread: Bulkhead,
        servicer: HealthServicer,
        lose: Callable[[], None],
        database: str = "the database",
    ) -> None:
        """Ask ``is_ready`` every second, on a thread that is kept for it; serve nothing until it says so.

        It says None if the database did not answer. ``services`` are those that need this ``database``, as the log
        calls it; "" is the server as a whole. What they are is told by ``servicer``. ``lose`` is called when the
        database turns out to be fit no more.
        """
        self.servicer = servicer
        self.serving = False
        self.takes_calls = False
        self.answered = 0
        self._services = services
        self.database = database
        self._is_ready = is_ready
        self._in_thread = in_thread
        self._lose = lose
        # Without an answer in time the database is as good as away.
        self._failures = Failures(
            "a health check", lambda error: isinstance(error, (TimeoutError, DatabaseUnavailable))
        )
        self._checking: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Show that nothing is served yet: the library's own servicer begins with the opposite."""
        await self._show(serving=False)

    async def start(self) -> None:
        """Check once, then keep checking."""
        await self._show(serving=await self._look())
        self._checking = asyncio.create_task(self._check_always())

    async def drain(self) -> None:
        """Show for good that this server is not to be used any more."""
        if self._checking:
            self._checking.cancel()
        self.serving = False
        await self.servicer.enter_graceful_shutdown()

    async def _check_always(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            ready = await self._look()
            if ready != self.serving:
                log.warning("%s is %s", self.database, "back" if ready else "out of reach")
                await self._show(serving=ready)

    async def _look(self) -> bool:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                ready = await self._in_thread(self._is_ready)
        except Exception as error:  # noqa: BLE001 - the checks must outlive any failure, or what they last showed would stay.
            self._failures.note(error)
            return False
        self._failures.over()
        self.answered += 1
        if ready is not None:
            is_lost, self.takes_calls = self.takes_calls and not ready, ready
            if is_lost:
                self._lose()
        return bool(ready)

    async def _show(self, *, serving: bool) -> None:
        self.serving = serving
        states = health_pb2.HealthCheckResponse
        for service in self._services:
            await self.servicer.set(service, states.SERVING if serving else states.NOT_SERVING)
