"""How large a batch may be, by how many works there are at once."""

import pytest

from creditd.ledger.crowd import LEAST_HALF, SAVES_REMEMBERED, Crowd


@pytest.mark.parametrize(("works", "half"), [(1, LEAST_HALF), (2 * LEAST_HALF + 1, LEAST_HALF + 1), (64, 32)])
def test_a_batch_holds_half_of_those_that_there_are(works: int, half: int) -> None:
    crowd = Crowd()
    crowd.see(works)
    assert crowd.half == half


def test_those_on_their_way_back_are_counted_and_those_that_are_gone_are_forgotten() -> None:
    crowd = Crowd()
    crowd.see(64)
    crowd.note_save()
    crowd.see(20)
    assert crowd.half == 31
    for _ in range(4 * SAVES_REMEMBERED):
        crowd.see(20)
        crowd.note_save()
    assert crowd.half == 10
