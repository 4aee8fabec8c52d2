"""Every setting and option there is has an effect that a test shows; a name that means nothing is none of them."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path

import grpc
import psycopg
import pytest
from psycopg import pq

from creditd.config import Config
from tests.settings import effects
from tests.settings.effects import (
    DATABASE_OPTIONS,
    GRPC_OPTIONS,
    HTTP_CLIENT_OPTIONS,
    HTTP_OPTIONS,
    SESSION_SETTINGS,
    SETTINGS,
)
from tests.support.postgres import admin_url

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src/creditd").rglob("*.py"))
FAKES = ROOT / "src/creditd/development"
TABLES = {
    "SETTINGS": SETTINGS,
    "GRPC_OPTIONS": GRPC_OPTIONS,
    "HTTP_OPTIONS": HTTP_OPTIONS,
    "HTTP_CLIENT_OPTIONS": HTTP_CLIENT_OPTIONS,
    "DATABASE_OPTIONS": DATABASE_OPTIONS,
    "SESSION_SETTINGS": SESSION_SETTINGS,
}
LISTED = [(table, name) for table, names in TABLES.items() for name in names]
WHAT_TO_DO = "write a test that shows the effect, and name it in tests/settings/effects.py; or take the option out"

LEFT_OUT = {"long", "databases", "backups", "skip", "skipif", "xfail"}
"""Marks of tests that `make test` does not run, or whose outcome it does not heed."""

SETTING = re.compile(r"\bSET (?:LOCAL |SESSION )?(\w+) *(?:=|TO)|set_config\('(\w+)'|^(\w+)=\"?$")
"""In SQL, or on PostgreSQL's command line as a formatted string has it."""


@cache
def trees() -> dict[Path, ast.Module]:
    """Return every source, parsed."""
    return {file: ast.parse(file.read_text()) for file in SOURCES}


def nodes() -> Iterator[ast.AST]:
    """Yield every part of every source."""
    return (node for tree in trees().values() for node in ast.walk(tree))


def grpc_options() -> set[str]:
    """Return every name of an option of gRPC's in the sources."""
    return {name for text in texts() for name in re.findall(r"^grpc\.[a-z0-9_.]+$", text)}


def texts() -> Iterator[str]:
    """Yield every string in the sources, the parts of formatted ones too."""
    return (node.value for node in nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str))


def keys() -> Iterator[str]:
    """Yield every string by which something is put into a mapping."""
    for node in nodes():
        if isinstance(node, ast.Dict):
            yield from (key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            yield str(getattr(node.slice, "value", ""))


def keywords_of(*calls: str) -> set[str]:
    """Return the names of the arguments that are given to functions anywhere in the sources, but for the fakes."""
    return {
        keyword.arg
        for file, tree in trees().items()
        if not file.is_relative_to(FAKES)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in calls
        for keyword in node.keywords
        if keyword.arg
    }


def settings_of_postgresql() -> set[str]:
    """Return every setting that PostgreSQL has, as it says itself."""
    with psycopg.connect(admin_url()) as connection:
        return {name.lower() for (name,) in connection.execute("SELECT name FROM pg_settings")} | {"role"}


def set_in_sources() -> set[str]:
    """Return every word that is set somewhere as settings of PostgreSQL's are."""
    return set(keys()) | {name for text in texts() for groups in SETTING.findall(text) for name in groups if name}


def options_of_libpq() -> set[str]:
    """Return every option that libpq has."""
    return {option.keyword.decode() for option in pq.Conninfo.get_defaults()}


OTHERS = {"host", "hostaddr", "port", "password", "service", "user", "dbname"}
"""Options of libpq's that say where a database is; the sources take them apart and set none of them."""


def unlisted(names: set[str], table: Mapping[str, str]) -> set[str]:
    """Return what has no test in a table, and what stands there and is no more."""
    return names ^ table.keys()


def test_every_setting_is_listed() -> None:
    assert not unlisted({field.name for field in fields(Config)}, SETTINGS), WHAT_TO_DO


def test_every_option_of_grpc_is_listed() -> None:
    assert not unlisted(grpc_options(), GRPC_OPTIONS), WHAT_TO_DO
    assert keywords_of("grpc.aio.server", "grpc.aio.insecure_channel") == {"options"}, WHAT_TO_DO


def test_every_option_of_the_http_server_is_listed() -> None:
    assert not unlisted(keywords_of("uvicorn.Config"), HTTP_OPTIONS), WHAT_TO_DO


def test_every_option_of_the_http_client_is_listed() -> None:
    calls = ("httpx.AsyncClient", "httpx.Client", "httpx.Timeout", "httpx.Limits")
    assert not unlisted(keywords_of(*calls), HTTP_CLIENT_OPTIONS), WHAT_TO_DO


def test_every_option_of_the_database_is_listed() -> None:
    set_for_libpq = set(keys()) & options_of_libpq() - settings_of_postgresql() - OTHERS
    assert not unlisted(keywords_of("create_engine") | set_for_libpq, DATABASE_OPTIONS), WHAT_TO_DO


def test_every_setting_of_postgresql_is_listed() -> None:
    """Whether it is set for a session, by SQL, or on the command line of the embedded server."""
    assert not unlisted(set_in_sources() & settings_of_postgresql(), SESSION_SETTINGS), WHAT_TO_DO


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


@pytest.mark.parametrize(("table", "name"), LISTED)
def test_the_test_that_shows_it_is_run(table: str, name: str) -> None:
    """A function of a file of tests, which `make test` runs."""
    file, _, test = TABLES[table][name].partition("::")
    assert (ROOT / file).is_relative_to(ROOT / "tests"), WHAT_TO_DO
    assert Path(file).name.startswith("test_"), WHAT_TO_DO
    assert test in run_tests(ROOT / file), f"{file} has no {test} that is run: {WHAT_TO_DO}"


@cache
def run_tests(file: Path) -> set[str]:
    """Return the tests of a file that are run whenever tests are."""
    tree = ast.parse(file.read_text())
    whole = [
        node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    ]
    if LEFT_OUT & marks(*whole):
        return set()
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not LEFT_OUT & marks(*node.decorator_list)
    }


def marks(*nodes: ast.AST) -> set[str]:
    """Return the names of pytest's marks that stand in some code."""
    return {
        inner.attr
        for node in nodes
        for inner in ast.walk(node)
        if isinstance(inner, ast.Attribute) and ast.unparse(inner.value) == "pytest.mark"
    }


def test_nothing_is_listed_twice() -> None:
    """Where a key stands twice, the first of the two tests is forgotten without a word."""
    tables = [node for node in ast.walk(ast.parse(Path(effects.__file__).read_text())) if isinstance(node, ast.Dict)]
    assert len(tables) == len(TABLES)
    for table in tables:
        names = [key.value if isinstance(key, ast.Constant) else None for key in table.keys]
        assert None not in names, "each entry by itself"
        assert len(names) == len(set(names))
