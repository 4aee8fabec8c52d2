"""Fetches the keys of outside issuers over HTTPS, on a thread of its own: no call ever waits for an issuer."""

import asyncio
import random
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import httpx

from creditd.server.authentication.jwk_sets import LongAnswer, UnusableAnswer, keys_in
from creditd.server.authentication.keys import KeySet
from creditd.server.authentication.outside_issuers import InvalidIssuer, OutsideIssuer
from creditd.telemetry.failures import Failures
from creditd.telemetry.statistics import KeyStatistics

CONNECT_SECONDS: Final = 3.0
READ_SECONDS: Final = 5.0

FETCH_SECONDS: Final = 10.0
"""For a whole answer: one that arrives byte by byte ends, too."""

MAX_ANSWER_BYTES: Final = 256 * 1024
"""A key has 2 kB with its certificates; no issuer is known to publish more than 20."""

FIRST_SECONDS: Final = 3.0
"""What a start waits for first answers: usually long enough, so that a new server refuses nobody whom others serve."""

JOIN_SECONDS: Final = 2.0
"""For the thread to end. It is let go of after that: it may be waiting for a name to be resolved."""


class Pauses(NamedTuple):
    """Seconds between two fetches of one issuer's keys, from start to start.

    ``least`` holds whatever asks for a fetch: a failure, or a token with a key that is not known, which any stranger
    can make up. Without either it is ``usual``, give or take a fifth, so that servers do not ask in step.
    """

    least: float = 30.0
    usual: float = 300.0


PAUSES: Final = Pauses()


class RefusedFetch(UnusableAnswer):
    """Another status than 200, which includes that the keys are elsewhere: who may sign in is not for others to say."""


class KeyFetcher:
    """The keys of outside issuers, fetched again and again. What was fetched last stays while an issuer is away."""

    def __init__(self, issuers: Sequence[OutsideIssuer], pauses: Pauses = PAUSES) -> None:
        """Fetch nothing yet. Raises InvalidIssuer for a file of authorities that cannot be used."""
        self._sources = [_Source(issuer, pauses) for issuer in issuers]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="issuers", daemon=True)

    @property
    def key_sets(self) -> Sequence[KeySet]:
        """The keys of each issuer, in their order."""
        return [source.keys for source in self._sources]

    @property
    def statistics(self) -> Mapping[str, KeyStatistics]:
        """What is known of each issuer's keys, by its name."""
        return {source.issuer.name: source.statistics for source in self._sources}

    def start(self) -> None:
        """Begin to fetch, if there is anything to fetch."""
        if self._sources:
            self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Whether nothing is fetched any more, or never was."""
        return not self._thread.is_alive()

    def wait(self, seconds: float = FIRST_SECONDS) -> None:
        """Wait until each issuer has been tried once, so long at most. Blocks."""
        end = time.monotonic() + seconds
        for source in self._sources:
            source.is_tried.wait(max(0.0, end - time.monotonic()))

    def close(self) -> None:
        """Fetch no more. Blocks for a moment."""
        self._is_closed = True
        if self._thread.is_alive():
            with suppress(RuntimeError):
                if self._loop is not None:
                    self._loop.call_soon_threadsafe(self._end)
            self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._fetch_all())

    async def _fetch_all(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = [tasks.create_task(source.fetch_always()) for source in self._sources]
            if self._is_closed:
                # Before it could be told so.
                self._end()

    def _end(self) -> None:
        for task in self._tasks:
            task.cancel()


class _Source:
    """One issuer's keys."""

    def __init__(self, issuer: OutsideIssuer, pauses: Pauses) -> None:
        self.issuer = issuer
        self.keys = KeySet(miss=self._ask)
        self.statistics = KeyStatistics()
        self.is_tried = threading.Event()
        self._pauses = pauses
        self._authorities = _authorities(issuer)
        self._failures = Failures(f"fetching the keys of {issuer.name}", _is_outage)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked = asyncio.Event()
        self._is_asked = False

    def _ask(self) -> None:
        """Have the keys fetched as soon as may be. From any thread, and cheap when it has been asked already."""
        loop = self._loop
        if not self._is_asked and loop is not None:
            self._is_asked = True
            with suppress(RuntimeError):
                # It has been closed, with the server.
                loop.call_soon_threadsafe(self._asked.set)

    async def fetch_always(self) -> None:
        self._loop = asyncio.get_running_loop()
        while True:
            begin = time.monotonic()
            self._is_asked = False
            self._asked.clear()
            is_fetched = await self._try()
            self.is_tried.set()
            await asyncio.sleep(max(0.0, begin + self._pauses.least - time.monotonic()))
            if is_fetched:
                usual = self._pauses.usual * random.uniform(0.8, 1.2)  # noqa: S311 - jitter is no secret.
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._asked.wait(), max(0.0, begin + usual - time.monotonic()))

    async def _try(self) -> bool:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                keys = keys_in(await self._content())
        except Exception as error:  # noqa: BLE001 - the next try must come whatever it is; each is logged and counted.
            self.statistics.failures[type(error).__name__] += 1
            self._failures.note(error)
            return False
        self._failures.over()
        self.keys.replace(keys)
        self.statistics.keys = len(keys)
        self.statistics.fetched_at = time.monotonic()
        return True

    async def _content(self) -> bytes:
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        # What is compressed could become any size.
        headers = {"accept": "application/jwk-set+json, application/json", "accept-encoding": "identity"}
        async with (
            httpx.AsyncClient(
                headers=headers, timeout=timeout, follow_redirects=False, verify=self._authorities
            ) as client,
            client.stream("GET", self.issuer.jwks_url) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise RefusedFetch
            content = b""
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    raise LongAnswer
            return content


def _authorities(issuer: OutsideIssuer) -> ssl.SSLContext | bool:
    """Return who vouches for an issuer's certificate: those of its file, or the usual ones."""
    if not issuer.ca_file:
        return True
    try:
        return ssl.create_default_context(cafile=issuer.ca_file)
    except OSError as error:
        raise InvalidIssuer(f"ca_file: {issuer.ca_file} holds no authorities in PEM that can be read") from error


def _is_outage(error: Exception) -> bool:
    return isinstance(error, httpx.HTTPError | TimeoutError | UnusableAnswer)
