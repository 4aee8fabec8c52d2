"""The battery's own PostgreSQL: durable, on TCP, killed with all its children, started again on the same data."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

import psutil

from creditd.development.postgres import EmbeddedPostgres


def kill_all(postgres: EmbeddedPostgres) -> None:
    """End every process with SIGKILL, the postmaster first, so that none is told to end in order."""
    postmaster = psutil.Process(postgres.pid)
    for process in (postmaster, *postmaster.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            process.kill()


@contextmanager
def frozen(postgres: EmbeddedPostgres) -> Iterator[None]:
    """Stop every process where it stands until the block ends, the postmaster first so that it starts no more."""
    postmaster = psutil.Process(postgres.pid)
    stopped = [postmaster]
    try:
        postmaster.suspend()
        for process in postmaster.children(recursive=True):
            stopped.append(process)
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        yield
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def restart(postgres: EmbeddedPostgres) -> None:
    """Start it again on what it left behind."""
    postgres.stop()
    postgres.start()


_LOCK_TIMEOUT = "canceling statement due to lock timeout"


def said_meanwhile(postgres: EmbeddedPostgres) -> Callable[[], list[str]]:
    """Return a function that gives the errors which PostgreSQL has logged since, without their statements.

    A lock that others held for longer than one waits is none: on a loaded machine anybody may be slow.
    """
    log = postgres.data_dir / "postgres.log"
    start = log.stat().st_size

    def errors() -> list[str]:
        with log.open("rb") as file:
            file.seek(start)
            lines = file.read().decode(errors="replace").splitlines()
        bad = [line for line in lines if any(f" {level}: " in line for level in ("ERROR", "FATAL", "PANIC"))]
        return [line for line in bad if _LOCK_TIMEOUT not in line]

    return errors


def at_port(database_url: str, port: int) -> str:
    """Return the URL of the same database by way of another port."""
    parts = urlsplit(database_url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rsplit(':', 1)[0]}:{port}"))
