"""Each day is compared with a provider once, by one server, and again if that came to no end."""

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.provider import Provider
from creditd.storage.payments import reconciliations
from creditd.storage.payments.reconciliations import Day
from tests.support.till import Till

HOUR = 3_600 * SECOND
DAY = Day(Provider.STRIPE, live=False, day=Instant(0))


def begin(till: Till, day: Day, at: int) -> bool:
    with till.desk.database.transaction() as connection:
        return reconciliations.begin(connection, day, Instant(at), given_up=Instant(at - HOUR))


def last_start(till: Till, day: Day) -> Instant | None:
    with till.desk.database.autocommit() as connection:
        return reconciliations.last_start(connection, day.provider, live=day.live)


def test_a_day_is_begun_by_one_server_and_begun_again_if_it_did_not_end(till: Till) -> None:
    assert begin(till, DAY, at=2 * HOUR)
    assert not begin(till, DAY, at=2 * HOUR + 1)
    assert last_start(till, DAY) is None
    assert begin(till, DAY, at=4 * HOUR)


def test_a_day_that_is_done_is_done(till: Till) -> None:
    day = DAY._replace(provider=Provider.OMISE)
    assert begin(till, day, at=2 * HOUR)
    with till.desk.database.transaction() as connection:
        reconciliations.end(connection, day, Instant(3 * HOUR))
    assert last_start(till, day) == 2 * HOUR
    assert not begin(till, day, at=9 * HOUR)
    assert begin(till, day._replace(day=Instant(24 * HOUR)), at=25 * HOUR)


def test_modes_are_compared_apart(till: Till) -> None:
    day = DAY._replace(provider=Provider.LEMON_SQUEEZY)
    assert begin(till, day, at=HOUR)
    assert begin(till, day._replace(live=True), at=HOUR)
