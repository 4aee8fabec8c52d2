"""What the ledger counts: plain numbers, which telemetry reads when it is asked."""

from collections import Counter
from dataclasses import dataclass, field


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
