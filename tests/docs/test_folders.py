"""Each folder of the product says in a page what it is for, what holds in it, and who may call it."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ROOT / "src" / "creditd"
FOLDERS: Final = [*sorted(file.parent for file in SOURCES.glob("*/__init__.py")), SOURCES / "service" / "payments"]
DOCUMENTS: Final = [*(ROOT / "docs").rglob("*.md")]
PARTS: Final = ("**Purpose.**", "**Nouns.**", "**Invariants.**", "**Non-goals.**", "**Callers.**", "**Start with**")
MOST_LINES: Final = 25


def readme_of(folder: Path) -> str:
    """Return a folder's page."""
    return (folder / "README.md").read_text(encoding="utf-8")


def callers() -> dict[str, set[str]]:
    """Return who imports each folder, by the folder's path within the package."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in SOURCES.rglob("*.py"):
        own = file.relative_to(SOURCES).parts[0].removesuffix(".py")
        for module in imported(file):
            found[module.split(".")[1]].add(own)
            if module.startswith("creditd.service.payments"):
                found["service/payments"].add(own)
    return found


def imported(file: Path) -> Iterator[str]:
    """Yield the modules of ours that a file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("creditd."):
            yield node.module or ""
        elif isinstance(node, ast.ImportFrom) and node.module == "creditd":
            yield from (f"creditd.{name.name}" for name in node.names)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_has_a_page_of_its_own(folder: Path) -> None:
    page = readme_of(folder)
    assert [part for part in PARTS if part not in page] == []
    assert len(page.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_a_page_names_is_there(folder: Path) -> None:
    named = re.findall(r"`((?:\w+/)*(?:\w+\.py|\w+/))`", readme_of(folder))
    assert named
    assert [name for name in named if not (folder / name).exists()] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_nobody_else_calls_it(folder: Path) -> None:
    name = str(folder.relative_to(SOURCES))
    (line,) = re.findall(r"\*\*Callers\.\*\* (.*)", readme_of(folder))
    assert callers()[name] - {name.partition("/")[0]} <= set(re.findall(r"`(\w+)`", line))


@pytest.mark.parametrize("page", ["README.md", "tests/README.md", *sorted(str(p.relative_to(ROOT)) for p in DOCUMENTS)])
def test_files_that_a_page_names_are_there(page: str) -> None:
    files = [f"/{file.relative_to(ROOT)}" for part in ("src", "tests") for file in (ROOT / part).rglob("*.py")]
    named = re.findall(r"`([\w/]+\.py)`", (ROOT / page).read_text(encoding="utf-8"))
    assert [name for name in named if not any(file.endswith(f"/{name}") for file in files)] == []


def test_a_decision_has_a_number_of_its_own() -> None:
    numbers = Counter(file.name[:4] for file in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [number for number, files in numbers.items() if files > 1] == []
