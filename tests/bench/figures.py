"""The figures of a row of the table, and their medians over several runs."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, Generic, NamedTuple, TypeVar


class Row(NamedTuple):
    """What a row is about: the spread and number of the callers, who serves them, and what they do."""

    spread: str
    callers: int
    served_by: str
    mode: str


class Figures(NamedTuple):
    """What a row tells; processor time and context switches are of one operation.

    ``ratio`` is to the yardstick's rate, ``latency_ratio`` to its median latency; ``of_uniform`` is the rate on one hot
    account to that on many, 0 where there is none to compare.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    server_us: float
    postgres_us: float
    generator_us: float
    machine_us: float
    switches: float
    yardstick_rate: float
    yardstick_p50_ms: float
    ratio: float
    latency_ratio: float
    of_uniform: float = 0.0


F = TypeVar("F", bound=tuple[Any, ...])
"""The figures of a row, a NamedTuple of numbers."""


class Summary(NamedTuple, Generic[F]):
    """Of each figure the median of all runs, the least and the most."""

    median: F
    least: F
    most: F


def summary(runs: Sequence[F]) -> Summary[F]:
    """The summary of one row's runs; each figure by itself, so that a median need not be of one and the same run."""
    columns = list(zip(*runs, strict=True))
    figures = type(runs[0])
    return Summary(*(figures(*(of(column) for column in columns)) for of in (median, min, max)))


def summaries(rows: Iterable[tuple[Row, F]]) -> dict[Row, Summary[F]]:
    """The summary of each row, in the order in which they were first measured."""
    runs: dict[Row, list[F]] = {}
    for row, figures in rows:
        runs.setdefault(row, []).append(figures)
    return {row: summary(found) for row, found in runs.items()}
