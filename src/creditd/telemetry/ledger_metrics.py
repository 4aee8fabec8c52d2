"""The ledger's metrics, read from its own counts whenever Prometheus asks."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from creditd.telemetry.metrics import cumulative
from creditd.telemetry.statistics import LedgerStatistics

BATCH_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)

_COUNTERS: Final = (
    ("batches", "Batches that were written."),
    ("works", "Works that were taken from the queue."),
    ("conflicts", "Batches that met a balance which others had changed."),
    ("retries", "Batches that were decided again after a conflict."),
    ("copies", "Balances that were first decided on from memory."),
    ("stale_copies", "Of these, the ones that others had changed meanwhile."),
    ("shared", "Works on balances that were locked and loaded first, since other servers write them too."),
    ("replays", "Works that were answered with what an earlier call with the same request id had done."),
    ("refusals", "Works that were refused."),
    ("doubted", "Works refused on a copy in memory, and decided again on what is stored."),
    ("dropped", "Works that were dropped because their callers' deadlines had passed."),
    ("locked", "Works that left their batch, because others held a row that they need."),
    ("heavy", "Works that were done apart, because their wallets are heavy."),
    ("busy", "Works that were refused, because others had held their rows for too long."),
    ("save_seconds", "Time spent in writing."),
    ("apart_seconds", "Time that works spent apart until they had their results."),
)


class ClockState(NamedTuple):
    """How the database's clock stands to this machine's wall clock, in seconds; None before it was read."""

    offset_seconds: float | None
    doubts: int
    jumps: int


class LedgerGauges(NamedTuple):
    """Where to read what changes from moment to moment; called on the thread that serves the metrics."""

    queue_depth: Callable[[], float]
    waiting_apart: Callable[[], float]
    pool_in_use: Callable[[], float]
    pool_size: Callable[[], float]
    sweep_lag_seconds: Callable[[], float]
    sweep_failures: Callable[[], Mapping[str, int]]
    clock: Callable[[], ClockState]


class LedgerMetrics(Collector):
    """What the ledger counts: batches and their sizes, conflicts, retries, replays, refusals, queue, pool, sweep."""

    def __init__(self, lanes: Sequence[LedgerStatistics], gauges: LedgerGauges) -> None:
        """Read these, at each scrape: what each lane of the ledger counts."""
        self._lanes = lanes
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """Return the counts as Prometheus wants them."""
        for name, explanation in _COUNTERS:
            value = sum(getattr(lane, name) for lane in self._lanes)
            yield CounterMetricFamily(f"creditd_ledger_{name}", explanation, value=value)
        # The ledger's threads go on counting: a plain dict is copied in one step.
        sizes: Counter[int] = sum((Counter(dict(lane.batch_sizes)) for lane in self._lanes), start=Counter())
        yield _batch_sizes(sizes)
        gauges = self._gauges
        yield GaugeMetricFamily(
            "creditd_ledger_queue_depth", "Works that wait for a batch.", value=gauges.queue_depth()
        )
        yield GaugeMetricFamily(
            "creditd_ledger_waiting_apart",
            "Works that wait for a balance which others hold, or which is heavy.",
            value=gauges.waiting_apart(),
        )
        yield GaugeMetricFamily("creditd_pool_in_use", "Database connections in use.", value=gauges.pool_in_use())
        yield GaugeMetricFamily(
            "creditd_pool_size", "Database connections that there may be at once.", value=gauges.pool_size()
        )
        yield GaugeMetricFamily(
            "creditd_sweep_lag_seconds",
            "How long the oldest expired reservation has waited to be swept.",
            value=gauges.sweep_lag_seconds(),
        )
        failures = CounterMetricFamily(
            "creditd_sweep_failures", "Rounds of the sweep that failed, by kind of error.", labels=("error",)
        )
        for error, count in dict(gauges.sweep_failures()).items():
            failures.add_metric((error,), count)
        yield failures
        yield from _clock_metrics(gauges.clock())


def _clock_metrics(clock: ClockState) -> Iterator[Metric]:
    # Without a value until the clock was read.
    yield GaugeMetricFamily(
        "creditd_clock_offset_seconds",
        "How far the database's clock, which decides, is ahead of this server's wall clock, which does not.",
        value=clock.offset_seconds,
    )
    yield CounterMetricFamily(
        "creditd_clock_doubts", "Readings of the database's clock that were looked at again.", value=clock.doubts
    )
    yield CounterMetricFamily(
        "creditd_clock_jumps", "Jumps of the database's clock that were followed.", value=clock.jumps
    )


def _batch_sizes(sizes: Mapping[int, int]) -> HistogramMetricFamily:
    counts = [0] * (len(BATCH_BUCKETS) + 1)
    for size, count in sizes.items():
        counts[bisect_left(BATCH_BUCKETS, size)] += count
    total = sum(size * count for size, count in sizes.items())
    return HistogramMetricFamily(
        "creditd_ledger_batch_size",
        "Works in a batch.",
        buckets=cumulative(BATCH_BUCKETS, counts),
        sum_value=total,
    )
