"""What the service counts of itself: plain numbers that its parts add to, read whenever metrics are asked for."""

from collections import Counter
from dataclasses import dataclass, field
from math import nan

Counts = Counter[tuple[str, str]]
"""By provider, in small letters, and by what came of it."""


@dataclass(slots=True)
class LedgerStatistics:
    """Counts since the process started."""

    batches: int = 0
    works: int = 0
    conflicts: int = 0
    retries: int = 0
    copies: int = 0
    stale_copies: int = 0
    shared: int = 0
    replays: int = 0
    refusals: int = 0
    doubted: int = 0
    dropped: int = 0
    locked: int = 0
    heavy: int = 0
    busy: int = 0
    apart_seconds: float = 0.0
    batch_sizes: Counter[int] = field(default_factory=Counter)
    save_seconds: float = 0.0


@dataclass(slots=True)
class PaymentStatistics:
    """Counts since the process began, and the inbox as it was last seen; times are in seconds.

    ``failures`` are those of the work in the background: by its name, then by kind of error. ``open_flags`` are those
    of all accounts, by kind and action.
    """

    ingested: Counts = field(default_factory=Counter)
    rejected: Counts = field(default_factory=Counter)
    applied: Counts = field(default_factory=Counter)
    finds: Counts = field(default_factory=Counter)
    hints_dropped: Counts = field(default_factory=Counter)
    failures: dict[str, Counter[str]] = field(default_factory=dict)
    pending: int = 0
    waiting: int = 0
    oldest_pending_seconds: float = 0.0
    parked: int = 0
    open_flags: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(slots=True)
class EventStatistics:
    """Events published since the process began, and how long the oldest that is not has waited, as last seen.

    ``attempts`` to deliver are counted by what came of them; ``delivery_lags`` are how long the oldest event has waited
    for its delivery, in seconds, by the id of each endpoint that is not paused. ``failures`` are those of the work in
    the background: by its name, then by kind of error.
    """

    published: int = 0
    lag_seconds: float = 0.0
    attempts: Counter[str] = field(default_factory=Counter)
    delivery_lags: dict[str, float] = field(default_factory=dict)
    failures: dict[str, Counter[str]] = field(default_factory=dict)


@dataclass(slots=True)
class BackupStatistics:
    """When a backup and a drill last succeeded, in seconds since the epoch: 0 for never, not a number until known.

    ``failures`` are those of this process since it began.
    """

    last_backup: float = nan
    last_drill: float = nan
    failures: int = 0


@dataclass(slots=True)
class ExecutorStatistics:
    """Calls to one executor since the process began, by what is called and what came of it.

    ``retries`` are tries after the first of a call, ``running`` the executions under way. ``breaker_state`` is 0 while
    all calls are made, 1 while one is tried, 2 while none is.
    """

    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    retries: int = 0
    running: int = 0
    breaker_state: int = 0


@dataclass(slots=True)
class RunStatistics:
    """Runs that this process ended, by outcome, and those of all of the database as they were last seen.

    ``overtaken`` are verdicts that came too late; ``failures`` are those of the work in the background: by its name,
    then by kind of error. What is not known yet is not a number.
    """

    ended: Counter[str] = field(default_factory=Counter)
    overtaken: int = 0
    open_runs: float = nan
    oldest_due_seconds: float = nan
    failures: dict[str, Counter[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Occupancy:
    """What one kind of waiting has to do, and the jobs refused and abandoned since the process began.

    ``oldest_since`` is since when the first of those that wait does so, on time.monotonic's clock; None if none does.
    """

    threads: int
    running: int = 0
    waiting: int = 0
    refused: int = 0
    abandoned: int = 0
    oldest_since: float | None = None


@dataclass(slots=True)
class ExchangeStatistics:
    """Exchanges of counts with other processes since this one began, and the failures, by kind of error.

    ``callers`` were exchanged in all, ``waiting`` have their turn next. ``exchanged_at`` is when the last exchange
    succeeded, on time.monotonic's clock; None before.
    """

    exchanges: int = 0
    callers: int = 0
    waiting: int = 0
    exchanged_at: float | None = None
    failures: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class KeyStatistics:
    """The keys of an outside issuer, and the failed fetches since the process began, by kind of error.

    ``fetched_at`` is when they were last fetched, on time.monotonic's clock; None before.
    """

    keys: int = 0
    fetched_at: float | None = None
    failures: Counter[str] = field(default_factory=Counter)
