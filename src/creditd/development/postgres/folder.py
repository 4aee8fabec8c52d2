"""The data folder of the embedded PostgreSQL: who holds it, and what a run that ended abruptly left in it.

- owner.lock: held by the process that started PostgreSQL, with its process id in it
- cluster/: PostgreSQL's own data folder
- password: the superuser's over TCP; over the Unix socket the kernel tells who connects
- socket/: the Unix socket, where the path is short enough for one
- postgres.log: what PostgreSQL said in this run, restarts included; postgres.log.1 is from the run before
"""

import fcntl
import hashlib
import logging
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import psutil

from creditd.development.postgres.programs import EmbeddedPostgresError

log: Final = logging.getLogger(__name__)

_NO_PROCESS: Final = 2**31 - 1
_STOP_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.02


class DataFolderInUse(EmbeddedPostgresError):
    """Another process has PostgreSQL running on the data folder."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        super().__init__(
            f"The data folder {folder} is in use by process {pid if pid is not None else '(unknown)'}: "
            "stop that one first, or give this one a folder of its own."
        )
        self.folder = folder
        self.pid = pid


def hold(folder: Path) -> IO[str]:
    """Make the folder and hold it until the file returned is closed or this process ends, however it ends.

    Raises DataFolderInUse if somebody holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "owner.lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = _first_number(folder / "owner.lock")
        lock.close()
        raise DataFolderInUse(folder, pid) from None
    try:
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
    except OSError:
        # To close it tries once more to write, and lets go of the folder all the same.
        with suppress(OSError):
            lock.close()
        raise
    return lock


def mark(folder: Path) -> str:
    """Return the cluster_name that is in the titles of all processes that we start on the folder.

    Titles can be read by anyone; where a process works, in a container often not even by root.
    """
    return f"creditd-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"


def clear_leftovers(folder: Path) -> None:
    """End what outlived the run that started it. Call it with the folder held.

    Raises DataFolderInUse for a postmaster that somebody else started on the folder.
    """
    pid_file = folder / "cluster" / "postmaster.pid"
    pid = _first_number(pid_file)
    if pid is None:
        return
    process = _living(pid)
    if process is not None and _is_ours(process, folder):
        log.warning("PostgreSQL (process %d) was left on %s by a run that ended abruptly: stopping it", pid, folder)
        _stop(process)
    elif process is not None and _is_somebodys(process, folder / "cluster"):
        raise DataFolderInUse(folder, pid)
    else:
        _kill_backends(folder)
        _disown(pid_file)


def tail(log: Path, lines: int = 12) -> str:
    """Return the last lines of PostgreSQL's log, for a message."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]) if log.exists() else ""


def _living(pid: int) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
    return None if _ended(process) else process


def _is_ours(process: psutil.Process, folder: Path) -> bool:
    return process.name() == "postgres" and mark(folder) in " ".join(process.cmdline())


def _is_somebodys(process: psutil.Process, cluster: Path) -> bool:
    """Whether it is a postmaster that works on the cluster, and not one elsewhere that got the number later."""
    if process.name() != "postgres":
        return False
    with suppress(psutil.AccessDenied):
        return Path(process.cwd()) == cluster
    return str(cluster) in process.cmdline()


def _kill_backends(folder: Path) -> None:
    """End what a killed postmaster left: a backend amid a long statement does not notice, and blocks the next start.

    It can do no harm: what it had not committed is lost already, and recovery follows.
    """
    backends = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if _is_ours(process, folder):
                process.kill()
                backends.append(process)
    psutil.wait_procs(backends, timeout=_STOP_SECONDS)


def _disown(pid_file: Path) -> None:
    """Put a number there that no process has.

    The one of a postmaster that is gone may belong to another program by now, and PostgreSQL would refuse to start on
    its account, for ever. The file itself stays: by the rest of it PostgreSQL sees backends that still run.
    """
    _, _, rest = pid_file.read_text(encoding="utf-8").partition("\n")
    pid_file.write_text(f"{_NO_PROCESS}\n{rest}", encoding="utf-8")


def _stop(process: psutil.Process) -> None:
    """End a postmaster that is no child of ours: a fast shutdown, or failing that an immediate one."""
    for request in (signal.SIGINT, signal.SIGQUIT):
        process.send_signal(request)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            if _ended(process):
                return
            time.sleep(_POLL_SECONDS)
    raise EmbeddedPostgresError(f"PostgreSQL (process {process.pid}) does not stop; end it by hand: kill {process.pid}")


def _ended(process: psutil.Process) -> bool:
    """Whether it is gone, or waits only for a parent to take note (in a container, often nobody does)."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _first_number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="utf-8").split(maxsplit=1)[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
