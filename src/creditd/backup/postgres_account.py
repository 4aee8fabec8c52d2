"""The account that a PostgreSQL runs under which we start, and what it is started with.

PostgreSQL refuses to run as root. It is started through setpriv, and no permission of any folder on the way is changed.
Where the account could not reach the programs or the data (a checkout under /root, say), it keeps just the capability
to do so.
"""

import os
import shutil
import stat
from pathlib import Path
from typing import Final, NamedTuple

# In order of preference: reading and passing folders; then the only one of the two that containers usually grant.
_REACHING_CAPABILITIES: Final = {"dac_read_search": 2, "dac_override": 1}


class NoAccount(RuntimeError):
    """PostgreSQL cannot be run under another account; the message says why, and what to do."""


class Owner(NamedTuple):
    """An account other than ours that PostgreSQL runs under and that owns its files."""

    uid: int
    gid: int


def environment() -> dict[str, str]:
    """Return our environment without PGDATA, PGPORT and the like, which would lead the programs astray."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C"}


def give(path: Path, owner: Owner | None) -> None:
    """Make the owner own the file or folder; without one, it is ours and stays so."""
    if owner is not None:
        os.chown(path, owner.uid, owner.gid)


def under_account(owner: Owner | None, *paths: Path) -> list[str]:
    """Return what to put before a command so that it runs as the owner and reaches these paths. Raises NoAccount."""
    if owner is None:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise NoAccount(
            "PostgreSQL refuses to run as root, and setpriv (of util-linux), which would start it as another user, is "
            "not installed. Use another user, or install util-linux"
        )
    command = [setpriv, f"--reuid={owner.uid}", f"--regid={owner.gid}", "--clear-groups", "--no-new-privs"]
    if not _anyone_reaches(*paths):
        capability = _reaching_capability(*paths)
        # Without the bit, access(2), by which initdb looks for postgres, disregards the capabilities of all but root.
        command += ["--securebits=+no_setuid_fixup", f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}"]
    return [*command, "--"]


def _anyone_reaches(*paths: Path) -> bool:
    folders = {folder for path in paths for folder in path.resolve().parents}
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)


def _reaching_capability(*paths: Path) -> str:
    for name, bit in _REACHING_CAPABILITIES.items():
        if _own_capabilities() >> bit & 1:
            return name
    raise NoAccount(
        "PostgreSQL refuses to run as root, and the user that it would run as cannot reach "
        f"{' or '.join(map(str, paths))}. Use another user, or move them to folders that everyone may pass"
    )


def _own_capabilities() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    effective = [line.split()[1] for line in status if line.startswith("CapEff:")]
    return int(effective[0], 16) if effective else 0
