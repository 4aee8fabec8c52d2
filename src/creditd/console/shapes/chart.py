"""A chart of what came in and went out by day: bars in per cent, as the policy of pages allows, and no script."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from creditd.console.shapes.figures import figure, per_cent

_TOP, _BOTTOM = 400, 9_300
"""Where the bars may be, in hundredths of a per cent of the height: below them are the days."""

_MOST_LINES: Final = 5

_THOUSAND, _MILLION = 1_000, 1_000_000

_DAY_LABELS: Final = 5


class ChartDay(NamedTuple):
    """A day: its name, and the amounts that came in and that went out, each as many as there are looks for it."""

    name: str
    came_in: Sequence[int]
    went_out: Sequence[int]


class ChartBar(NamedTuple):
    """A bar: its look, and where it is, in per cent of the chart."""

    look: str
    x: str
    y: str
    width: str
    height: str


class ChartLine(NamedTuple):
    """A line across the chart, at a height in per cent, with its figure."""

    y: str
    label: str
    is_zero: bool


class Chart(NamedTuple):
    """A chart as it is drawn; ``days`` are names with their places."""

    bars: Sequence[ChartBar]
    lines: Sequence[ChartLine]
    days: Sequence[tuple[str, str]]


def chart_of(
    days: Sequence[ChartDay], looks: tuple[Sequence[str], Sequence[str]], decimals: int, language: str
) -> Chart:
    """Return the chart of some days, at least one; in whole numbers, which lose nothing."""
    most_in = max((sum(day.came_in) for day in days), default=0)
    most_out = max((sum(day.went_out) for day in days), default=0)
    step = _step(most_in + most_out, 10**decimals)
    above, below = -(-most_in // step) * step, -(-most_out // step) * step
    whole = max(above + below, 1)

    def height(amount: int) -> int:
        return amount * (_BOTTOM - _TOP) // whole

    zero = _TOP + height(above)
    slot = 10_000 // max(len(days), 1)
    bars: list[ChartBar] = []
    for number, day in enumerate(days):
        x, width = per_cent(number * slot + slot // 9), per_cent(slot * 7 // 9)
        top = zero
        for look, amount in zip(looks[0], day.came_in, strict=True):
            if amount > 0:
                top -= height(amount)
                bars.append(ChartBar(look, x, per_cent(top), width, per_cent(height(amount))))
        bottom = zero
        for look, amount in zip(looks[1], day.went_out, strict=True):
            if amount > 0:
                bars.append(ChartBar(look, x, per_cent(bottom), width, per_cent(height(amount))))
                bottom += height(amount)
    lines = [
        ChartLine(per_cent(zero - height(amount)), _short(amount, decimals, language), amount == 0)
        for amount in range(-below, above + 1, step)
    ]
    apart = -(-len(days) // _DAY_LABELS)
    names = [(day.name, per_cent(number * slot + slot // 2)) for number, day in enumerate(days) if number % apart == 0]
    return Chart(bars, lines, names)


def _step(whole: int, unit: int) -> int:
    """Return how far lines are apart: 1, 2 or 5 times a power of ten, in whole units if there are any."""
    for step in _steps(unit if whole >= unit else 1):
        if whole <= step * (_MOST_LINES - 1):
            return step
    return whole


def _steps(unit: int) -> Iterable[int]:
    for exponent in range(20):
        for first in (1, 2, 5):
            yield first * unit * 10**exponent


def _short(amount: int, decimals: int, language: str) -> str:
    whole = abs(amount) // 10**decimals
    for size, letter in ((_MILLION, "M"), (_THOUSAND, "k")):
        if whole >= 10 * size and whole % size == 0:
            return figure(amount // (size * 10**decimals), 0, language) + letter
    return (
        figure(amount // 10**decimals, 0, language)
        if amount % 10**decimals == 0
        else figure(amount, decimals, language)
    )
