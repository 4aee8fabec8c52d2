"""Open calls: what providers are being asked for callers, who may have gone meanwhile. There is room for so many."""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from creditd.domain.payments.provider import Provider
from creditd.ledger.work import Overloaded

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

MAX_OF_PROVIDER: Final = 80
"""Open calls to one provider at once: of the hundred connections to it, which httpx keeps to, some are left to what is
read back for webhooks and polls. Each provider has its own, so that one that hangs keeps nobody from the others."""

MAX_OF_ACCOUNT: Final = 8
"""Open calls to one provider at once for one account: a few windows and their repeats. A provider that hangs has ten
accounts wait before others are turned away, and no account alone can bring that about."""


class OpenCall:
    """What a provider is asked for one caller."""

    def __init__(self, tasks: set[asyncio.Task[Any]]) -> None:
        """Begin without a task; add it to ``tasks`` while it runs."""
        self.task: asyncio.Task[Any] | None = None
        self._tasks = tasks

    async def finished(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        """Run to completion even if the caller disconnects: the provider may already have charged."""
        task = asyncio.create_task(coroutine)
        self.task = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)


class OpenCalls:
    """Keeps count of them, by provider and by account. For use on one event loop."""

    def __init__(self) -> None:
        """Begin with none."""
        self._of_provider: Counter[Provider] = Counter()
        self._of_account: Counter[tuple[Provider, str]] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()

    @contextmanager
    def begun(self, provider: Provider, account_id: str) -> Iterator[OpenCall]:
        """Keep room for one until the block ends and what it has asked is answered. Raises Overloaded."""
        of_account = provider, account_id
        if self._of_provider[provider] >= MAX_OF_PROVIDER or self._of_account[of_account] >= MAX_OF_ACCOUNT:
            raise Overloaded
        self._of_provider[provider] += 1
        self._of_account[of_account] += 1

        def end(_: object = None) -> None:
            self._of_provider[provider] -= 1
            self._of_account[of_account] -= 1
            if not self._of_account[of_account]:
                del self._of_account[of_account]

        open_call = OpenCall(self._tasks)
        try:
            yield open_call
        finally:
            if open_call.task is None or open_call.task.done():
                end()
            else:
                # Callers who give up early could otherwise pile up any number.
                open_call.task.add_done_callback(end)

    async def finish(self, seconds: float) -> None:
        """Wait at most ``seconds`` for those whose callers have disconnected, and cut off the rest."""
        if self._tasks:
            log.info("waiting for providers", extra={"purchases": len(self._tasks)})
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
