"""What Citus relays of another server comes as XX000 with the words alone, and means what it means there."""

import psycopg
import pytest

from creditd.storage.failures import SaveFailure, classify, is_of_one_server
from tests.support.postgres import admin_url

RELAYED = (
    ('duplicate key value violates unique constraint "entries_request_102008"', SaveFailure.KNOWN_REQUEST),
    ('duplicate key value violates unique constraint "entries_pkey_102040"', SaveFailure.MOVED),
    ('duplicate key value violates unique constraint "accounts_pkey_102009"', SaveFailure.MOVED),
    ('duplicate key value violates unique constraint "grants_pkey_102010"', SaveFailure.OTHER),
    ("deadlock detected", SaveFailure.MOVED),
    ("canceling the transaction since it was involved in a distributed deadlock", SaveFailure.MOVED),
    ("could not serialize access due to concurrent update", SaveFailure.MOVED),
    ("canceling statement due to lock timeout", SaveFailure.LOCKED),
    ("canceling statement due to statement timeout", SaveFailure.TOO_SLOW),
    ("connection to the remote node worker-2:5432 failed", SaveFailure.UNAVAILABLE),
    ("terminating connection due to administrator command", SaveFailure.UNAVAILABLE),
    ("cache lookup failed for relation 4711", SaveFailure.OTHER),
)


def raised(words: str, code: str, constraint: str = "") -> psycopg.Error:
    """Have PostgreSQL raise an error, and return it."""
    using = f"ERRCODE = '{code}'" + (f", CONSTRAINT = '{constraint}'" if constraint else "")
    with psycopg.connect(admin_url()) as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(f"DO $$ BEGIN RAISE '{words}' USING {using}; END $$".encode())
    return caught.value


@pytest.mark.requirement("I6")
@pytest.mark.parametrize(("words", "meant"), RELAYED)
def test_it_is_read_from_the_words(words: str, meant: SaveFailure) -> None:
    assert classify(raised(words, "XX000")) is meant


@pytest.mark.requirement("I6")
def test_the_number_of_a_shard_is_no_part_of_a_constraint() -> None:
    assert classify(raised("whatever", "23505", "entries_request_102008")) is SaveFailure.KNOWN_REQUEST
    assert classify(raised("whatever", "23505", "entries_request")) is SaveFailure.KNOWN_REQUEST


def test_an_error_of_another_code_is_not_read_from_its_words() -> None:
    assert classify(raised('duplicate key value violates unique constraint "entries_request"', "P0001")) is (
        SaveFailure.OTHER
    )


@pytest.mark.requirement("I6")
def test_a_server_that_is_away_takes_no_connection_to_the_coordinator_with_it() -> None:
    assert is_of_one_server(raised("connection to the remote node worker-2:5432 failed", "08006"))
    assert not is_of_one_server(raised("the database system is shutting down", "57P03"))
