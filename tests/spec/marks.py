"""The tests that are marked with a requirement, as pytest collects them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from typing import Final

import pytest

MARK: Final = "requirement"


class Marks:
    """A plugin that notes which tests are marked with which rows; a test with parameters is one test."""

    def __init__(self) -> None:
        """Begin with none."""
        self._tests: dict[str, set[str]] = defaultdict(set)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Read the marks of what was collected."""
        for item in session.items:
            for mark in item.iter_markers(MARK):
                for row in mark.args:
                    self._tests[row].add(item.nodeid.partition("[")[0])

    @property
    def tests(self) -> Mapping[str, Iterable[str]]:
        """The tests of each row, by their ids."""
        return self._tests


def marked_tests() -> Mapping[str, Iterable[str]]:
    """Collect all tests, the long ones too, run none, and return those of each row.

    Raises RuntimeError with what pytest says if they cannot be collected.
    """
    marks, said = Marks(), StringIO()
    with redirect_stdout(said):
        code = pytest.main(["--collect-only", "-qq", "-m", "", "-p", "no:cacheprovider"], plugins=[marks])
    if code != pytest.ExitCode.OK:
        raise RuntimeError(said.getvalue())
    return marks.tests
