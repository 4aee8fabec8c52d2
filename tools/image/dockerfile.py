"""The Dockerfile, read: its stages with their instructions, and what its context has."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

KNOWN: Final = ("CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "RUN", "USER", "WORKDIR")
"""Instructions that are gone through here; one that is not among them is refused rather than passed over."""

DIGEST: Final = re.compile(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")


class UnknownInstruction(Exception):
    """The Dockerfile says what is not gone through here."""


@dataclass
class Stage:
    """A stage: what it begins with, another stage or an image, and its instructions after that."""

    name: str
    begins_with: str
    instructions: list[tuple[str, str]] = field(default_factory=list)


def stages(text: str) -> Mapping[str, Stage]:
    """Return the stages of a Dockerfile in order, by name. Raises UnknownInstruction."""
    found: dict[str, Stage] = {}
    stage = None
    for word, rest in instructions(text):
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            stage = found[name] = Stage(name, image)
            if image not in found and not DIGEST.fullmatch(image):
                raise UnknownInstruction(f"FROM {image}: an image is named by its digest")
        elif stage is None:
            raise UnknownInstruction(f"{word} before any FROM")
        else:
            stage.instructions.append((word, rest))
    return found


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Give each instruction with what follows it, its lines put together. Raises UnknownInstruction."""
    without_remarks = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in without_remarks.replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            if word not in KNOWN:
                raise UnknownInstruction(word)
            yield word, rest.strip()


def settings(rest: str, known: Mapping[str, str]) -> dict[str, str]:
    """Return what ENV sets; ``$PATH`` and the like are those of before."""
    given = dict(one.split("=", 1) for one in shlex.split(rest))
    return {name: re.sub(r"\$(\w+)", lambda found: known.get(found[1], ""), value) for name, value in given.items()}


def context(ignore: str) -> set[str]:
    """Return what .dockerignore lets an image have: it names it after leaving everything out. Raises ValueError."""
    lines = [line for line in ignore.splitlines() if line and not line.startswith("#")]
    if lines[0] != "*":
        raise ValueError("the first line of .dockerignore has to leave everything out")
    return {line[1:] for line in lines if line.startswith("!")}


def is_in(context: set[str], source: Path) -> bool:
    """Tell whether the context has a file or a folder."""
    return any(str(one) in context for one in (source, *source.parents))
