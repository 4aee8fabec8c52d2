"""Makes the cluster: PostgreSQL's own data folder, within ours."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

from creditd.development.postgres.programs import (
    EmbeddedPostgresError,
    Owner,
    as_owner,
    environment,
    give,
    program,
)
from creditd.development.postgres.room import room_to_make

SUPERUSER: Final = "postgres"
_MAJOR_VERSION: Final = "18"
_UNFINISHED: Final = "cluster.new-"


def ensure_cluster(data_dir: Path, owner: Owner | None, *, durable: bool) -> Path:
    """Return the cluster in the data folder, made now if there is none; if ``durable``, it is on the disk by then.

    It is made beside and renamed when it is whole, so that an initdb that was interrupted is never taken for one.
    """
    cluster = data_dir / "cluster"
    version = cluster / "PG_VERSION"
    if version.exists():
        _refuse_other_version(cluster, version.read_text(encoding="ascii").strip())
        return cluster
    for unfinished in data_dir.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=data_dir))
    give(fresh, owner)
    _initdb(fresh, owner, _new_password(data_dir, owner), durable=durable)
    fresh.rename(cluster)
    if durable:
        _flush(data_dir)
    return cluster


def _refuse_other_version(cluster: Path, found: str) -> None:
    if found != _MAJOR_VERSION:
        raise EmbeddedPostgresError(
            f"{cluster} was made by PostgreSQL {found}, but {_MAJOR_VERSION} is installed: restore a backup into a new "
            "folder, or install the version of creditd that made it."
        )


def _new_password(data_dir: Path, owner: Owner | None) -> Path:
    password = data_dir / "password"
    password.unlink(missing_ok=True)
    password.touch(mode=0o600)
    password.write_text(token_urlsafe(24), encoding="ascii")
    give(password, owner)
    return password


def _initdb(cluster: Path, owner: Owner | None, password: Path, *, durable: bool) -> None:
    """Run initdb with the same collation on every machine; who may log in is written at each start."""
    command = [
        str(program("initdb")),
        f"--pgdata={cluster}",
        f"--username={SUPERUSER}",
        f"--pwfile={password}",
        "--auth-local=peer",
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--sync-method=fsync" if durable else "--no-sync",
    ]
    done = subprocess.run(  # noqa: S603 - the program and its arguments are our own.
        [*as_owner(owner, cluster), *command],
        cwd="/",
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    if done.returncode != 0:
        said = f"{done.stdout}{done.stderr}"
        if to_do := room_to_make(cluster.parent, said):
            raise EmbeddedPostgresError(f"PostgreSQL's files cannot be made: {to_do}, and start again")
        raise EmbeddedPostgresError(f"initdb failed:\n{said}")


def _flush(folder: Path) -> None:
    """Make the renaming survive a loss of power; initdb did so with what is inside."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
