"""The register and the marks are held against each other."""

import pytest

from tests.spec.index import mistakes, summary, table
from tests.spec.register import REGISTER, Requirement, State, parse

ROWS = [
    Requirement("A1", "Done", State.DELIVERED),
    Requirement("A2", "Half done", State.PARTLY, "the rest"),
    Requirement("A3", "To do", State.OPEN),
]
TESTS = {"A1": {"tests/x/test_a.py::test_one", "tests/x/test_a.py::test_two"}, "A2": {"tests/test_b.py::test_three"}}


def test_where_both_fit_nothing_is_said() -> None:
    assert mistakes(ROWS, TESTS) == []


@pytest.mark.parametrize("row", ["A1", "A2"])
def test_a_row_that_is_said_to_be_delivered_and_has_no_test_is_a_mistake(row: str) -> None:
    (mistake,) = mistakes(ROWS, {other: tests for other, tests in TESTS.items() if other != row})
    assert mistake.startswith(f"{row} is ")
    assert mistake.endswith("no test is marked with it")


def test_a_mark_with_a_row_that_there_is_not_is_a_mistake() -> None:
    assert mistakes(ROWS, TESTS | {"A9": {"tests/test_b.py::test_x"}}) == [
        "tests/test_b.py::test_x is marked with A9, which is no row of the register"
    ]


def test_a_test_of_a_row_that_is_said_to_be_open_is_a_mistake() -> None:
    assert mistakes(ROWS, TESTS | {"A3": TESTS["A1"]}) == [
        "tests/x/test_a.py::test_one and 1 more are marked with A3, which the register calls open"
    ]


def test_each_row_is_shown_with_its_tests_by_file() -> None:
    assert list(table(ROWS, TESTS)) == [
        "A1   Done (2 tests)",
        "     x/test_a.py 2",
        "A2   Half done (1 test)",
        "     partly; missing: the rest",
        "     test_b.py 1",
        "open: A3",
    ]
    assert summary(ROWS, TESTS) == "spec: 3 rows: 1 delivered, 1 partly, 1 open; 3 tests"


@pytest.mark.parametrize(
    "entry",
    [
        'title = "x"',
        'title = "x"\nstate = "done"',
        'title = "x"\nstate = "partly"',
        'title = "x"\nstate = "open"\nmissing = "all of it"',
        'title = "x"\nstate = "open"\nowner = "me"',
    ],
)
def test_an_entry_that_says_too_much_or_too_little_is_refused(entry: str) -> None:
    with pytest.raises((TypeError, ValueError)):
        parse(f"[A1]\n{entry}\n")


def test_the_register_can_be_read() -> None:
    rows = [requirement.row for requirement in parse(REGISTER.read_text(encoding="utf-8"))]
    assert rows == sorted(rows, key=lambda row: (row[0], int(row[1:])))
