"""Places for calls that hold something for long: few for each caller, and some for all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from creditd.ledger.work import Overloaded
from creditd.server.refusals import TooManyAtOnce


class CallPlaces:
    """Admits ``of_a_caller`` calls of each caller at once, and ``of_all`` together. Used on one event loop."""

    def __init__(self, what: str, of_a_caller: int, of_all: int) -> None:
        """Start with all places free; ``what`` is in the words of a refusal."""
        self._what = what
        self._of_a_caller = of_a_caller
        self._of_all = of_all
        self._callers: Counter[str] = Counter()

    @contextmanager
    def place(self, subject: str) -> Iterator[None]:
        """Take a place until the block ends. Raises TooManyAtOnce, before Overloaded, which the caller cannot mend."""
        if self._callers[subject] >= self._of_a_caller:
            raise TooManyAtOnce(what=self._what, maximum=self._of_a_caller)
        if self._callers.total() >= self._of_all:
            raise Overloaded
        self._callers[subject] += 1
        try:
            yield
        finally:
            self._callers[subject] -= 1
            if not self._callers[subject]:
                del self._callers[subject]
