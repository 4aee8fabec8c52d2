"""An event loop on a thread of its own, for what is asynchronous in a test that is not."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import uvloop

from tests.support.patience import patience

SECONDS = patience(60.0)
"""Far more than anything that is run on it takes, so that a loaded machine fails no test."""

Run = Callable[[Coroutine[Any, Any, Any]], Any]
"""Runs a coroutine to its end, and returns what came of it."""


@contextmanager
def event_loop() -> Iterator[Run]:
    """Run an event loop until the block ends, and give what runs something on it."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="event loop", daemon=True)
    thread.start()
    try:
        yield lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop).result(SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(SECONDS)
        loop.close()
