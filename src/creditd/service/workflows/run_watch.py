"""Runs that streams show: one look for all of them, and none while nobody watches."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from creditd.domain.workflows.run import RunKey
from creditd.ledger.work import Overloaded
from creditd.service.payments.background import Background
from creditd.service.payments.providers import InThread

MAX_WATCHERS: Final = 1_000
"""Streams of one server; each costs memory and a share of every look."""

WATCHERS_OF_ACCOUNT: Final = 100
"""On runs of one account, whoever opens them: as many as it may have open."""

WATCHERS_OF_CALLER: Final = 500
"""Opened by one caller: half of all, so that others have the rest."""

LOOK_SECONDS: Final = 0.5
"""How far behind a watcher may be: one look for all of them each time."""

Look = Callable[[Collection[RunKey]], Mapping[RunKey, int]]
"""Finds the versions of those runs that there are. It blocks."""


class Watched:
    """A run that streams show: how many of them, and the version that it was last seen at."""

    def __init__(self) -> None:
        """Nothing is seen yet."""
        self.streams = 0
        self._version = 0
        self._moved = asyncio.Event()

    def note(self, version: int) -> None:
        """Let all go on that wait for a version beyond those before."""
        if version > self._version:
            self._version = version
            self._moved.set()
            self._moved = asyncio.Event()

    async def moved_beyond(self, version: int) -> None:
        """Wait until a version beyond this one is seen."""
        while self._version <= version:
            await self._moved.wait()


class RunWatch:
    """Sees changes of the runs that streams show. What is known of a run goes with its last stream."""

    def __init__(self, look: Look, in_thread: InThread, refused: Callable[[str, int], Exception]) -> None:
        """Find versions by ``look``; ``refused`` makes the refusal of one stream too many, of what and how many."""
        self._in_thread = in_thread
        self._look = look
        self._refused = refused
        self._watched: dict[RunKey, Watched] = {}
        self._streams = 0
        self._accounts: Counter[str] = Counter()
        self._callers: Counter[str] = Counter()
        self.background = Background(self._look_once, LOOK_SECONDS, "a look for changes of runs")

    def changed(self, key: RunKey) -> None:
        """Look now, as a run has changed here, if anybody watches it."""
        if key in self._watched:
            self.background.wake()

    @contextmanager
    def watched(self, key: RunKey, caller: str) -> Iterator[Watched]:
        """Watch a run until the block ends. Raises Overloaded, and the refusal of one stream too many."""
        if self._callers[caller] >= WATCHERS_OF_CALLER:
            raise self._refused("streams of the caller", WATCHERS_OF_CALLER)
        if self._accounts[key.account_id] >= WATCHERS_OF_ACCOUNT:
            raise self._refused("streams of the account", WATCHERS_OF_ACCOUNT)
        if self._streams >= MAX_WATCHERS:
            raise Overloaded
        watched = self._watched.setdefault(key, Watched())
        watched.streams += 1
        self._count(key.account_id, caller, 1)
        try:
            yield watched
        finally:
            self._count(key.account_id, caller, -1)
            watched.streams -= 1
            if not watched.streams:
                del self._watched[key]

    def _count(self, account_id: str, caller: str, change: int) -> None:
        self._streams += change
        for counts, name in ((self._accounts, account_id), (self._callers, caller)):
            counts[name] += change
            if not counts[name]:
                del counts[name]

    async def _look_once(self) -> None:
        keys = list(self._watched)
        if not keys:
            return
        for key, version in (await self._in_thread(lambda: self._look(keys))).items():
            # Meanwhile the last stream of a run may have ended, and nothing is kept of it any more.
            if watched := self._watched.get(key):
                watched.note(version)
