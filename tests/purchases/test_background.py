"""What fails in the background is logged once for each failure and counted always, and goes on."""

import asyncio
import logging

import pytest

from creditd.ledger.work import DatabaseUnavailable
from creditd.service.purchases.background import MAX_FAILURES, Background, Failures


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
    failures = Failures("it")
    for _ in range(3):
        failures.note(caught(ValueError("one thing")))
        failures.note(caught(ValueError("another")))
    assert lines(caplog) == ["it failed: ValueError|one thing", "it failed: ValueError|another"]
    assert failures.counts == {"ValueError": 6}


def test_the_same_failure_about_something_else_is_the_same(caplog: pytest.LogCaptureFixture) -> None:
    failures = Failures("it")
    for number in range(50):
        failures.note(caught(ValueError(f"no row {number}")))
    assert lines(caplog) == ["it failed: ValueError|no row 0"]


def test_one_raised_elsewhere_is_another(caplog: pytest.LogCaptureFixture) -> None:
    failures = Failures("it")
    failures.note(caught(ValueError("x")))
    failures.note(caught_elsewhere(ValueError("x")))
    assert len(lines(caplog)) == 2


def test_what_another_try_may_help_has_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    failures = Failures("it")
    failures.note(caught(DatabaseUnavailable()))
    assert lines(caplog) == ["it failed: DatabaseUnavailable|"]


def test_failures_that_never_repeat_fill_no_memory() -> None:
    failures = Failures("it")
    for number in range(3 * MAX_FAILURES):
        failures.note(caught(ValueError("x" * number)))
    assert len(failures._known) <= MAX_FAILURES
    assert failures.counts.total() == 3 * MAX_FAILURES


def test_the_rounds_go_on_after_any_failure(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    rounds: list[int] = []

    async def work() -> None:
        rounds.append(len(rounds))
        raise [ValueError("one"), KeyError("two"), OSError("three")][len(rounds) % 3]

    async def main() -> None:
        background = Background(work, 0.001, "it")
        background.start()
        async with asyncio.timeout(20):
            while len(rounds) < 10:  # noqa: ASYNC110 - counted by what runs beside this.
                await asyncio.sleep(0.001)
        await background.close()
        assert background.failures.counts.total() == len(rounds)

    asyncio.run(main())
    assert len(caplog.records) == 3
