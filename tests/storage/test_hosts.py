"""Of several hosts the one that took the last connection is tried first: one that hangs costs a time-out."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from creditd.storage.connections.hosts import Hosts
from creditd.storage.connections.presence import Presence
from creditd.storage.connections.turns import Turn
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.schema import schema_head
from tests.support.databases import migrated_database

CONNECT_SECONDS = 2
"""The shortest that the driver takes."""


class Hanging:
    """A host that takes connections and never says a word, as a server does that is frozen."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.port = listener.getsockname()[1]

    def taken(self) -> int:
        """Return how many connections it took since it was last asked."""
        count = 0
        with suppress(BlockingIOError):
            while True:
                self._listener.accept()[0].close()
                count += 1
        return count


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """Provide one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield Hanging(listener)


@contextmanager
def behind(hanging: Hanging) -> Iterator[str]:
    """Give the URL of a database that names a hanging host before its own."""
    with migrated_database() as url:
        own = conninfo_to_dict(url)
        hosts = {"host": f"127.0.0.1,{own['host']}", "port": f"{hanging.port},{own['port']}"}
        yield make_conninfo(url, **hosts, connect_timeout=CONNECT_SECONDS)


@pytest.mark.requirement("I6")
def test_a_host_that_hangs_is_tried_once_and_not_at_each_connection(hanging: Hanging) -> None:
    with behind(hanging) as url:
        database = Database(DatabaseSettings(url, pool_size=3))
        batches = database.for_batches()
        with database.autocommit():
            assert hanging.taken() == 1
            with database.autocommit(), batches.autocommit(), database.logged_in():
                assert hanging.taken() == 0
        batches.close()
        database.close()


@pytest.mark.requirement("I6")
def test_a_server_shows_that_it_is_live_though_connecting_took_longer_than_a_look(hanging: Hanging) -> None:
    with behind(hanging) as url:
        database = Database(DatabaseSettings(url))
        presence = Presence(database, schema_head())
        with Turn(CONNECT_SECONDS / 2).taken():
            assert presence.is_shown()
        assert hanging.taken() == 1
        assert presence.is_shown()
        presence.close()
        database.close()


@pytest.mark.parametrize(
    ("conninfo", "host", "port", "after"),
    [
        ("host=a,b port=1,2", "b", 2, {"host": "b,a", "port": "2,1"}),
        ("host=a,b,c port=1,2,3", "c", 3, {"host": "c,a,b", "port": "3,1,2"}),
        ("host=a,b port=1,2", "a", 1, {"host": "a,b", "port": "1,2"}),
        ("host=a,b port=5", "b", 5, {"host": "b,a", "port": "5,5"}),
        ("host=a,b", "b", 5432, {"host": "b,a"}),
        ("host=a,a port=1,2", "a", 2, {"host": "a,a", "port": "2,1"}),
        ("host=a,b hostaddr=10.0.0.1,10.0.0.2 port=1,2", "b", 2, {"host": "b,a", "hostaddr": "10.0.0.2,10.0.0.1"}),
        ("hostaddr=10.0.0.1,10.0.0.2", "10.0.0.2", 5432, {"hostaddr": "10.0.0.2,10.0.0.1"}),
        ("host=a port=1", "a", 1, {"host": "a", "port": "1"}),
        ("service=credit", "a", 1, {"service": "credit"}),
    ],
)
def test_the_rest_keeps_its_order_and_each_host_its_port(
    conninfo: str, host: str, port: int, after: dict[str, str]
) -> None:
    hosts = Hosts(make_conninfo(conninfo, dbname="credit"))
    hosts.prefer(host, port)
    parts = conninfo_to_dict(hosts.conninfo)
    assert {name: parts[name] for name in after} == after
    assert parts["dbname"] == "credit"


def test_the_order_comes_round_again() -> None:
    hosts = Hosts("host=a,b port=1,2")
    hosts.prefer("b", 2)
    hosts.prefer("a", 1)
    assert conninfo_to_dict(hosts.conninfo)["host"] == "a,b"
    assert conninfo_to_dict(hosts.conninfo)["port"] == "1,2"
