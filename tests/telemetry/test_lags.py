"""What keeps the event loop, or the interpreter, shows as a lag; and who measures it leaves nothing behind."""

import asyncio
import time
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from creditd.telemetry.lags import LAG_BUCKETS, LOOK_SECONDS, Lag, LagMetrics, LoopProbe, ThreadProbe
from tests.support.patience import eventually, patience

KEPT_SECONDS = 3 * LOOK_SECONDS


def looks(lag: Lag) -> int:
    return sum(lag.counts)


def latest(lag: Lag, seconds: float) -> int:
    """Return how many looks were later than so many seconds, a bound of the buckets."""
    return sum(lag.counts[LAG_BUCKETS.index(seconds) + 1 :])


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(patience(20)):
        while not is_so():  # noqa: ASYNC110 - the probe tells nobody when it looks.
            await asyncio.sleep(LOOK_SECONDS / 5)


@pytest.mark.requirement("I4")
def test_a_loop_that_is_kept_shows_as_a_lag() -> None:
    async def keep() -> None:
        lag = Lag()
        probe = LoopProbe(lag)
        await until(lambda: looks(lag) > 0)
        before = lag.seconds
        time.sleep(KEPT_SECONDS)  # noqa: ASYNC251 - it is the fault.
        seen = looks(lag)
        await until(lambda: looks(lag) > seen)
        probe.close()
        assert lag.seconds - before > LOOK_SECONDS
        assert latest(lag, 0.25) >= 1

    asyncio.run(keep())


def test_a_probe_of_a_loop_that_is_closed_looks_no_more() -> None:
    async def look() -> None:
        lag = Lag()
        LoopProbe(lag).close()
        await asyncio.sleep(LOOK_SECONDS * 2)
        assert looks(lag) == 0

    asyncio.run(look())


@pytest.mark.requirement("I4")
def test_a_thread_looks_until_it_is_closed() -> None:
    lag = Lag()
    probe = ThreadProbe(lag)
    eventually(lambda: looks(lag) >= 2, patience(20))
    probe.close()
    seen = looks(lag)
    time.sleep(LOOK_SECONDS * 2)
    assert looks(lag) == seen


def test_the_lags_are_histograms() -> None:
    registry, loop, threads = CollectorRegistry(), Lag(), Lag()
    registry.register(LagMetrics(loop, threads))
    for seconds in (-0.001, 0.0005, 0.2, 60.0):
        loop.note(seconds)

    def within(bound: str, name: str = "event_loop") -> float | None:
        return registry.get_sample_value(f"creditd_{name}_lag_seconds_bucket", {"le": bound})

    assert [within(bound) for bound in ("0.001", "0.1", "0.25", "5.0", "+Inf")] == [2, 2, 3, 3, 4]
    assert registry.get_sample_value("creditd_event_loop_lag_seconds_sum") == pytest.approx(60.2005)
    assert within("+Inf", "thread") == 0
