"""The clock is the database's: it tells no other time, and follows no reading that a second one does not bear out."""

import time

import pytest

from creditd.domain.instant import SECOND, Instant
from creditd.ledger.clock import JUMP, SECOND_LOOK, DatabaseClock
from creditd.ledger.ids import Ids
from creditd.ledger.work import DatabaseUnavailable
from creditd.storage.database import Database, DatabaseSettings
from tests.support.desk import Desk
from tests.support.works import add

DAY = 86_400 * SECOND
FIVE_DAYS = Instant(5 * DAY)


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Stand in for the monotonic clock: what is in the list, in microseconds."""
    ticks = [1_000]
    monkeypatch.setattr(time, "monotonic_ns", lambda: ticks[0] * 1_000)
    return ticks


@pytest.fixture
def clock(monotonic: list[int]) -> DatabaseClock:
    """Provide a clock that has just read five days."""
    assert monotonic
    clock = DatabaseClock()
    for _ in range(2):
        clock.observe(FIVE_DAYS, 0)
    return clock


def test_before_it_has_read_the_database_s_it_tells_no_time() -> None:
    clock = DatabaseClock()
    assert not clock.is_read
    assert clock.offset_seconds is None
    with pytest.raises(DatabaseUnavailable):
        clock.now()


def test_the_first_reading_is_not_believed_by_itself(monotonic: list[int]) -> None:
    clock = DatabaseClock()
    for misread in (FIVE_DAYS, 4 * DAY, 9 * DAY):
        clock.observe(Instant(misread), 0)
        assert not clock.is_read
    clock.observe(Instant(9 * DAY + 40), 50)
    assert clock.now() == 9 * DAY + 40 - (monotonic[0] - 1_000)


def test_a_look_reads_it(url: str) -> None:
    clock, database = DatabaseClock(), Database(DatabaseSettings(url, pool_size=1))
    clock.look(database)
    assert abs(clock.now() - time.time() * SECOND) < 60 * SECOND
    assert abs(clock.offset_seconds or 99) < 60
    database.close()


def test_it_takes_over_the_database_s_time(clock: DatabaseClock, monotonic: list[int]) -> None:
    assert clock.now() == FIVE_DAYS
    monotonic[0] += 7
    assert clock.now() == FIVE_DAYS + 7


def test_an_answer_that_took_long_sets_it_neither_back_nor_forth(clock: DatabaseClock, monotonic: list[int]) -> None:
    """The database's time is that of some moment between question and answer."""
    monotonic[0] += 40_000
    clock.observe(Instant(FIVE_DAYS + 1_000), 39_000)
    assert clock.now() == FIVE_DAYS + 40_000
    clock.observe(Instant(FIVE_DAYS + 39_000), 39_000)
    assert clock.now() == FIVE_DAYS + 40_000


def test_a_small_contradiction_is_corrected_by_no_more_than_that(clock: DatabaseClock, monotonic: list[int]) -> None:
    clock.observe(Instant(FIVE_DAYS - JUMP), 500)
    assert clock.now() == FIVE_DAYS - JUMP + 500
    clock.observe(FIVE_DAYS, 500)
    assert clock.now() == FIVE_DAYS
    assert (clock.doubts, clock.jumps, monotonic) == (0, 0, [1_000])


@pytest.mark.parametrize("jump", [-600 * SECOND, 600 * SECOND, JUMP + 1, -JUMP - 1])
def test_a_jump_is_followed_when_a_later_look_finds_the_same(
    clock: DatabaseClock, monotonic: list[int], jump: int
) -> None:
    clock.observe(Instant(FIVE_DAYS + jump), 0)
    assert clock.now() == FIVE_DAYS
    monotonic[0] += SECOND_LOOK - 1
    clock.observe(Instant(FIVE_DAYS + jump + SECOND_LOOK - 1), 0)
    assert clock.now() == FIVE_DAYS + SECOND_LOOK - 1
    monotonic[0] += 1
    clock.observe(Instant(FIVE_DAYS + jump + SECOND_LOOK), 0)
    assert clock.now() == FIVE_DAYS + jump + SECOND_LOOK
    assert (clock.doubts, clock.jumps) == (1, 1)


def test_an_answer_on_its_way_since_the_first_look_is_no_second_one(clock: DatabaseClock, monotonic: list[int]) -> None:
    clock.observe(Instant(FIVE_DAYS + DAY), 0)
    monotonic[0] += 2 * SECOND_LOOK
    clock.observe(Instant(FIVE_DAYS + DAY + SECOND_LOOK), 2 * SECOND_LOOK - 1)
    assert clock.now() == FIVE_DAYS + 2 * SECOND_LOOK


def test_one_wrong_reading_changes_nothing(clock: DatabaseClock, monotonic: list[int]) -> None:
    for _ in range(3):
        clock.observe(Instant(clock.now() + DAY), 0)
        monotonic[0] += SECOND
        clock.observe(clock.now(), 0)
        monotonic[0] += SECOND
    assert clock.now() == FIVE_DAYS + 6 * SECOND
    assert (clock.doubts, clock.jumps) == (3, 0)


def test_readings_that_contradict_each_other_are_followed_nowhere(clock: DatabaseClock, monotonic: list[int]) -> None:
    for days in (1, -1, 2, 1, -1):
        clock.observe(Instant(FIVE_DAYS + days * DAY), 0)
        monotonic[0] += SECOND
    assert clock.now() == FIVE_DAYS + 5 * SECOND
    assert (clock.doubts, clock.jumps) == (5, 0)


def test_a_save_brings_the_database_s_time_along(desk: Desk, account: str) -> None:
    desk.clock._distance = (desk.clock._distance or 0) + JUMP
    desk.do(add(account, 1))
    assert abs(desk.clock.now() - time.time() * SECOND) < 60 * SECOND
    assert desk.clock.doubts == 0


def test_a_writer_that_does_not_know_the_time_decides_nothing(url: str, account: str) -> None:
    desk = Desk(url)
    desk.clock = desk.writer._clock = DatabaseClock()
    with pytest.raises(DatabaseUnavailable):
        desk.do(add(account, 1))
    desk.clock.look(desk.database)
    assert desk.do(add(account, 1)).entries[0].available_after == 1
    desk.database.close()


def test_ids_are_in_the_order_of_the_clock_and_never_go_back() -> None:
    now = [Instant(1_700_000_000_000_000)]
    make_id = Ids(lambda: now[0])
    made = [make_id()]
    for step in (1, 1, 0, 0, -600 * SECOND, 1, 600 * SECOND, -1):
        now[0] = Instant(now[0] + step)
        made.append(make_id())
    assert made == sorted(set(made))
    assert [uuid[14] for uuid in made] == ["7"] * len(made)
    assert int(made[0].replace("-", "")[:12], 16) == 1_700_000_000_000


def test_ids_of_two_servers_are_in_the_order_of_their_clocks() -> None:
    one, other = Ids(lambda: Instant(1_700_000_000_000_001)), Ids(lambda: Instant(1_700_000_000_000_000))
    assert other() < one()
