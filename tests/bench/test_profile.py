"""The profile at its shortest: every step is measured, and the whole is told beside them."""

import pytest

from tests.bench.profile import LINES, Budget, measure, report
from tests.bench.steps import STEPS

_BATCHED_STEPS = ("decode", "command", "decide", "rows", "save", "keep", "answer", "encode")


@pytest.fixture(scope="module")
def budgets() -> list[Budget]:
    return measure(accounts=20, rounds=2, seconds=0.3)


def test_every_step_of_a_reserve_is_measured(budgets: list[Budget]) -> None:
    many, alone, batched = budgets
    assert set(many.steps) == set(alone.steps) == set(STEPS)
    assert set(batched.steps) == set(_BATCHED_STEPS)
    assert all(microseconds > 0 for budget in budgets for microseconds in budget.steps.values())
    assert all(budget.server > 0 and budget.postgres > 0 for budget in budgets)


def test_the_table_has_a_line_for_each_step_and_a_column_for_each_way(budgets: list[Budget]) -> None:
    lines = [line for line in report(budgets).splitlines() if line.startswith("|")]
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:]] == list(LINES)
    assert {line.count("|") for line in lines} == {len(budgets) + 3}
