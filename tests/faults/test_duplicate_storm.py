"""Every request is sent five times at once through two servers."""

from pathlib import Path

import pytest

from creditd.development.postgres import EmbeddedPostgres
from tests.faults.arena import arena
from tests.faults.duration import rounds
from tests.faults.load import Load
from tests.faults.mix import Mix
from tests.faults.storm import COPIES, StormClient
from tests.support.postgres_faults import said_meanwhile

CALLERS = 8
"""Each with five calls at once."""


@pytest.mark.requirement("A7", "I6")
@rounds(20)
def test_a_request_sent_five_times_at_once_has_one_effect_and_one_answer(
    postgres: EmbeddedPostgres, tmp_path: Path, rounds: int
) -> None:
    errors = said_meanwhile(postgres)
    with arena(postgres, tmp_path, servers=2) as place, place.client(StormClient) as client:
        load = Load(client, Mix())
        with load.run(CALLERS):
            for _ in range(rounds):
                load.await_more(200)
        gave_up = client.failures["ABORTED"]
        place.conclude(
            f"each request x{COPIES} at two servers",
            load,
            f", differing answers {client.differing}, answered VERSION_CONFLICT {gave_up}",
        )
        assert errors() == []
