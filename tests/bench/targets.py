"""What the service promises of its speed, in three levels, and what was reached of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from tests.bench.figures import Figures, Row, Summary
from tests.bench.plan import BATCHED, HOT, RESERVE, RESERVE_AND_CONFIRM, UNIFORM


class Levels(NamedTuple):
    """The least that is acceptable, what two cores allow if Python and the save overlap, and the aim beyond."""

    least: float
    two_cores: float | None = None
    aim: float | None = None


LEVELS: Final = {"least": "least", "two_cores": "two cores allow", "aim": "aim"}


@dataclass(frozen=True)
class Target:
    """A promise about one figure of one row of the table."""

    mode: str
    spread: str
    callers: int
    figure: str
    levels: Levels

    def reaches(self, value: float, level: float) -> bool:
        """Whether a value keeps to a level: rates and their ratios from it up, all else down to it."""
        return value >= level if self.figure in _MORE_IS_BETTER else value <= level


_MORE_IS_BETTER: Final = frozenset({"ratio", "of_uniform"})

_WORDS: Final = {
    "ratio": ("rate", "x naive"),
    "latency_ratio": ("p50", "x naive"),
    "of_uniform": ("rate", f"x that on {UNIFORM}"),
    "p99_ms": ("p99", " ms"),
    "server_us": ("server", " µs"),
    "machine_us": ("machine", " µs"),
    "switches": ("context switches", ""),
}

TARGETS: Final = (
    Target(RESERVE, UNIFORM, 64, "ratio", Levels(1.2, 1.8, 2.5)),
    Target(RESERVE, HOT, 64, "ratio", Levels(8, 12, 15)),
    Target(RESERVE, UNIFORM, 256, "ratio", Levels(4)),
    Target(RESERVE, HOT, 256, "ratio", Levels(24)),
    # Naive drifts, and the machine with it; these stay.
    *(
        Target(RESERVE, spread, 64, figure, Levels(most))
        for spread in (UNIFORM, HOT)
        for figure, most in (("server_us", 130), ("switches", 0.8), ("machine_us", 220))
    ),
    Target(RESERVE, UNIFORM, 64, "p99_ms", Levels(25, aim=10)),
    Target(RESERVE, HOT, 64, "p99_ms", Levels(15, aim=10)),
    Target(RESERVE, HOT, 64, "of_uniform", Levels(0.75)),
    Target(RESERVE, UNIFORM, 1, "latency_ratio", Levels(1.5, aim=1.2)),
    Target(RESERVE, HOT, 1, "latency_ratio", Levels(1.5, aim=1.2)),
    Target(RESERVE_AND_CONFIRM, UNIFORM, 64, "ratio", Levels(0.9)),
    Target(RESERVE_AND_CONFIRM, HOT, 64, "ratio", Levels(4.5)),
    Target(BATCHED, UNIFORM, 64, "ratio", Levels(3)),
    Target(BATCHED, HOT, 64, "ratio", Levels(20)),
)


@dataclass(frozen=True)
class Verdict:
    """What was reached of a target by one transport, and for each of its levels whether it is."""

    target: Target
    served_by: str
    value: float
    reached: dict[str, bool]

    def line(self) -> str:
        """It in words."""
        target, (name, unit) = self.target, _WORDS[self.target.figure]
        levels = ", ".join(
            f"{LEVELS[level]} {getattr(target.levels, level):g} {'reached' if reached else 'MISSED'}"
            for level, reached in self.reached.items()
        )
        what = f"{target.mode}, {target.spread}, {target.callers} callers, {self.served_by}"
        return f"{what}: {name} {self.value:.2f}{unit}; {levels}"

    def as_json(self) -> dict[str, Any]:
        """It as JSON has it."""
        target = self.target
        about = {"mode": target.mode, "spread": target.spread, "callers": target.callers, "figure": target.figure}
        return (
            about | {"served_by": self.served_by, "value": self.value, "levels": target.levels._asdict()} | self.reached
        )


def verdicts(found: Mapping[Row, Summary[Figures]]) -> list[Verdict]:
    """For each target that was measured, by each transport, what the medians reach."""
    medians = {row: summary.median for row, summary in found.items()}
    return [
        _verdict(target, row.served_by, _compared(medians, row))
        for target in TARGETS
        for row in medians
        if (row.mode, row.spread, row.callers) == (target.mode, target.spread, target.callers)
        if target.figure != "of_uniform" or row._replace(spread=UNIFORM) in medians
    ]


def _compared(medians: Mapping[Row, Figures], row: Row) -> Figures:
    figures, uniform = medians[row], medians.get(row._replace(spread=UNIFORM))
    return figures._replace(of_uniform=figures.rate / uniform.rate) if uniform else figures


def _verdict(target: Target, served_by: str, figures: Figures) -> Verdict:
    value = getattr(figures, target.figure)
    levels = {name: level for name, level in target.levels._asdict().items() if level is not None}
    return Verdict(target, served_by, value, {name: target.reaches(value, level) for name, level in levels.items()})
