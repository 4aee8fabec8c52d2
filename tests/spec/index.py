"""The index of requirements and their tests: a table, and what does not fit."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from tests.spec.register import Requirement, State

Tests = Mapping[str, Iterable[str]]
"""The tests of each row, by their ids."""

WIDTH: Final = 120

_INDENT: Final = " " * 5

_UNBROKEN: Final = "\N{NO-BREAK SPACE}"
"""A space at which no line ends, in the text to be wrapped."""


def mistakes(register: Sequence[Requirement], tests: Tests) -> list[str]:
    """Return what does not fit: a row said to be delivered that no test shows, or a test of a row that is not."""
    states = {requirement.row: requirement.state for requirement in register}
    found = [
        f"{row} is {state}, and no test is marked with it"
        for row, state in states.items()
        if state is not State.OPEN and not tests.get(row)
    ]
    found += [
        f"{_some(tests[row])} marked with {row}, which is no row of the register"
        for row in sorted(tests.keys() - states.keys())
    ]
    found += [
        f"{_some(tests[row])} marked with {row}, which the register calls open"
        for row, state in states.items()
        if state is State.OPEN and tests.get(row)
    ]
    return found


def table(register: Sequence[Requirement], tests: Tests) -> Iterator[str]:
    """Give the lines of the table: each row that is delivered with its tests by file, and those that are open."""
    for requirement in register:
        if requirement.state is State.OPEN:
            continue
        ids = list(tests.get(requirement.row, ()))
        yield f"{requirement.row:4} {requirement.title} ({_count(len(ids))})"
        if requirement.missing:
            yield from _wrapped(f"partly; missing: {requirement.missing}")
        files = Counter(test.partition("::")[0].removeprefix("tests/") for test in ids)
        yield from _wrapped(", ".join(f"{file}{_UNBROKEN}{count}" for file, count in sorted(files.items())))
    yield from _wrapped("open: " + " ".join(r.row for r in register if r.state is State.OPEN), indent="")


def summary(register: Sequence[Requirement], tests: Tests) -> str:
    """Count in a line."""
    states = Counter(requirement.state for requirement in register)
    by_state = ", ".join(f"{states[state]} {state}" for state in State)
    return f"spec: {len(register)} rows: {by_state}; {_count(len({test for ids in tests.values() for test in ids}))}"


def _some(ids: Iterable[str]) -> str:
    first, *rest = sorted(ids)
    return f"{first} and {len(rest)} more are" if rest else f"{first} is"


def _count(tests: int) -> str:
    return "1 test" if tests == 1 else f"{tests} tests"


def _wrapped(text: str, indent: str = _INDENT) -> list[str]:
    lines = textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=_INDENT, break_on_hyphens=False)
    return [line.replace(_UNBROKEN, " ") for line in lines]
