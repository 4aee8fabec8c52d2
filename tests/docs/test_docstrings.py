"""Docstrings name errors that exist: a caller catches what they promise."""

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

SOURCES: Final = Path(__file__).parents[2] / "src"
MODULES: Final = sorted(SOURCES.rglob("*.py"))

_PROMISE: Final = re.compile(r"\bRaises?\s(.*?)(?=\.(?:\s|$)|;|\s(?:for|if|in|unless|where)\s|$)", re.DOTALL)
_NAME: Final = re.compile(r"(?<![.\w])[A-Z]\w*[a-z]\w*\b")


def classes_of(tree: ast.AST) -> Iterator[str]:
    """Return the classes that a module defines."""
    return (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def imported_by(tree: ast.AST) -> Iterator[str]:
    """Return the names that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


def errors_named(docstring: str) -> set[str]:
    """Return the errors that a docstring says are raised."""
    return {name for promise in _PROMISE.findall(docstring) for name in _NAME.findall(promise)}


def promised_by(tree: ast.AST) -> set[str]:
    """Return the errors that a module's docstrings say are raised."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docstrings = (ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, documented))
    return {name for docstring in docstrings for name in errors_named(docstring)}


def test_every_error_that_a_docstring_promises_exists() -> None:
    trees = {module: ast.parse(module.read_text(encoding="utf-8")) for module in MODULES}
    ours = {name for tree in trees.values() for name in classes_of(tree)} | {*dir(builtins)}
    unknown = {
        f"{module.relative_to(SOURCES)}: {name}"
        for module, tree in trees.items()
        for name in promised_by(tree) - ours - {*imported_by(tree)}
    }
    assert not unknown


@pytest.mark.parametrize(
    ("docstring", "errors"),
    [
        ("Do it. Raises Overloaded, ShuttingDown if it is late.", {"Overloaded", "ShuttingDown"}),
        ("Do it. Raises\nMisfit for one that is not ours. Credits stay.", {"Misfit"}),
        ("Raise nothing of note; Credits stay.", set()),
    ],
)
def test_the_errors_of_a_docstring_are_found(docstring: str, errors: set[str]) -> None:
    assert errors_named(docstring) == errors
