"""What a planted fault is."""

from typing import NamedTuple


class Fault(NamedTuple):
    """A fault: what it breaks, where, the files of tests that have to notice, and the test among them that does.

    ``file`` is a path from src/creditd; of the client it begins with ``../credit_client/``.
    Without a ``witness`` all tests of the files are run, which takes longer and says less.
    """

    name: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]
    witness: str = ""

    @property
    def selection(self) -> tuple[str, ...]:
        """What pytest is to run."""
        return tuple(f"{file}::{self.witness}" for file in self.tests) if self.witness else self.tests
