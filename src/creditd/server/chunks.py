"""Long work done in chunks: other calls have their turn between two of them."""

from collections.abc import AsyncIterator, Generator, Sequence
from types import coroutine
from typing import Final, TypeVar

Item = TypeVar("Item")

CHUNK_ITEMS: Final = 20
"""Requests of a batch read, or balances or results written, before others have their turn: some milliseconds."""


@coroutine
def _turn() -> Generator[None, None, None]:
    """Let whoever drives the coroutine have others go on first. It is what asyncio's own ``sleep(0)`` does."""
    yield


async def chunked(items: Sequence[Item], size: int = CHUNK_ITEMS) -> AsyncIterator[Sequence[Item]]:
    """Yield items in chunks of ``size``, and let others have their turn after each."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
        await _turn()
