"""The clock is the database's, and a save that takes its time does not set it back."""

import time

import pytest

from creditd.domain.instant import SECOND, Instant
from creditd.ledger.clock import DatabaseClock
from tests.ledger.desk import Desk
from tests.ledger.works import add

DAY = 86_400 * SECOND


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Stand in for the monotonic clock: what is in the list, in microseconds."""
    ticks = [1_000]
    monkeypatch.setattr(time, "monotonic_ns", lambda: ticks[0] * 1_000)
    return ticks


def test_it_takes_over_the_database_s_time(monotonic: list[int]) -> None:
    clock = DatabaseClock()
    clock.observe(Instant(5 * DAY), 0)
    assert clock.now() == 5 * DAY
    monotonic[0] += 7
    assert clock.now() == 5 * DAY + 7


def test_an_answer_that_took_long_sets_it_neither_back_nor_forth(monotonic: list[int]) -> None:
    """The database's time is that of some moment between question and answer."""
    clock = DatabaseClock()
    clock.observe(Instant(5 * DAY), 0)
    monotonic[0] += 40_000
    clock.observe(Instant(5 * DAY + 1_000), 39_000)
    assert clock.now() == 5 * DAY + 40_000
    clock.observe(Instant(5 * DAY + 39_000), 39_000)
    assert clock.now() == 5 * DAY + 40_000


def test_what_contradicts_the_database_is_corrected_by_no_more_than_that(monotonic: list[int]) -> None:
    clock = DatabaseClock()
    clock.observe(Instant(5 * DAY), 0)
    clock.observe(Instant(4 * DAY), 500)
    assert clock.now() == 4 * DAY + 500
    clock.observe(Instant(6 * DAY), 500)
    assert clock.now() == 6 * DAY
    assert monotonic == [1_000]


def test_a_skewed_server_has_the_database_s_time_after_its_first_save(desk: Desk, account: str) -> None:
    desk.clock._offset += DAY
    desk.do(add(account, 1))
    assert abs(desk.clock.now() - time.time() * SECOND) < 60 * SECOND
