"""The way into a server: which calls are under way, who is turned away at a stop, and who is ended before its end.

The library's own stop ends every call that it has received and not yet handed over with a bare CANCELLED. So the gate
closes first: who comes then is kept at it, until no more come, the library has told every connection to go elsewhere,
and each can be answered in full.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Final, NamedTuple, NoReturn, Protocol, Self

from creditd.domain.errors import Refusal
from creditd.ledger.work import ShuttingDown
from creditd.server.refusals import TokenExpired

log = logging.getLogger(__name__)

LONGEST_HOLD_SECONDS: Final = 1.0
"""Callers who wait for their answer come to rest at once. Others never do, and are not waited for any longer."""

LOOK_SECONDS: Final = 0.05
"""Between two looks whether callers still come."""

QUIET_LOOKS: Final = 3
"""So many looks in a row that see nobody come: one alone may be late, together with those that it should have seen."""

GOODBYE_SECONDS: Final = 0.2
"""For the word to go elsewhere to reach the clients: a round trip to anywhere."""

TERM_LOOK_SECONDS: Final = 0.5
"""How late a stream ends after its token, or after its caller's right to it. A thousand take a millisecond or two."""


class UnderWay(Protocol):
    """A call on its way through the server."""

    def end(self, why: Exception) -> None:
        """End it: its handler is cancelled, and the caller is told why. Called on the event loop."""


class Passage:
    """A call that is served on the event loop, from the gate to its answer. A context manager, for one use."""

    __slots__ = ("_gate", "_is_sending", "_task", "_why")

    def __init__(self, gate: "Gate") -> None:
        """Go in by a gate that is open."""
        self._gate = gate
        self._task: asyncio.Task[object] | None = None
        self._why: Exception | None = None
        self._is_sending = False

    def __enter__(self) -> Self:
        """Begin."""
        self._task = asyncio.current_task()
        self._gate.enter(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leave the server. Raises why it was ended, if it was, in place of the cancellation that ended it."""
        self._gate.left(self)
        if self._why is not None and kind is asyncio.CancelledError and self._task is not None:
            self._task.uncancel()
            raise self._why from None

    def end(self, why: Exception) -> None:
        """End it: its handler is cancelled, and the caller is told why."""
        if self._why is None:
            self._why = why
            if not self._is_sending and self._task is not None:
                self._task.cancel()

    @property
    def is_ended(self) -> bool:
        """Whether it was ended, and not by its caller."""
        return self._why is not None

    def sends(self) -> None:
        """Say that the library has it, to send a message of a stream: it cannot be cancelled and still be answered."""
        self._is_sending = True

    def goes_on(self) -> None:
        """Say that the message is sent. Raises why it was ended meanwhile, if it was."""
        self._is_sending = False
        if self._why is not None:
            raise self._why


class Gate:
    """Lets calls in until it is closed. Used on one event loop, but for ``is_closed``, ``enter`` and ``left``."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Be open. ``clock`` tells the seconds since the Unix epoch by which tokens end."""
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.calls: set[UnderWay] = set()
        self._streams: dict[UnderWay, _Term] = {}
        self._held = 0
        self._released = asyncio.Event()
        self._emptied = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self.is_closed = False

    def passage(self) -> Passage:
        """Return the passage of a call that comes while the gate is open."""
        return Passage(self)

    def streams(self, call: UnderWay, token_end: float, require_allowed: Callable[[], None]) -> None:
        """Note that a call has no end of its own: it ends with its caller's token or right, and when the gate closes.

        ``token_end`` is in seconds since the Unix epoch. ``require_allowed`` raises why its caller may not make it any
        more. Raises ShuttingDown.
        """
        if self.is_closed:
            raise ShuttingDown
        self._streams[call] = _Term(token_end, require_allowed)
        if self._looking is None:
            self._looking = asyncio.create_task(self._end_in_time(), name="ends of streams")

    async def turn_away(self) -> NoReturn:
        """Keep a call that comes to the closed gate until it can be answered. Raises ShuttingDown then."""
        self._held += 1
        await self._released.wait()
        raise ShuttingDown

    def enter(self, call: UnderWay) -> None:
        """Hear of a call that came in while the gate was open. From any thread."""
        self.calls.add(call)

    def left(self, call: UnderWay) -> None:
        """Hear that a call is through. From any thread."""
        self.calls.discard(call)
        self._streams.pop(call, None)
        if self.is_closed:
            self._loop.call_soon_threadsafe(self._note_empty)

    def _note_empty(self) -> None:
        if self.calls <= self._streams.keys():
            self._emptied.set()

    def end_streams(self, why: Exception) -> None:
        """End every stream, and tell its caller why."""
        for stream in self._streams.copy():
            stream.end(why)

    async def close(self) -> None:
        """Let nobody in any more, end the streams, and return when no more come."""
        self.is_closed = True
        if self._looking is not None:
            self._looking.cancel()
        self.end_streams(ShuttingDown())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_HOLD_SECONDS):
                await self._quiet()
        log.info("closed to new calls", extra={"under_way": len(self.calls), "turned_away": self._held})

    async def _quiet(self) -> None:
        quiet = 0
        while quiet < QUIET_LOOKS:
            before = self._held
            await asyncio.sleep(LOOK_SECONDS)
            quiet = quiet + 1 if self._held == before else 0

    async def release(self) -> None:
        """Answer those that were kept, once every connection has been told to go elsewhere."""
        if self._held:
            await asyncio.sleep(GOODBYE_SECONDS)
        self._released.set()

    async def empty(self, seconds: float) -> None:
        """Wait for the calls under way; those that are not through after ``seconds`` are ended."""
        if not self.calls <= self._streams.keys():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._emptied.wait()
        for call in self.calls.copy():
            call.end(ShuttingDown())

    async def _end_in_time(self) -> None:
        while True:
            await asyncio.sleep(TERM_LOOK_SECONDS)
            if self._streams:
                now = self._clock()
                for stream, term in self._streams.copy().items():
                    why = term.over(now)
                    if why is not None:
                        stream.end(why)


class _Term(NamedTuple):
    """How long a stream may go on."""

    token_end: float
    require_allowed: Callable[[], None]

    def over(self, now: float) -> Exception | None:
        """Return why it is over; None if it is not."""
        if self.token_end <= now:
            return TokenExpired()
        try:
            self.require_allowed()
        except Refusal as refusal:
            # Its traceback refers to the frames that refer to the call.
            return refusal.with_traceback(None)
        return None
