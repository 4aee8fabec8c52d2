"""How a process is told to stop: by SIGTERM or Ctrl-C once for an orderly end, twice for one at once."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from creditd.cli.failure import FAILED

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def told_to_stop(lifeline: int | None = None) -> asyncio.Event:
    """Return what is set at the first SIGTERM or SIGINT; the second ends this process then and there.

    So does ``lifeline``, if given: a descriptor that whoever started us holds open as long as they live.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            # The system's own reaction: it works however busy or stuck we are.
            signal.signal(number, signal.SIG_DFL)
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
def sigterm_as_interrupt() -> Iterator[None]:
    """Have SIGTERM raise KeyboardInterrupt, as Ctrl-C does, so that what was started is ended by its own blocks."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
