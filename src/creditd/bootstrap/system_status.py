"""What the status of a process is read from, and from which values on to worry (docs/operations.md)."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from creditd.bootstrap.core import Core
from creditd.ledger.clock import DatabaseClock
from creditd.service.system_status import Gauge, SystemStatus
from creditd.service.threads import Threads
from creditd.storage.schema import schema_head
from creditd.telemetry.statistics import Occupancy

MOST_FIGURES: Final = 60
"""There are so many at most: each is of a part that is made here, none comes with data."""

QUEUE_DEPTH: Final = 2_000
"""Works that wait: a second or so of a server that is busy, and calls are about to be refused."""

SWEEP_SECONDS: Final = 10.0
"""A sweep comes by each second: what is overdue for longer is more than it gets through."""

CLOCK_SECONDS: Final = 5.0
"""Between the database's clock and this machine's: one of them is wrong."""

INBOX_SECONDS: Final = 60.0
"""A payment event is applied within a second; one that waits so long keeps a customer from what is paid for."""

ACCESS_SECONDS: Final = 5.0
"""Changes of roles are promised to be effective within so long."""

APART: Final = 100
"""Works on balances that others hold: more than a person's open transaction."""


NOTICED: Final = frozenset(
    {
        "payments_pending",
        "payments_oldest_pending_seconds",
        "payments_parked",
        "account_flags_open",
        "sweep_lag_seconds",
    }
)
"""What a customer on the phone notices, and SUPPORT is told: payments that have not come, and holds that do not end."""


def make_system_status(core: Core, threads: Threads, clock: DatabaseClock) -> SystemStatus:
    """Return what reads the status of a process."""
    head = schema_head()
    gauges = (*_ledger(core), *_payments(core), *_bulkheads(threads.occupancies))
    return SystemStatus(gauges, NOTICED, lambda: core.database.is_ready(head), clock, threads)


def _ledger(core: Core) -> Iterator[Gauge]:
    lanes = core.ledger.counted

    def summed(name: str) -> Callable[[], float]:
        return lambda: sum(getattr(lane, name) for lane in lanes)

    yield Gauge("ledger_queue_depth", lambda: core.ledger.waiting, QUEUE_DEPTH)
    yield Gauge("ledger_waiting_apart", lambda: core.ledger.waiting_apart, APART)
    for name in ("works", "batches", "conflicts", "retries", "replays", "refusals"):
        yield Gauge(f"ledger_{name}_total", summed(name))
    # Calls that were refused, and mean that rows were locked for seconds.
    yield Gauge("ledger_busy_total", summed("busy"), 1)
    pools = core.database, core.batches
    yield Gauge("pool_in_use", lambda: sum(pool.connections_in_use for pool in pools), core.config.database_pool_size)
    yield Gauge("sweep_lag_seconds", lambda: core.sweep.lag_seconds, SWEEP_SECONDS)
    yield Gauge("clock_offset_seconds", lambda: _distance(core.clock.offset_seconds), CLOCK_SECONDS)
    yield Gauge("clock_jumps_total", lambda: core.clock.jumps, 1)
    yield Gauge("database_login_powers", lambda: None if core.login is None else len(core.login.powers), 1)
    yield Gauge("access_age_seconds", lambda: core.access_age_seconds(), ACCESS_SECONDS)  # noqa: PLW0108 - set later.


def _distance(offset_seconds: float | None) -> float | None:
    return None if offset_seconds is None else abs(offset_seconds)


def _payments(core: Core) -> Iterator[Gauge]:
    statistics = core.payment_statistics
    yield Gauge("payments_pending", lambda: statistics.pending)
    yield Gauge("payments_oldest_pending_seconds", lambda: statistics.oldest_pending_seconds, INBOX_SECONDS)
    yield Gauge("payments_waiting", lambda: statistics.waiting)
    yield Gauge("payments_parked", lambda: statistics.parked, 1)
    yield Gauge("account_flags_open", lambda: sum(dict(statistics.open_flags).values()), 1)
    yield Gauge(
        "payments_background_failures_total",
        lambda: sum(sum(counts.values()) for counts in dict(statistics.failures).values()),
    )


def _bulkheads(occupancies: Mapping[str, Occupancy]) -> Iterator[Gauge]:
    for kind, occupancy in occupancies.items():
        # As many that wait as there are threads: whoever comes now waits for all of them.
        yield Gauge(f"bulkhead_waiting_{kind}", partial(getattr, occupancy, "waiting"), occupancy.threads)
        yield Gauge(f"bulkhead_refused_total_{kind}", partial(getattr, occupancy, "refused"))
