"""Long work done in chunks: other calls have their turn between two of them."""

from collections.abc import AsyncIterator, Generator, Sequence
from types import coroutine
from typing import Final, TypeVar

Item = TypeVar("Item")

CHUNK_ITEMS: Final = 20
"""Requests of a batch read, or balances or results written, before others have their turn: some milliseconds."""

SMALL_ITEMS: Final = 1_000
"""Slices and grants, which a balance or a result has many of: a millisecond or two of writing."""


def items_at_a_time(small_items: int) -> int:
    """Return how many items, each with so many small ones at most, are written before others have their turn."""
    return max(1, min(CHUNK_ITEMS, SMALL_ITEMS // max(1, small_items)))


@coroutine
def _turn() -> Generator[None, None, None]:
    """Let whoever drives the coroutine have others go on first. It is what asyncio's own ``sleep(0)`` does."""
    yield


async def chunked(items: Sequence[Item], size: int = CHUNK_ITEMS) -> AsyncIterator[Sequence[Item]]:
    """Yield items in chunks of ``size``, and let others have their turn between two of them."""
    for first in range(0, len(items), size):
        if first:
            await _turn()
        yield items[first : first + size]
