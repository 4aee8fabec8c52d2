"""Processor time of the server and of PostgreSQL, whole process trees at once."""

from dataclasses import dataclass
from typing import Self

import psutil
import psycopg


@dataclass(frozen=True)
class CpuSeconds:
    """Processor time used, user and system together."""

    server: float
    postgres: float

    def __sub__(self, earlier: Self) -> Self:
        """What was used since `earlier`."""
        return type(self)(self.server - earlier.server, self.postgres - earlier.postgres)


class CpuMeter:
    """Reads what the server's and PostgreSQL's processes have used since they started, ended ones included."""

    def __init__(self, server_pid: int, database_url: str) -> None:
        """Finds PostgreSQL's postmaster through the pid of a backend, so the database must be on this machine."""
        with psycopg.connect(database_url) as connection:
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert row is not None
            postmaster = psutil.Process(row[0]).parent()
        assert postmaster is not None
        self._postmaster = postmaster
        self._server = psutil.Process(server_pid)

    def read(self) -> CpuSeconds:
        """The two totals as they are now, to the kernel's 10 ms."""
        return CpuSeconds(_tree(self._server), _tree(self._postmaster))


def _tree(root: psutil.Process) -> float:
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # Ended just now; the next reading has it in its parent's children_user and children_system.
        total += times.user + times.system + times.children_user + times.children_system
    return total
