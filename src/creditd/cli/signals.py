"""How a process is told to stop: by SIGTERM or Ctrl-C once for an orderly end, twice for one at once."""

import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType
from typing import Final

from creditd.cli.output import FAILED, INTERRUPTED, SIGNALLED, CommandFailure

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

_AGAIN_SECONDS: Final = 0.05
"""After which an interrupt that was lost is raised once more: whatever cannot raise is over by then."""


class Told(asyncio.Event):
    """Is set once this process is told to stop."""

    def __init__(self) -> None:
        """Be told nothing yet."""
        super().__init__()
        self._starting: asyncio.Task[object] | None = None

    def set(self) -> None:
        """Tell it; a start that is under way is given up."""
        super().set()
        if self._starting:
            self._starting.cancel()

    @asynccontextmanager
    async def unless_told(self) -> AsyncIterator[None]:
        """Give up what the block awaits once told to stop. Raises CommandFailure then."""
        task = self._starting = asyncio.current_task()
        try:
            yield
            # A cancellation that is on its way arrives here, and not at whatever comes next.
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            if not self.is_set():
                raise
            if task:
                task.uncancel()
        finally:
            self._starting = None
        if self.is_set():
            raise CommandFailure("stopped before it was ready", INTERRUPTED)


def told_to_stop(lifeline: int | None = None) -> Told:
    """Return what is set at the first SIGTERM or SIGINT; the second ends this process then and there.

    So does ``lifeline``, if given: a descriptor that whoever started us holds open as long as they live.
    """
    told = Told()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
        _end_at_the_next()
        told.set()

    def on_end_of_life() -> None:
        if told.is_set():
            os._exit(FAILED)
        told.set()
        # Its end stays readable, and would keep the loop busy.
        loop.remove_reader(lifeline or 0)

    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal)
    if lifeline is not None:
        loop.add_reader(lifeline, on_end_of_life)
    return told


@contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """Have SIGTERM and Ctrl-C raise KeyboardInterrupt, so that what was started is ended by its own blocks.

    The second of them ends this process then and there. One that was raised where nothing can be raised, as in a
    finalizer, is raised once more.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        del frame
        if number != signal.SIGALRM:
            _end_at_the_next()
        raise KeyboardInterrupt

    def hear_of_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
        if unraisable.exc_type is KeyboardInterrupt:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
        else:
            hook(unraisable)

    hook, sys.unraisablehook = sys.unraisablehook, hear_of_unraisable
    before = {number: signal.signal(number, interrupt) for number in (*_SIGNALS, signal.SIGALRM)}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_at_the_next() -> None:
    for number in _SIGNALS:
        signal.signal(number, _end_at_once)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    # Not the system's own reaction, which the first process of a container does not have.
    del frame
    line = f"creditd: {signal.Signals(number).name} again: ended at once, what was under way is cut off\n"
    with suppress(OSError, ValueError):
        descriptor = sys.stderr.fileno()
        # A pipe that nobody reads must not keep us.
        if select.select([], [descriptor], [], 0)[1]:
            os.write(descriptor, line.encode())
    os._exit(SIGNALLED + number)
