"""Every setting and option there is has an effect that a test shows; a name that means nothing is none of them."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

import grpc
import pytest

from creditd.config import Config
from creditd.storage.connections import conninfo
from tests.settings.effects import DATABASE_OPTIONS, GRPC_OPTIONS, HTTP_OPTIONS, SETTINGS

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src/creditd").rglob("*.py"))
TABLES = {**SETTINGS, **GRPC_OPTIONS, **HTTP_OPTIONS, **DATABASE_OPTIONS}
WHAT_TO_DO = "write a test that shows the effect, and name it in tests/settings/effects.py; or take the option out"


def grpc_options() -> set[str]:
    """Return every name of an option of gRPC's in the sources."""
    return {name for file in SOURCES for name in re.findall(r'"(grpc\.[a-z0-9_.]+)"', file.read_text())}


def keywords_of(call: str) -> set[str]:
    """Return the names of the arguments that are given to a function anywhere in the sources."""
    return {
        keyword.arg
        for file in SOURCES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == call
        for keyword in node.keywords
        if keyword.arg
    }


def unlisted(names: set[str], table: Mapping[str, str]) -> set[str]:
    """Return what has no test in a table, and what stands there and is no more."""
    return names ^ table.keys()


def test_every_setting_is_listed() -> None:
    assert not unlisted({field.name for field in fields(Config)}, SETTINGS), WHAT_TO_DO


def test_every_option_of_grpc_is_listed() -> None:
    assert not unlisted(grpc_options(), GRPC_OPTIONS), WHAT_TO_DO


def test_every_option_of_the_http_server_is_listed() -> None:
    assert not unlisted(keywords_of("uvicorn.Config"), HTTP_OPTIONS), WHAT_TO_DO


def test_every_option_of_the_database_is_listed() -> None:
    stated = keywords_of("create_engine") | conninfo.DEFAULTS.keys() | {"client_encoding"}
    assert not stated - DATABASE_OPTIONS.keys(), WHAT_TO_DO


def known_to(library: Path, names: set[str]) -> Iterator[str]:
    """Yield those of the names that stand in a library."""
    content = library.read_bytes()
    return (name for name in names if name.encode() + b"\0" in content)


def test_every_option_of_grpc_is_one_that_grpc_knows() -> None:
    """A misspelt name is taken without a word and does nothing."""
    (library,) = Path(grpc.__file__).parent.glob("_cython/cygrpc*.so")
    assert set(known_to(library, grpc_options())) == grpc_options(), grpc.__version__
    # The name that stood here once, and cut clients with keepalive off.
    assert not set(known_to(library, {"grpc.http2.min_recv_ping_interval_without_data_ms"}))


@pytest.mark.parametrize("name", TABLES)
def test_the_test_that_shows_it_is_there(name: str) -> None:
    file, _, test = TABLES[name].partition("::")
    tests = {
        node.name
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert not test or test in tests, f"{file} has no {test}: {WHAT_TO_DO}"
