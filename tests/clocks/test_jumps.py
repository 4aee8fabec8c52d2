"""The database's clock jumps: one wrong reading does nothing, and where it stays, every server follows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import source_pb2
from tests.clocks.jumping import JumpingDatabase
from tests.support.customer import Customer, state_of
from tests.support.databases import migrated_database
from tests.support.patience import eventually
from tests.support.service import RunningService, running_service

TEN_MINUTES = 600


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """Provide a database with the schema."""
    with migrated_database() as url:
        yield url


@pytest.fixture(scope="module")
def jumping(database_url: str) -> JumpingDatabase:
    """Provide that database's clock."""
    return JumpingDatabase(database_url)


@pytest.fixture
def service(tmp_path: Path, jumping: JumpingDatabase, database_url: str) -> Iterator[RunningService]:
    """Run a service that sweeps all the time; the database's clock is right before and after."""
    with running_service(tmp_path, database_url=database_url, sweep_interval_seconds=0.05) as service:
        yield service
    jumping.jump(0)


def await_doubts(service: RunningService, doubts: int) -> None:
    """Wait until the clock has doubted a reading, and then has taken another one."""
    eventually(lambda: service.core.clock.doubts == doubts)
    eventually(lambda: service.core.clock._doubted is None)


@pytest.mark.requirement("A2")
@pytest.mark.parametrize("seconds", [TEN_MINUTES, -TEN_MINUTES])
def test_one_wrong_reading_ends_nothing_and_brings_nothing_back(
    jumping: JumpingDatabase, customer: Customer, seconds: int
) -> None:
    customer.top_up(100)
    customer.top_up(7, source_pb2.SOURCE_PROMO, seconds=60)
    live, over = customer.hold(10, seconds=60), customer.hold(10, seconds=1)
    eventually(lambda: customer.kinds()[0] == "RELEASE")
    for doubts in (1, 2):
        jumping.jump(seconds, readings=1)
        if doubts == 2:
            customer.deduct(1)
        await_doubts(customer.service, doubts)
    assert customer.service.core.clock.jumps == 0
    assert customer.figures() == (96, 10)
    assert [state_of(customer.reservation(name)) for name in (live, over)] == ["PENDING", "EXPIRED"]


@pytest.mark.requirement("A2")
def test_a_jump_forth_is_followed_at_the_second_look(jumping: JumpingDatabase, customer: Customer) -> None:
    customer.top_up(100)
    over, live = customer.hold(10, seconds=300), customer.hold(20, seconds=1_800)
    jumping.jump(TEN_MINUTES)
    eventually(lambda: customer.kinds()[0] == "RELEASE")
    clock = customer.service.core.clock
    assert (clock.doubts, clock.jumps) == (1, 1)
    assert customer.figures() == (80, 20)
    assert [state_of(customer.reservation(name)) for name in (over, live)] == ["EXPIRED", "PENDING"]


def test_set_back_again_no_wallet_goes_back_in_time(jumping: JumpingDatabase, customer: Customer) -> None:
    customer.top_up(100)
    clock = customer.service.core.clock
    for jumps, seconds in enumerate((TEN_MINUTES, 0), 1):
        jumping.jump(seconds)
        eventually(lambda jumps=jumps: clock.jumps == jumps)
        customer.deduct(1)
        customer.confirm(customer.hold(1))
    times = [entry.create_time.ToNanoseconds() for entry in customer.entries()]
    assert times == sorted(times, reverse=True)
    assert customer.figures() == (96, 0)
    answers = list(customer.staff.admin.VerifyLedger(admin.VerifyLedgerRequest(account_id=customer.account_id)))
    assert len(answers) == 1
