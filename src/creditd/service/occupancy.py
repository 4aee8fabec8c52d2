"""How full each bulkhead is: plain numbers, which telemetry reads when it is asked."""

from dataclasses import dataclass


@dataclass(slots=True)
class Occupancy:
    """What one kind of waiting has to do, and the jobs refused and abandoned since the process began."""

    threads: int
    running: int = 0
    waiting: int = 0
    refused: int = 0
    abandoned: int = 0
