"""Times are held against their bounds on a machine that runs at its pace, and shown on one that does not."""

from tests.faults.neighbours import JUDGED, REFERENCE_SECONDS, WORST_SECONDS, Figures, Pace

SLOW = {"Reserve": [0.01, 2 * WORST_SECONDS]}
FAILED = {"adapter": ["429"]}


def figures_at(slowness: float) -> Figures:
    return Figures(SLOW, FAILED, Pace(slowness * REFERENCE_SECONDS))


def test_what_waited_or_failed_is_told_of_a_machine_at_its_pace() -> None:
    figures = figures_at(JUDGED - 0.1)
    assert figures.too_slow() == {"Reserve": 2 * WORST_SECONDS}
    assert figures.failed() == FAILED


def test_nothing_is_judged_of_a_machine_that_is_slower_and_all_is_shown() -> None:
    figures = figures_at(JUDGED + 0.1)
    assert not figures.too_slow()
    assert not figures.failed()
    assert "too slow to judge times by" in figures.table("a trouble", "evidence")
