"""What payments count of themselves in one process, for its metrics."""

from collections import Counter
from dataclasses import dataclass, field

Counts = Counter[tuple[str, str]]
"""By provider, in small letters, and by what came of it."""


@dataclass(slots=True)
class PaymentStatistics:
    """Counts since the process began, and the inbox as it was last seen; times are in seconds.

    ``failures`` are those of the work in the background: by its name, then by kind of error.
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
