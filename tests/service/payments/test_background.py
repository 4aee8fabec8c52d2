"""What fails in the background is logged once for each failure and counted always, and goes on."""

import asyncio
import logging

import pytest

from creditd.service.payments.background import Background


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
