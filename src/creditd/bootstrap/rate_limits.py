"""The rate limits of one process, by its settings."""

from collections.abc import Callable

from creditd.certificates import fit_authorities
from creditd.config import Config
from creditd.server.rate_limits import CallLimits, RateLimits
from creditd.server.redis_connection import redis_place
from creditd.server.shared_counts import SharedCounts
from creditd.telemetry.statistics import ExchangeStatistics


def make_rate_limits(config: Config, clock: Callable[[], float]) -> RateLimits:
    """Return the rate limits that a configuration states, on a clock that tells seconds."""
    limits = CallLimits(
        config.user_calls_per_minute,
        config.premium_calls_per_minute,
        config.staff_calls_per_minute,
        config.service_calls_per_minute,
        config.address_calls_per_minute,
        config.method_calls_per_minute,
    )
    return RateLimits(limits, clock)


def make_shared_counts(config: Config, limits: RateLimits, statistics: ExchangeStatistics) -> SharedCounts:
    """Return what shares the counts of a process with others, as configured; without a Redis they stay its own.

    Raises InvalidCertificate if the authorities that vouch for Redis cannot be used.
    """
    if config.rate_limits_redis_ca_file:
        fit_authorities("CREDITD_RATE_LIMITS_REDIS_CA_FILE", config.rate_limits_redis_ca_file)
    place = redis_place(config.rate_limits_redis_url) if config.rate_limits_redis_url else None
    return SharedCounts(limits, place, statistics, config.rate_limits_redis_ca_file)
