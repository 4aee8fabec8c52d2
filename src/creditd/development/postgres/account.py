"""The account that PostgreSQL runs under when root starts it, since it refuses to run as root.

`creditd run` gives it an account that nothing else runs under: whoever has the account of a PostgreSQL can read and
change all its data. Root makes it once for the machine. Tests, which keep nothing, are content with `nobody`.
"""

import logging
import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

from creditd.development.postgres.programs import EmbeddedPostgresError, Owner

log: Final = logging.getLogger(__name__)

OWN_ACCOUNT: Final = "creditd-postgres"
PLAIN_ACCOUNT: Final = "nobody"

_MAKING: Final = (
    ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/false"),
    # Of BusyBox.
    ("adduser", "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/bin/false"),
)

_TRIES: Final = 10
"""The files of accounts are locked while another process, perhaps another start of ours, makes one."""

_PAUSE_SECONDS: Final = 0.2


def owner_of(cluster: Path, *, own_account: bool = False) -> Owner | None:
    """Return the account to run PostgreSQL under where we are root; None where it runs under our own.

    It is whoever owns the cluster, if it is there. With `own_account`, `nobody` gives way to an account of its own,
    made if it is not there; where it cannot be made, a warning says so.
    """
    if os.geteuid() != 0:
        return None
    plain = pwd.getpwnam(PLAIN_ACCOUNT)
    if cluster.exists() and (found := cluster.stat()).st_uid not in (0, plain.pw_uid):
        return Owner(found.st_uid, found.st_gid)
    own = _own_account() if own_account else None
    return own or Owner(plain.pw_uid, plain.pw_gid)


def take_over(path: Path, owner: Owner | None) -> None:
    """Make the account the owner of a file or a folder with all that is in it. PostgreSQL must not run on it."""
    if owner is None or not path.exists() or (before := path.stat().st_uid) == owner.uid:
        return
    log.warning("%s becomes that of the user with the id %d", path, owner.uid)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            inner = Path(folder) / name
            # What belongs to others stays theirs: it may be a hard link that somebody has put there.
            if inner.lstat().st_uid == before:
                os.chown(inner, *owner, follow_symlinks=False)
    # Last, so that a take-over that was interrupted is begun again.
    os.chown(path, *owner, follow_symlinks=False)


def _own_account() -> Owner | None:
    found = _look_up() or _make()
    if found is None:
        log.warning(
            "The user %s, for PostgreSQL alone, cannot be made: it runs as %s, and whatever else runs as that user can "
            "read and change its data. Make it by hand: useradd --system --user-group %s",
            OWN_ACCOUNT,
            PLAIN_ACCOUNT,
            OWN_ACCOUNT,
        )
    return found


def _look_up() -> Owner | None:
    try:
        found = pwd.getpwnam(OWN_ACCOUNT)
    except KeyError:
        return None
    if found.pw_uid == 0:
        raise EmbeddedPostgresError(
            f"The user {OWN_ACCOUNT} is root by another name, as which PostgreSQL does not run."
        )
    return Owner(found.pw_uid, found.pw_gid)


def _make() -> Owner | None:
    command = next((making for making in _MAKING if shutil.which(making[0])), None)
    if command is None:
        return None
    for _ in range(_TRIES):
        done = subprocess.run(  # noqa: S603 - the program and its arguments are our own.
            [*command, OWN_ACCOUNT], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        # Also if it failed: another process may have been faster.
        if found := _look_up():
            return found
        log.info("%s: %s", command[0], done.stderr.strip())
        time.sleep(_PAUSE_SECONDS)
    return None
