"""Context switches of a process and its children, thread by thread."""

from collections.abc import Iterator
from pathlib import Path

import psutil


def switches(pid: int) -> dict[int, int]:
    """How often each thread of these processes has been switched away from since it began, by the thread's id.

    Voluntary ones, it waited, and involuntary ones, its time was up, together. Empty where there is no /proc.
    """
    return dict(_threads(pid))


def switched(before: dict[int, int], after: dict[int, int]) -> int:
    """How often between two readings; what a thread did that ended between them is lost."""
    return sum(count - before.get(thread, 0) for thread, count in after.items())


def _threads(pid: int) -> Iterator[tuple[int, int]]:
    root = psutil.Process(pid)
    for process in (root, *root.children(recursive=True)):
        for status in Path("/proc", str(process.pid), "task").glob("*/status"):
            try:
                lines = status.read_text().splitlines()
            except OSError:
                continue  # The thread has just ended.
            yield int(status.parent.name), sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
