"""The fake providers beside a test that is no coroutine: on a thread and an event loop of their own."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from creditd.development.fakes.server import Fakes, FakesSettings, fakes_running

PATIENCE_SECONDS = 30.0
"""Far more than anything here takes, so that a loaded machine fails no test."""

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class FakesBeside:
    """Fakes that run, and their event loop, on which alone they may be acted on."""

    fakes: Fakes
    loop: asyncio.AbstractEventLoop

    def act(self, act: Callable[Parameters, Answer], *args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        """Do something there, such as ``beside.act(beside.fakes.stripe.pay, session)``, and return its answer."""

        async def acting() -> Answer:
            return act(*args, **kwargs)

        return asyncio.run_coroutine_threadsafe(acting(), self.loop).result(PATIENCE_SECONDS)

    def idle(self) -> None:
        """Wait until all webhooks that were let go are delivered or given up."""
        asyncio.run_coroutine_threadsafe(self.fakes.outgoing.idle(), self.loop).result(PATIENCE_SECONDS)


@contextmanager
def fakes_beside(settings: FakesSettings | None = None) -> Iterator[FakesBeside]:
    """Run the fakes until the block ends; without settings, with pauses of a hundredth of the usual."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever, name="fakes", daemon=True)
        thread.start()
        running = fakes_running(settings or FakesSettings(pace=0.01))
        try:
            fakes = asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result(PATIENCE_SECONDS)
            try:
                yield FakesBeside(fakes, loop)
            finally:
                end = running.__aexit__(None, None, None)
                asyncio.run_coroutine_threadsafe(end, loop).result(PATIENCE_SECONDS)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(PATIENCE_SECONDS)
