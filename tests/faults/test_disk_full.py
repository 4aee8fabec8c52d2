"""PostgreSQL reports again and again for a while that its disk is full; reading goes on.

No disk is filled: a limit on the size of files gives another error than a full disk does, and a small file system of
one's own takes root. The error is PostgreSQL's own, raised where it would be: while a batch is being written.
"""

import time
from functools import partial
from pathlib import Path

import psycopg
import pytest

from credit.v1.credit_service_pb2 import GetBalanceRequest
from creditd.development.postgres import EmbeddedPostgres
from tests.faults.arena import arena
from tests.faults.client import SPENDER, Client
from tests.faults.duration import rounds
from tests.faults.load import Load
from tests.faults.mix import HOT, Mix
from tests.support.patience import eventually

FULL_SECONDS = 0.5

_PREPARE = """
CREATE FUNCTION report_full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$
"""
_FILL = "CREATE TRIGGER full_disk AFTER INSERT ON entries FOR EACH STATEMENT EXECUTE FUNCTION report_full_disk()"
_FREE = "DROP TRIGGER full_disk ON entries"


@pytest.mark.requirement("A7", "H2")
@rounds(10)
def test_a_full_disk_stops_writing_alone_and_only_while_it_is_full(
    postgres: EmbeddedPostgres, tmp_path: Path, rounds: int
) -> None:
    with arena(postgres, tmp_path) as place, place.client(Client) as client:
        load = Load(client, Mix())
        with psycopg.connect(place.database_url, autocommit=True) as connection, load.run():
            connection.execute(_PREPARE)
            for _ in range(rounds):
                load.await_more(200)
                before = client.failures["UNAVAILABLE"]
                connection.execute(_FILL)
                time.sleep(FULL_SECONDS)
                # Also where a busy machine has written nothing in this time.
                eventually(partial(is_refused_since, client, before))
                client.stubs[0].GetBalance(GetBalanceRequest(account_id=HOT), timeout=1, metadata=SPENDER)
                connection.execute(_FREE)
            load.await_more(200)
        refused = client.failures["UNAVAILABLE"]
        place.conclude(f"disk full x{rounds}", load, f", answered UNAVAILABLE {refused}")
        assert refused >= rounds


def is_refused_since(client: Client, before: int) -> bool:
    """Tell whether somebody was told to come again since there were as many."""
    return client.failures["UNAVAILABLE"] > before
