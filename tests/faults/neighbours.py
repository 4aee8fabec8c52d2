"""What a trouble does to others: a neighbour's calls are timed while it goes on."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Final, NamedTuple

from tests.faults.probe import GO, READY, STOP
from tests.support.tokens import bearer

COMMAND = (sys.executable, "-m", "tests.faults.probe")

WORST_SECONDS = 0.25
"""What issue 7 demands of every call of a neighbour, whatever goes on beside it."""

QUIET_SECONDS: Final = 1.5
"""Some thirty calls of each kind."""

REFERENCE_SECONDS: Final = 0.0045
"""The median of a neighbour's Reserve with nothing beside it, on the machine that the bound is stated for."""

JUDGED: Final = 1.25
"""Times the reference up to which what is timed is held against the bound. Beyond, it is shown."""

END_SECONDS = 30.0

SERVICE = (("authorization", bearer("neighbour", ["SERVICE"], "credits.spend credits.read payments.ingest")),)
"""A service: it opens the accounts that it uses."""


class Pace(NamedTuple):
    """How fast the machine runs, by what a Reserve takes on it in peace.

    A machine that is shared with others runs at a third of its pace at times, and no count of its own shows it. What is
    timed then says nothing about the service, least of all beside an attack that comes at a fixed rate.
    """

    reserve_seconds: float

    @property
    def is_judged(self) -> bool:
        """Whether what is timed is to be held against its bound."""
        return self.reserve_seconds <= JUDGED * REFERENCE_SECONDS

    def __str__(self) -> str:
        judged = "" if self.is_judged else ", a machine too slow to judge times by"
        return f"in peace {1_000 * self.reserve_seconds:.1f} ms a Reserve{judged}"


@dataclass
class Figures:
    """How long the neighbour's calls took, by kind, in seconds and sorted; and how the failed ones ended.

    They are held against nothing where the machine is slower than the one that their bounds are stated for.
    """

    seconds: Mapping[str, list[float]] = field(default_factory=dict)
    failures: Mapping[str, list[str]] = field(default_factory=dict)
    pace: Pace = field(default_factory=lambda: Pace(REFERENCE_SECONDS))

    def table(self, trouble: str, evidence: str) -> str:
        """Return a table of the figures."""
        lines = [f"\nneighbours: {trouble} ({evidence}; {self.pace})"]
        lines.append(f"  {'':12}{'calls':>7}{'p50 ms':>9}{'p99 ms':>9}{'worst':>9}{'failed':>8}")
        for kind, seconds in self.seconds.items():
            failed = len(self.failures.get(kind, ()))
            p50, p99, worst = (1_000 * seconds[int(share * (len(seconds) - 1))] for share in (0.5, 0.99, 1.0))
            lines.append(f"  {kind:12}{len(seconds):7}{p50:9.1f}{p99:9.1f}{worst:9.1f}{failed:8}")
        return "\n".join(lines)

    def failed(self) -> Mapping[str, list[str]]:
        """Return how calls ended that failed, by kind."""
        return self.failures if self.pace.is_judged else {}

    def too_slow(self) -> dict[str, float]:
        """Return the worst time of each kind of call that had to wait too long."""
        if not self.pace.is_judged:
            return {}
        return {kind: seconds[-1] for kind, seconds in self.seconds.items() if seconds[-1] >= WORST_SECONDS}


@contextmanager
def neighbour(address: str, webhook_secret: str, **more: str) -> Iterator[Figures]:
    """Call a server until the block ends; the figures are there after it. ``more`` is what else probe.Calls takes.

    Before the block, its calls are timed for a moment with nothing beside them: that is the pace of the machine.
    """
    told = {"address": address, "metadata": SERVICE, "webhook_secret": webhook_secret, **more}
    with _probe(told) as quiet:
        time.sleep(QUIET_SECONDS)
    with _probe(told) as figures:
        yield figures
    figures.pace = Pace(median(quiet.seconds["Reserve"]))


@contextmanager
def _probe(told: Mapping[str, object]) -> Iterator[Figures]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        COMMAND, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        assert process.stdout.readline().strip() == READY
        process.stdin.write(GO + "\n")
        process.stdin.flush()
        figures = Figures()
        try:
            yield figures
        except BaseException:
            process.kill()
            raise
        answer, _ = process.communicate(STOP + "\n", timeout=END_SECONDS)
    found = json.loads(answer)
    figures.seconds = {kind: sorted(seconds) for kind, (seconds, _) in found.items()}
    figures.failures = {kind: failures for kind, (_, failures) in found.items() if failures}
