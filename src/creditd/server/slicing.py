"""Long work on the event loop, done in slices: other calls have their turn between two of them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeVar

Item = TypeVar("Item")

SLICE_ITEMS: Final = 20
"""Requests of a batch read, or balances or results written, before others have their turn: some milliseconds."""


async def sliced(items: Sequence[Item], size: int = SLICE_ITEMS) -> AsyncIterator[Sequence[Item]]:
    """Yield items in slices of ``size``, and let the event loop turn after each."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
        await asyncio.sleep(0)
