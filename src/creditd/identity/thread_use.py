"""How identity has blocking work done, without knowing whose threads do it."""

from collections.abc import Callable
from typing import Protocol, TypeVar

Answer = TypeVar("Answer")


class RunsBlocking(Protocol):
    """Runs what blocks on a bounded number of threads, for coroutines on the event loop."""

    async def __call__(self, function: Callable[[], Answer], *, owner: str = "") -> Answer:
        """Run a function and return what it returns; ``owner`` is for whom, so that nobody takes all threads."""
        ...
