"""Array literals hold any value that goes into them."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from creditd.storage.arrays import flags, identifiers, numbers, texts
from creditd.storage.database import Connection, Database, DatabaseSettings
from tests.storage.texts import NASTY
from tests.support.postgres import admin_url

ANY_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
"""PostgreSQL's text holds every character but NUL; the edge refuses that one."""


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """Provide a connection."""
    database = Database(DatabaseSettings(admin_url(), role=""))
    with database.autocommit() as connection:
        yield connection
    database.close()


@pytest.mark.parametrize(
    ("write", "kind", "elements"),
    [
        (texts, "text[]", st.none() | ANY_TEXT | st.sampled_from(NASTY)),
        (numbers, "bigint[]", st.none() | st.integers(-(2**63), 2**63 - 1)),
        (flags, "boolean[]", st.booleans()),
        (identifiers, "uuid[]", st.none() | st.uuids().map(str)),
    ],
    ids=["texts", "numbers", "flags", "identifiers"],
)
def test_an_array_holds_what_was_written_into_it(
    connection: Connection, write: Callable[[object], str], kind: str, elements: st.SearchStrategy[object]
) -> None:
    some = st.lists(elements, max_size=8)
    repeated = st.builds(
        lambda value, others, count: [value, *others, value] * count, elements, some, st.integers(1, 3)
    )

    @settings(deadline=None, max_examples=100)
    @given(some | repeated)
    def round_trip(values: list[object]) -> None:
        read = connection.execute(text(f"SELECT CAST(:values AS {kind})"), {"values": write(values)}).scalar_one()
        assert [str(value) if isinstance(value, UUID) else value for value in read] == values

    round_trip()


def test_every_text_that_means_something_elsewhere_is_just_a_text(connection: Connection) -> None:
    read = connection.execute(text("SELECT CAST(:values AS text[])"), {"values": texts(NASTY)}).scalar_one()
    assert read == NASTY


@pytest.mark.parametrize("nasty", NASTY)
def test_one_text_that_needs_care_leaves_the_others_as_they_are(connection: Connection, nasty: str) -> None:
    values = ["plain", nasty, "also plain"]
    assert connection.execute(text("SELECT CAST(:values AS text[])"), {"values": texts(values)}).scalar_one() == values


def test_json_in_a_text_array_comes_back_as_json(connection: Connection) -> None:
    documents = ['{"a": "\\"}{,\\\\"}', "[]", None]
    asked = text("SELECT CAST(CAST(:values AS jsonb[]) AS text[])")
    assert connection.execute(asked, {"values": texts(documents)}).scalar_one() == documents


def test_an_empty_array_is_empty(connection: Connection) -> None:
    assert connection.execute(text("SELECT cardinality(CAST(:n AS text[]))"), {"n": texts([])}).scalar_one() == 0
