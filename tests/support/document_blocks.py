"""The fenced blocks of README.md, its neighbours and docs/, each with its place and its language."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]

DOCUMENTS: Final = (
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)

_FENCE: Final = re.compile(r"^( *)(```+|~~~+)[ \t]*([^\n`]*)\n(.*?)^\1\2[ \t]*$", re.MULTILINE | re.DOTALL)
_INDENTED: Final = re.compile(r"(?:\A|\n)[ \t]*\n(?: {4}|\t)(?! *(?:[-*]|\d+\.) )\S[^\n]*")
_LISTED: Final = re.compile(r"^\s*(?:[-*]|\d+\.) ", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block: its document, the line of its fence, its language (empty if none is stated), its text."""

    document: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands, for a message."""
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def blocks_of(document: Path) -> list[Block]:
    """Return the fenced blocks of a document, in order."""
    return list(blocks_in(document, document.read_text(encoding="utf-8")))


def blocks_in(document: Path, text: str) -> Iterator[Block]:
    """Return the fenced blocks of a text."""
    for found in _FENCE.finditer(text):
        indent, _, information, body = found.groups()
        plain = "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))
        yield Block(document, text.count("\n", 0, found.start()) + 1, information.strip(), plain)


def unfenced(text: str) -> list[str]:
    """Return the first lines of blocks that are only indented: they state no language, and no test would see them."""
    rest = _FENCE.sub("", text)
    paragraphs = re.split(r"\n[ \t]*\n", rest)
    return [
        paragraph.splitlines()[0]
        for before, paragraph in zip(["", *paragraphs], paragraphs, strict=False)
        if _INDENTED.match(f"\n\n{paragraph}") and not _LISTED.search(before)
    ]


def prose_of(document: Path) -> str:
    """Return a document without its blocks."""
    return _FENCE.sub("", document.read_text(encoding="utf-8"))
