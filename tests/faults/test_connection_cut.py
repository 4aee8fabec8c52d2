"""The connection between server and PostgreSQL is cut before, within and after statements and COMMITs."""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from creditd.development.postgres import EmbeddedPostgres
from tests.faults.arena import arena
from tests.faults.client import Client
from tests.faults.duration import rounds
from tests.faults.load import Load
from tests.faults.mix import Mix
from tests.support.cutting_proxy import Point, proxy_to

SECONDS_FOR_A_MOMENT = 10.0

SAVE_BYTES = 1_000
"""A statement of this size saves a batch: its parameters are the columns of rows."""


def is_save(message: bytes) -> bool:
    """Tell whether a message saves a batch, which commits by itself."""
    return len(message) >= SAVE_BYTES


def is_commit(message: bytes) -> bool:
    """Tell whether a message is a COMMIT."""
    return b"COMMIT\0" in message


MOMENTS = {
    **{f"{point.name} of a statement": (is_save, point) for point in Point},
    **{f"{point.name} of a COMMIT": (is_commit, point) for point in (Point.BEFORE, Point.AFTER, Point.BEFORE_ANSWER)},
}

ALL_AT_ONCE = "all connections, wherever they stand"


@pytest.mark.requirement("A7")
@rounds(20)
def test_a_connection_cut_around_a_commit_leaves_nothing_in_doubt(
    postgres: EmbeddedPostgres, tmp_path: Path, rounds: int
) -> None:
    came: Counter[str] = Counter()
    with (
        proxy_to(postgres.tcp_url) as (proxy, _),
        arena(postgres, tmp_path, through_port=proxy.port) as place,
        place.client(Client) as client,
    ):
        # New accounts are opened within a transaction, with a COMMIT of its own to cut at.
        load = Load(client, Mix(newcomer_share=0.2))
        with load.run():
            for _ in range(rounds):
                for moment in random.sample([*MOMENTS, ALL_AT_ONCE], len(MOMENTS) + 1):
                    load.await_more(50)
                    time.sleep(random.uniform(0, 0.02))
                    if moment == ALL_AT_ONCE:
                        proxy.cut_all()
                        came[moment] += 1
                    else:
                        came[moment] += proxy.has_cut(*MOMENTS[moment], SECONDS_FOR_A_MOMENT)
            load.await_more(200)
        assert place.servers[0].is_running
        place.conclude(f"connection cut x{came.total()}", load)
    assert came == dict.fromkeys([*MOMENTS, ALL_AT_ONCE], rounds)
