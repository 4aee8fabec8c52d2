"""Two servers with two sweeps on one database, with holds that end all the time."""

from pathlib import Path

import psycopg
import pytest

from creditd.development.postgres import EmbeddedPostgres
from tests.faults.arena import arena
from tests.faults.client import Client
from tests.faults.duration import rounds
from tests.faults.load import Load
from tests.faults.mix import Mix
from tests.support.patience import eventually
from tests.support.postgres_faults import said_meanwhile

_OVERDUE = "SELECT count(*) FROM reservations WHERE state = 1 AND expire_time < now() + interval '10 seconds'"

_RELEASES = """
SELECT n, count(*) FROM (
    SELECT reservation_id, (SELECT count(*) FROM entries AS e WHERE e.account_id = r.account_id
                            AND e.reservation_id = r.reservation_id AND e.kind = 11) AS n
    FROM reservations AS r WHERE state = 4) AS expired
GROUP BY n
"""


@pytest.mark.requirement("A2", "I6")
@rounds(20)
def test_two_sweeps_release_each_expired_hold_once(postgres: EmbeddedPostgres, tmp_path: Path, rounds: int) -> None:
    errors = said_meanwhile(postgres)
    with arena(postgres, tmp_path, servers=2, sweep_interval_seconds=0.2) as place, place.client(Client) as client:
        load = Load(client, Mix(short_share=0.3))
        with load.run():
            for _ in range(rounds):
                load.await_more(500)
        with psycopg.connect(place.database_url, autocommit=True) as connection:
            eventually(lambda: connection.execute(_OVERDUE).fetchone() == (0,))
            releases: dict[int, int] = dict(connection.execute(_RELEASES).fetchall())
        place.conclude(
            "two servers, two sweeps",
            load,
            f", released {releases.get(1, 0)}, conflicts {place.counted('conflicts')}, "
            f"retries {place.counted('retries')}, answered VERSION_CONFLICT {client.failures['ABORTED']}",
        )
        assert releases.keys() == {1}
        assert errors() == []
