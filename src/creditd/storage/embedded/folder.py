"""The data folder of the embedded PostgreSQL: who holds it, and what a run that ended abruptly left in it.

- owner.lock: held by the process that started PostgreSQL, with its process id in it
- cluster/: PostgreSQL's own data folder
- password: the superuser's over TCP; the Unix socket needs none, its folder being private
- socket/: the Unix socket, where the path is short enough for one
- postgres.log: what PostgreSQL said in this run; postgres.log.1 is from the run before
"""

import fcntl
import logging
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import psutil

from creditd.storage.embedded.programs import EmbeddedPostgresError

_log: Final = logging.getLogger(__name__)

# By this a postmaster is known as one that we started, and not one that a person did with pg_ctl.
MARK: Final = "cluster_name=creditd-embedded"

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
    """Makes the folder and holds it until the file returned is closed or this process ends, however it ends.

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
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def clear_leftovers(folder: Path) -> None:
    """Ends what outlived the run that started it. Call it with the hold.

    Raises DataFolderInUse for a postmaster that somebody else started on the folder.
    """
    cluster = folder / "cluster"
    pid = _first_number(cluster / "postmaster.pid")
    if pid is None:
        return
    postmaster = _postmaster(pid, cluster)
    if postmaster is None:
        _kill_backends(cluster)
        _disown(cluster / "postmaster.pid")
    elif MARK in postmaster.cmdline():
        _log.warning("PostgreSQL (process %d) was left on %s by a run that ended abruptly: stopping it", pid, folder)
        _stop(postmaster)
    else:
        raise DataFolderInUse(folder, pid)


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of PostgreSQL's log, for a message."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]) if log.exists() else ""


def _postmaster(pid: int, cluster: Path) -> psutil.Process | None:
    """The process of that number if it is PostgreSQL on this very cluster, and not a later owner of the number."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
    return process if _works_on(cluster, process) else None


def _works_on(cluster: Path, process: psutil.Process) -> bool:
    """Every process of a PostgreSQL has the cluster for its working folder."""
    try:
        return not _ended(process) and process.name() == "postgres" and Path(process.cwd()) == cluster.resolve()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        # Our own would not be denied to us: it runs under our account, or we are root.
        return False


def _kill_backends(cluster: Path) -> None:
    """Ends what a killed postmaster left: a backend amid a long statement does not notice, and blocks the next start.

    It can do no harm: what it had not committed is lost already, and recovery follows.
    """
    backends = [process for process in psutil.process_iter() if _works_on(cluster, process)]
    for backend in backends:
        with suppress(psutil.NoSuchProcess):
            backend.kill()
    psutil.wait_procs(backends, timeout=_STOP_SECONDS)


def _disown(pid_file: Path) -> None:
    """Puts a number there that no process has.

    The one of a postmaster that is gone may belong to another program by now, and PostgreSQL would refuse to start on
    its account, for ever. The file itself stays: by the rest of it PostgreSQL sees backends that still run.
    """
    _, _, rest = pid_file.read_text(encoding="utf-8").partition("\n")
    pid_file.write_text(f"{_NO_PROCESS}\n{rest}", encoding="utf-8")


def _stop(process: psutil.Process) -> None:
    """Ends a postmaster that is no child of ours: a fast shutdown, or failing that an immediate one."""
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
