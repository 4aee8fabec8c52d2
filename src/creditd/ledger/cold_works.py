"""Works that memory does not suffice for, in the order in which they are to be done."""

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from creditd.ledger.work import Work


class ColdBatch(NamedTuple):
    """Cold works that are done together; those ``refused`` were refused on copies, which may be stale."""

    works: list[Work]
    refused: set[Work]


class ColdWorks:
    """What waits for the database thread as a whole. Used by the thread that ticks."""

    def __init__(self) -> None:
        """Start empty."""
        self._works: dict[Work, None] = {}
        self._refused: set[Work] = set()
        self.accounts: set[str] = set()

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._works)

    def add(self, works: Iterable[Work]) -> None:
        """Take works in, behind those that wait."""
        for work in works:
            self._works[work] = None
            self.accounts.add(work.account_id)

    def add_refused(self, work: Work) -> None:
        """Take in a work that was refused on copies, behind those that wait."""
        self.add((work,))
        self._refused.add(work)

    def put_back(self, works: Iterable[Work]) -> None:
        """Put works that were decided once before those of their accounts that came after them."""
        before = dict.fromkeys(works)
        self._works = {**before, **self._works}
        self.accounts.update([work.account_id for work in before])

    def take(self, most: int) -> ColdBatch:
        """Take out up to so many, the first ones."""
        works = list(islice(self._works, most))
        for work in works:
            del self._works[work]
        self.accounts = {work.account_id for work in self._works}
        refused = self._refused.intersection(works)
        self._refused -= refused
        return ColdBatch(works, refused)

    def clear(self) -> None:
        """Forget all of them."""
        self._works.clear()
        self._refused.clear()
        self.accounts.clear()
