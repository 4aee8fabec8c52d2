"""How this program was called, so that the commands it prints work as they are pasted."""

import os
import shlex
import shutil
import sys
from pathlib import Path


def creditd() -> str:
    """Return what to type for ``creditd`` in the folder where we are."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(_short(Path(sys.executable)))} -m creditd.cli"
    found = shutil.which(called.name)
    if found and Path(found).absolute() == called.absolute():
        return called.name
    return shlex.quote(_short(called.absolute()))


def beside(program: str) -> str | None:
    """Return what to type for a program that is installed with us or on the path; None if there is none."""
    neighbour = Path(sys.executable).with_name(program)
    if neighbour.exists():
        return shlex.quote(_short(neighbour))
    return program if shutil.which(program) else None


def _short(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
