"""What fails in the background is told once, then counted, and told when it is over."""

import pytest

from creditd.telemetry import failures as module
from creditd.telemetry.failures import MAX_DEFECTS, Failures


def new_failures() -> Failures:
    """Return none yet, of rounds for which a ConnectionError is an outage."""
    return Failures("it", lambda error: isinstance(error, ConnectionError))


def caught(error: Exception) -> Exception:
    """Return an error as one has it that was raised here."""
    try:
        raise error
    except type(error) as raised:
        return raised


def caught_elsewhere(error: Exception) -> Exception:
    """Return an error as one has it that was raised in another place."""
    try:
        raise error
    except type(error) as raised:
        return raised


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged, each with its cause."""
    return [f"{r.getMessage()}|{r.exc_info[1] if r.exc_info else ''}" for r in caplog.records]


def test_each_failure_is_logged_once_also_those_of_one_kind(caplog: pytest.LogCaptureFixture) -> None:
    failures = new_failures()
    for _ in range(3):
        failures.note(caught(ValueError("one thing")))
        failures.note(caught(ValueError("another")))
    assert lines(caplog) == ["it failed: ValueError|one thing", "it failed: ValueError|another"]
    assert failures.counts == {"ValueError": 6}


def test_the_same_failure_about_something_else_is_the_same(caplog: pytest.LogCaptureFixture) -> None:
    failures = new_failures()
    for number in range(50):
        failures.note(caught(ValueError(f"no row {number}")))
    assert lines(caplog) == ["it failed: ValueError|no row 0"]


def test_one_raised_elsewhere_is_another(caplog: pytest.LogCaptureFixture) -> None:
    failures = new_failures()
    failures.note(caught(ValueError("x")))
    failures.note(caught_elsewhere(ValueError("x")))
    assert len(lines(caplog)) == 2


def test_what_another_try_may_help_has_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    failures = new_failures()
    failures.note(caught(ConnectionError()))
    assert lines(caplog) == ["it failed: ConnectionError|"]


def test_failures_that_never_repeat_fill_no_memory() -> None:
    failures = new_failures()
    for number in range(3 * MAX_DEFECTS):
        failures.note(caught(ValueError("x" * number)))
    assert len(failures._defects) <= MAX_DEFECTS
    assert failures.counts.total() == 3 * MAX_DEFECTS


def test_an_outage_is_a_line_at_first_then_one_a_minute_with_its_count_and_one_at_its_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)  # type: ignore[attr-defined]
    failures = new_failures()
    failures.over()
    for second in range(150):
        now = 1_000.0 + second
        failures.note(caught(ConnectionError("away")))
        failures.note(caught_elsewhere(ConnectionError(f"away since {second}")))
    failures.over()
    failures.over()
    assert [record.getMessage() for record in caplog.records] == [
        *["it failed: ConnectionError"] * 3,
        "it works again, after 149 s",
    ]
    assert [record.rounds for record in caplog.records[:3]] == [1, 120, 120]  # type: ignore[attr-defined]
    failures.note(caught(ConnectionError("again")))
    assert caplog.records[-1].getMessage() == "it failed: ConnectionError"
