"""What keeps files from growing, in the system's own words, and what a person has to do about it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_TO_DO: Final[Mapping[str, str]] = {
    "No space left on device": "the disk of {} is full: make room there",
    "Disk quota exceeded": "the disk quota of {} is used up: make room there, or raise it",
    "File too large": "the files in {} may not become as large as they have to: raise the limit (ulimit -f)",
    "Read-only file system": "the file system of {} takes no writes: mount it for writing",
}


def room_to_make(folder: Path, words: str) -> str:
    """Return what to do about a folder of which a program or the system has said ``words``; empty if it is not room."""
    return next((to_do.format(folder) for said, to_do in _TO_DO.items() if said in words), "")
