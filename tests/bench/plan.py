"""Which rounds are run, for how long, and beside which yardstick."""

from dataclasses import dataclass, replace
from typing import Final

from tests.bench import requests
from tests.bench.job import Operation
from tests.bench.naive import Yardstick

ACCOUNTS: Final = 10_000
HOT_ACCOUNT: Final = 0
"""The number of the hot account; the 10,000 others are numbered from 1 on."""

UNIFORM: Final = "10,000"
HOT: Final = "1 hot"
SPREADS: Final = (UNIFORM, HOT)

RESERVE: Final = "Reserve"
RESERVE_AND_CONFIRM: Final = "Reserve+Confirm"
BATCHED: Final = f"BatchReserve x{requests.BATCH}"
GET_BALANCE: Final = "GetBalance"
MIX: Final = "mix 10:2:2"

_FEW_AND_MANY: Final = frozenset({1, 64})


@dataclass(frozen=True)
class Mode:
    """What the callers do, what that is compared with, and at which numbers of callers alone, if not at all of them."""

    name: str
    operations: tuple[Operation, ...]
    yardstick: Yardstick = Yardstick.NAIVE
    callers: frozenset[int] | None = None


MODES: Final = (
    Mode(RESERVE, requests.reserve()),
    Mode(RESERVE_AND_CONFIRM, requests.reserve_and_confirm()),
    Mode(BATCHED, requests.batch_reserve()),
    # At 8 and 256 callers the rows of Reserve tell as much, in less time.
    Mode(GET_BALANCE, requests.get_balance(), Yardstick.LOOK_UP, _FEW_AND_MANY),
    Mode(MIX, requests.mix(), Yardstick.MIXED, _FEW_AND_MANY),
)


@dataclass(frozen=True)
class Plan:
    """How much is measured. Each round lies between two runs of its yardstick with as many clients.

    The open loop runs at each of `rates` for `at_rate_s`: of 30 seconds at 500 a second, 15 calls are beyond p99.9.
    """

    callers: tuple[int, ...]
    round_s: float
    warmup_s: float
    yardstick_s: int
    calibration_s: float
    modes: tuple[str, ...] = tuple(mode.name for mode in MODES)
    spreads: tuple[str, ...] = SPREADS
    accounts: int = ACCOUNTS
    rates: tuple[int, ...] = (500, 2_000)
    at_rate_s: float = 30.0

    def numbers(self, spread: str) -> tuple[int, int]:
        """The number of a spread's first account, and how many there are."""
        return (1, self.accounts) if spread == UNIFORM else (HOT_ACCOUNT, 1)

    def chosen(self, callers: int) -> list[Mode]:
        """The modes that are measured with so many callers."""
        return [
            mode
            for mode in MODES
            if mode.name in self.modes and (mode.callers is None or callers in mode.callers or self.is_narrowed)
        ]

    @property
    def is_narrowed(self) -> bool:
        """Whether somebody asked for some modes alone, and so wants them at each number of callers."""
        return len(self.modes) < len(MODES)


FULL: Final = Plan(callers=(1, 8, 64, 256), round_s=6.0, warmup_s=1.0, yardstick_s=4, calibration_s=5.0)
# Leaves out 8 and 256 callers, so as to end within two minutes.
QUICK: Final = Plan(callers=(1, 64), round_s=2.0, warmup_s=0.5, yardstick_s=1, calibration_s=1.5, at_rate_s=5.0)


def narrowed(
    plan: Plan,
    modes: list[str] | None = None,
    spreads: list[str] | None = None,
    callers: list[int] | None = None,
    seconds: float | None = None,
) -> Plan:
    """The plan with these modes, spreads, numbers of callers, and seconds of a round instead of its own."""
    return replace(
        plan,
        modes=tuple(modes or plan.modes),
        spreads=tuple(spreads or plan.spreads),
        callers=tuple(callers or plan.callers),
        round_s=seconds or plan.round_s,
        at_rate_s=seconds or plan.at_rate_s,
    )
