"""What a planted fault is."""

from typing import NamedTuple


class Fault(NamedTuple):
    """A fault: what it breaks, where, and the tests that have to notice."""

    name: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]
