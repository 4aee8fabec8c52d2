"""Places for connections and bodies that wait; when there are no more, the longest waiting loses its own.

What a provider sends comes at once. Whoever keeps us waiting, by mistake or on purpose, waits longest, and so gives way
to those who come after: however many such there are, they keep nobody out.
"""

from collections.abc import Callable, Hashable
from typing import Final


class Places:
    """A number of places, of which each owner may have so many. Used on one event loop."""

    def __init__(self, places: int, places_each: int) -> None:
        """Have so many places in all, and for each owner."""
        self._places: Final = places
        self._places_each: Final = places_each
        # By who has one: the owner, and what takes it away. In the order in which they came to wait.
        self._waiting: dict[Hashable, tuple[Hashable, Callable[[], None]]] = {}
        self._by_owner: dict[Hashable, dict[Hashable, None]] = {}

    def __len__(self) -> int:
        """Return how many places are taken."""
        return len(self._waiting)

    def take(self, who: Hashable, owner: Hashable, lose: Callable[[], None]) -> None:
        """Take a place for an owner, the last in the order; ``lose`` is called if somebody else gets it later.

        It may call ``leave``. Where the owner has no more places, or there are no more, the longest waiting loses its
        own first.
        """
        own = self._by_owner.get(owner)
        if own and len(own) >= self._places_each:
            self._lose(next(iter(own)))
        elif len(self._waiting) >= self._places:
            self._lose(next(iter(self._waiting)))
        self._waiting[who] = owner, lose
        self._by_owner.setdefault(owner, {})[who] = None

    def leave(self, who: Hashable) -> None:
        """Give a place back; nothing happens if it was lost or given back before."""
        owner, _ = self._waiting.pop(who, (None, None))
        own = self._by_owner.get(owner)
        if own is not None:
            own.pop(who, None)
            if not own:
                del self._by_owner[owner]

    def _lose(self, who: Hashable) -> None:
        _, lose = self._waiting[who]
        self.leave(who)
        lose()
