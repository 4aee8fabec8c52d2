"""Latencies: counted in bounded memory, or read off a list that somebody else has written down."""

import math
from collections.abc import Sequence


class Latencies:
    """Counts latencies in steps of 1 %, from a microsecond up; any number of them takes the same few kilobytes."""

    _PER_E_FOLD = 100
    _LARGEST_S = 1_000.0

    def __init__(self) -> None:
        """Starts with none."""
        self._counts = [0] * (self._bucket(self._LARGEST_S) + 1)
        self._total = 0

    def add(self, seconds: float, times: int = 1) -> None:
        """Counts one latency, or the one that `times` operations had in common."""
        self._counts[min(self._bucket(seconds), len(self._counts) - 1)] += times
        self._total += times

    def quantile_ms(self, share: float) -> float:
        """The latency that this share of all operations did not exceed, to within 1 %; 0 if there were none."""
        wanted = share * self._total
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return math.exp((bucket + 0.5) / self._PER_E_FOLD) / 1_000
        return 0.0

    @classmethod
    def _bucket(cls, seconds: float) -> int:
        return int(math.log(max(seconds * 1e6, 1.0)) * cls._PER_E_FOLD)


def quantile(rising: Sequence[float], share: float) -> float:
    """The least of the sorted values that this share of them does not exceed; 0 if there are none."""
    return rising[max(math.ceil(share * len(rising)), 1) - 1] if rising else 0.0
