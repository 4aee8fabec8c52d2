"""A listener that takes connections and says nothing: who connects to it is let go in time."""

import socket
from collections.abc import Iterator

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.exc import DBAPIError

from creditd.storage.connections import conninfo
from creditd.storage.connections.conninfo import CONNECT_TIMEOUT_SECONDS, with_defaults
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.failures import SaveFailure, classify

PATIENCE_SECONDS = 15
"""Several times what connecting may take, and far less than the 130 s for which the driver waits by itself."""


@pytest.fixture
def black_hole() -> Iterator[str]:
    """Return the URL of a listener whose system accepts connections, and which never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"postgresql://me@127.0.0.1:{listener.getsockname()[1]}/db"


@pytest.mark.timeout(PATIENCE_SECONDS)
@pytest.mark.parametrize("more", ["", "?connect_timeout=0", "?connect_timeout=3600"])
def test_nobody_waits_for_a_black_hole(black_hole: str, more: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever asks for more is given no more than this.
    monkeypatch.setattr(conninfo, "LONGEST_CONNECT_SECONDS", CONNECT_TIMEOUT_SECONDS)
    database = Database(DatabaseSettings(black_hole + more, role="", pool_size=1))
    with pytest.raises(DBAPIError) as caught, database.autocommit():
        pass
    assert classify(caught.value) is SaveFailure.TOO_SLOW
    database.close()


def test_the_other_end_of_a_connection_over_tcp_is_looked_for() -> None:
    """And an operator may say otherwise."""
    parts = conninfo_to_dict(with_defaults("postgresql://me@db/credit"))
    assert (parts["keepalives_idle"], parts["keepalives_interval"], parts["keepalives_count"]) == ("10", "5", "3")
    assert parts["tcp_user_timeout"] == "10000"
    assert parts["connect_timeout"] == str(CONNECT_TIMEOUT_SECONDS)
    assert conninfo_to_dict(with_defaults("postgresql://me@db/credit?keepalives_idle=60"))["keepalives_idle"] == "60"
