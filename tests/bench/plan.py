"""Which rounds are run, for how long, and what design section 9 promises of them."""

from dataclasses import dataclass

from tests.bench import requests
from tests.bench.job import Step

ACCOUNTS = 10_000
HOT_ACCOUNT = 0
"""The number of the hot account; the 10,000 others are numbered from 1 on."""

MODES: dict[str, tuple[Step, ...]] = {
    "Reserve": requests.reserve(),
    "Reserve+Confirm": requests.reserve_and_confirm(),
    f"BatchReserve x{requests.BATCH}": requests.batch_reserve(),
}
BATCHED = f"BatchReserve x{requests.BATCH}"
SPREADS = {"10,000": (1, ACCOUNTS), "1 hot": (HOT_ACCOUNT, 1)}
"""For each spread of the load the number of its first account and how many there are."""


@dataclass(frozen=True)
class Plan:
    """How much is measured. Each round lies between two runs of pgbench with as many clients."""

    callers: tuple[int, ...]
    round_s: float
    warmup_s: float
    naive_s: int
    calibration_s: float


FULL = Plan(callers=(1, 8, 64, 256), round_s=6.0, warmup_s=1.0, naive_s=4, calibration_s=5.0)
# Leaves out 8 and 256 callers, so as to end within 90 seconds.
QUICK = Plan(callers=(1, 64), round_s=2.0, warmup_s=0.5, naive_s=1, calibration_s=1.5)


@dataclass(frozen=True)
class Target:
    """A promise: so many times the naive rate at least or, `by_latency`, so many times its median latency at most."""

    mode: str
    spread: str
    callers: int
    ratio: float
    by_latency: bool = False


TARGETS = (
    Target("Reserve", "10,000", 64, 0.8),
    Target("Reserve", "1 hot", 64, 4.5),
    Target(BATCHED, "10,000", 64, 3.0),
    Target(BATCHED, "1 hot", 64, 20.0),
    Target("Reserve", "10,000", 1, 2.0, by_latency=True),
    Target("Reserve", "1 hot", 1, 2.0, by_latency=True),
)
