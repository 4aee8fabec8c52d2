"""Counts of rejected webhooks outlast an outage of the database, and are never lost in silence."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from creditd.domain.instant import Instant
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.rejected_webhooks import RejectionReason
from creditd.ledger.work import DatabaseUnavailable
from creditd.payments.provider import InvalidWebhook
from creditd.service.payments import rejections
from creditd.service.payments.rejections import Rejections
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.payments import rejected_webhooks
from creditd.telemetry.statistics import PaymentStatistics
from tests.support.databases import clock_of, migrated_database

FORGED = InvalidWebhook(RejectionReason.BAD_SIGNATURE, "forged")


@pytest.fixture
def database() -> Iterator[Database]:
    """Provide a database without any counts."""
    with migrated_database() as url:
        database = Database(DatabaseSettings(url, pool_size=2))
        yield database
        database.close()


class Threads:
    """Runs what blocks; while it ``is_away`` the database is out of reach, and while not ``is_open`` nothing ends."""

    def __init__(self) -> None:
        """Begin with everything there."""
        self.is_away = False
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.begun = 0

    async def __call__(self, function: Callable[[], Any], /, *, owner: str = "") -> Any:
        """Run it."""
        del owner
        self.begun += 1
        await self.is_open.wait()
        if self.is_away:
            raise DatabaseUnavailable
        return function()


def run(database: Database, test: Callable[[Rejections, Threads], Awaitable[None]]) -> int:
    """Run a test, and return how many rejections are written after it."""

    async def main() -> None:
        threads = Threads()
        await test(Rejections(database, clock_of(database), threads, PaymentStatistics()), threads)

    asyncio.run(main())
    with database.autocommit() as connection:
        return sum(row.rejections for row in rejected_webhooks.page(connection, Instant(0), None, 1_000))


async def tried(counting: Rejections) -> None:
    """Try to write."""
    with pytest.raises(DatabaseUnavailable):
        await counting._write_once()


def forge(counting: Rejections, times: int) -> None:
    """Reject so many."""
    for _ in range(times):
        counting.count(Provider.STRIPE, FORGED, "192.0.2.1")


def test_what_could_not_be_written_is_written_later(database: Database) -> None:
    async def test(counting: Rejections, threads: Threads) -> None:
        threads.is_away = True
        for _ in range(5):
            forge(counting, 2)
            await tried(counting)
        threads.is_away = False
        await counting._write_once()
        await counting._write_once()

    assert run(database, test) == 10


def test_what_comes_while_a_write_fails_is_added(database: Database) -> None:
    async def test(counting: Rejections, threads: Threads) -> None:
        threads.is_away = True
        threads.is_open.clear()
        forge(counting, 3)
        writing = asyncio.create_task(tried(counting))
        await asyncio.sleep(0)
        forge(counting, 4)
        threads.is_open.set()
        await writing
        threads.is_away = False
        await counting.flush()

    assert run(database, test) == 7


def test_a_write_that_was_under_way_at_the_end_is_awaited_and_counted_once(database: Database) -> None:
    async def test(counting: Rejections, threads: Threads) -> None:
        threads.is_open.clear()
        forge(counting, 3)
        counting.background.start()
        while not threads.begun:  # noqa: ASYNC110 - it is one turn of the event loop.
            await asyncio.sleep(0)
        await counting.background.close()
        threads.is_open.set()
        await counting.flush()

    assert run(database, test) == 3


def test_what_cannot_be_written_at_the_end_is_told(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    async def test(counting: Rejections, threads: Threads) -> None:
        threads.is_away = True
        forge(counting, 5)
        await counting.flush()

    assert run(database, test) == 0
    (told,) = [vars(record) for record in caplog.records if record.getMessage().endswith("could not be written")]
    assert (told["provider"], told["reason"], told["rejections"]) == ("stripe", FORGED.reason, 5)


def test_memory_is_bounded_and_what_goes_is_told(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejections, "MAX_UNWRITTEN", 3)

    async def test(counting: Rejections, threads: Threads) -> None:
        threads.is_away = True
        for _ in range(5):
            forge(counting, 2)
            counting._clock.advance(3_600)
        await tried(counting)
        threads.is_away = False
        await counting.flush()

    assert run(database, test) == 6
    told = [vars(record)["rejections"] for record in caplog.records if record.getMessage().endswith("too many to keep")]
    assert told == [2, 2]


def test_a_flood_is_a_line_and_then_a_count(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def flood(rejections_: Rejections, threads: Threads) -> None:
        del threads
        for _ in range(1_000):
            rejections_.count(Provider.OMISE, FORGED, "192.0.2.1")
        monkeypatch.setattr(rejections, "LINE_SECONDS", 0.0)
        rejections_._next_line.clear()
        rejections_.count(Provider.OMISE, FORGED, "192.0.2.1")
        await rejections_.flush()

    assert run(database, flood) == 1_001
    lines = [vars(record)["rejections"] for record in caplog.records if "was rejected" in record.getMessage()]
    assert sum(lines) == 1_001
    # The first, the one that the test waits for, and one for each second that a slow machine takes.
    assert len(lines) < 100
