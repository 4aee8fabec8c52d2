"""Calls whose deadlines pass at every point: before they are sent, in the queue, amid the batch, on the way back."""

import random
from pathlib import Path

import pytest

from creditd.development.postgres import EmbeddedPostgres
from tests.faults.arena import arena
from tests.faults.client import Client
from tests.faults.duration import rounds
from tests.faults.load import TIMEOUT_SECONDS, Load
from tests.faults.mix import Mix
from tests.faults.operations import Operation

LONGEST_SECONDS = 0.03
HASTY_TRIES = 3


def hasty(operation: Operation) -> float:
    """Wait for next to nothing, and for the last try as long as it takes."""
    return random.uniform(0, LONGEST_SECONDS) if operation.tries < HASTY_TRIES else TIMEOUT_SECONDS


@pytest.mark.requirement("A7", "H3")
@rounds(20)
def test_a_deadline_that_passes_leaves_an_operation_done_once_or_not_at_all(
    postgres: EmbeddedPostgres, tmp_path: Path, rounds: int
) -> None:
    with arena(postgres, tmp_path) as place, place.client(Client) as client:
        load = Load(client, Mix(), hasty)
        with load.run():
            for _ in range(rounds):
                load.await_more(400)
        missed = client.failures["DEADLINE_EXCEEDED"]
        place.conclude("deadlines of 0-30 ms", load, f", deadlines missed {missed}")
        assert missed
