"""Whether a figure rises or falls over a run: a straight line through it, by least squares."""

import math
from collections.abc import Sequence
from statistics import fmean, linear_regression
from typing import Final, NamedTuple

LEAST_POINTS: Final = 4
"""Through two points there is always a line without an error, and through three one with hardly any."""

ERRORS: Final = 3.0
"""A slope of fewer standard errors than this is what the scatter of the points makes by itself."""

LEAST_SLOPE: Final = 0.001
"""A share of the mean, from one point to the next: less is no matter within the hour that a run may take."""


class Trend(NamedTuple):
    """The slope of the line and its standard error, as shares of the mean, from one point to the next."""

    slope: float
    error: float

    @property
    def is_slope(self) -> bool:
        """Whether the figure rises or falls by more than its scatter explains, and by enough to matter."""
        return abs(self.slope) > max(ERRORS * self.error, LEAST_SLOPE)


def trend(values: Sequence[float]) -> Trend | None:
    """The trend of values that lie one step apart; None if there are too few of them, or all are 0."""
    count, mean = len(values), fmean(values) if values else 0.0
    if count < LEAST_POINTS or mean == 0:
        return None
    slope, intercept = linear_regression(range(count), values)
    left_over = sum((value - intercept - slope * at) ** 2 for at, value in enumerate(values))
    spread = sum((at - (count - 1) / 2) ** 2 for at in range(count))
    error = math.sqrt(left_over / (count - 2) / spread)
    return Trend(slope / mean, error / mean)
