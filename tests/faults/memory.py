"""How much memory processes hold, while something goes on."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.05


@dataclass
class Memory:
    """What some processes hold together, in megabytes."""

    before: float = 0.0
    most: float = 0.0
    after: float = 0.0

    @property
    def growth(self) -> float:
        """By how much it grew at most."""
        return self.most - self.before

    def __str__(self) -> str:
        return f"memory before {self.before:.0f} MB, at most {self.most:.0f}, after {self.after:.0f}"


@contextmanager
def watched_memory(pids: Sequence[int]) -> Iterator[Memory]:
    """Look at processes again and again until the block ends; the figures are there after it."""
    before = held_by(pids)
    memory = Memory(before, before)
    ending = threading.Event()

    def look() -> None:
        while not ending.wait(LOOK_SECONDS):
            memory.most = max(memory.most, held_by(pids))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield memory
    finally:
        ending.set()
        thread.join()
        memory.after = held_by(pids)
        memory.most = max(memory.most, memory.after)


def held_by(pids: Sequence[int]) -> float:
    """Return the resident memory of processes, in megabytes."""
    return sum(_kilobytes(pid) for pid in pids) / 1_024


def _kilobytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has ended")
