"""How the tests are put together, as tests/README.md has it."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

FOLDER = ROOT / "tests"

RAISES_BY_ITSELF = {
    "test_a_time_up_to_the_tolerance_away_is_recent",
    "test_a_token_of_the_first_version_opens",
    "test_terms_that_fit_together_are_taken",
    "test_what_is_shown_of_a_file_can_be_read",
}
"""Tests that only call what is tested: it raises where they are to fail."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Import(NamedTuple):
    """That one module of the tests imports from another."""

    by: str
    of: str


@cache
def modules() -> dict[str, ast.Module]:
    """Parse every module of the tests; by its name."""
    files = sorted(FOLDER.rglob("*.py"))
    return {name_of(file): ast.parse(file.read_text(encoding="utf-8")) for file in files}


def name_of(file: Path) -> str:
    """Return the name by which a file is imported."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports() -> Iterator[Import]:
    """Give every import of a module of the tests by another."""
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tests"):
                named = {f"{node.module}.{alias.name}" for alias in node.names} & modules().keys()
                yield from (Import(name, of) for of in named or {node.module})


def folder_of(name: str) -> str:
    """Return the folder of tests/ that a module is in; of its own if it is in none."""
    return name.split(".")[1]


def functions(tree: ast.AST) -> Iterator[Function]:
    """Give the functions of a module or a function, those within others too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def looks(function: Function) -> bool:
    """Tell whether a function has an assertion of its own, or raises."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert | ast.Raise):
            return True
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.raises":
            return True
    return False


def called(function: Function) -> set[str]:
    """Return the names of what a function calls."""
    calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}


@cache
def looking() -> frozenset[str]:
    """Return the names of the functions that look at something themselves, or call one of the tests' that does."""
    everything = [function for tree in modules().values() for function in functions(tree)]
    found = {function.name for function in everything if looks(function)}
    calls = {function.name: called(function) for function in everything}
    while more := {name for name in calls.keys() - found if calls[name] & found}:
        found |= more
    return frozenset(found)


def test_no_test_is_imported() -> None:
    assert [one for one in imports() if one.of.rpartition(".")[2].startswith("test_")] == []


def test_what_several_folders_use_stands_in_support() -> None:
    users = defaultdict(set)
    for by, of in imports():
        users[of].add(folder_of(by))
    elsewhere = {of: by for of, by in users.items() if folder_of(of) != "support" and by - {folder_of(of)}}
    assert elsewhere == {}


def test_no_two_helpers_have_one_name() -> None:
    packages = {name.rpartition(".")[0] for name in modules()}
    files = defaultdict(list)
    for name in modules().keys() - packages:
        short = name.rpartition(".")[2]
        if not short.startswith(("test_", "__", "conftest")):
            files[short].append(name)
    assert [names for names in files.values() if len(names) > 1] == []


def test_every_test_looks_at_something() -> None:
    tests = {
        f"{name}.{function.name}": function.name
        for name, tree in modules().items()
        for function in functions(tree)
        if function.name.startswith("test_")
    }
    assert [full for full, short in tests.items() if short not in looking() | RAISES_BY_ITSELF] == []


def test_those_that_do_not_are_there() -> None:
    names = {function.name for tree in modules().values() for function in functions(tree)}
    assert names >= RAISES_BY_ITSELF


def test_every_folder_is_explained() -> None:
    explained = (FOLDER / "README.md").read_text(encoding="utf-8")
    folders = {folder_of(name) for name in modules() if name.count(".") > 1}
    assert [folder for folder in sorted(folders) if f"`{folder}/`" not in explained] == []
