"""The sealer: bounded rounds, that go on where the last one ended and keep nobody waiting (requirement D2)."""

from itertools import pairwise

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from creditd.service.controls import seal_plan, sealer
from creditd.storage.controls import seals
from tests.support.desk import Desk, desk_at
from tests.support.sealing import ACCOUNTS, SECONDS_TO_SEAL, chain, held, ledgers, seal_all, sealed_to, sealing
from tests.support.statements import statements_of
from tests.support.works import deduct

pytestmark = pytest.mark.requirement("D2", "A6")


def test_what_is_younger_than_the_horizon_is_not_sealed(desk: Desk) -> None:
    """Another server may still commit an event that comes before; and an entry is sealed with those after it."""
    one = sealing(desk)
    assert one.seal_once(rests=False) is None
    desk.clock.advance(SECONDS_TO_SEAL)
    assert one.seal_once(rests=False) is not None
    assert held(desk) == [(9, 0), (0, 3)]
    assert one.seal_once(rests=False) is None


def small_rounds(patch: pytest.MonkeyPatch, *, entries: int, stretch: int) -> None:
    """Have rounds seal so many entries, in stretches of so many."""
    patch.setattr(seal_plan, "ENTRIES_AT_A_TIME", entries)
    patch.setattr(seal_plan, "STRETCH_ENTRIES", stretch)


def test_a_round_is_bounded_and_the_next_goes_on_where_it_ended(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the middle of a wallet; of events and entries, and of the statements that it takes."""
    monkeypatch.setattr(sealer, "EVENTS_AT_A_TIME", 4)
    small_rounds(monkeypatch, entries=6, stretch=2)
    desk.clock.advance(SECONDS_TO_SEAL)
    one, statements = sealing(desk), list[int]()
    with statements_of(desk.database) as seen:
        while one.seal_once(rests=False):
            statements.append(len(seen) - sum(statements))
    assert held(desk) == [(4, 0), (0, 3), (4, 0), (0, 3), (1, 0), (0, 3)]
    assert sealed_to(desk) == {account: [2, 4, 5] for account in ACCOUNTS}
    # Four for events; for entries five, one for those that are behind, and one for each pass.
    assert max(statements) <= 4 + 6 + 1
    assert (chain(desk), ledgers(desk)) == ([], [])


def test_a_wallet_with_much_to_be_sealed_keeps_nobody_waiting(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rounds move past it, and what room they have is its."""
    small_rounds(monkeypatch, entries=4, stretch=2)
    for _ in range(25):
        desk.do(deduct("ann", 1))
    desk.clock.advance(SECONDS_TO_SEAL)
    one = sealing(desk)
    one.seal_once(rests=False)
    assert sealed_to(desk) == {"ann": [2], "bob": [2]}
    one.seal_once(rests=False)
    assert sealed_to(desk) == {"ann": [2, 4], "bob": [2], "eve": [2]}
    while one.seal_once(rests=False):
        # Somebody else always has something, and it is sealed at once.
        desk.do(deduct("eve", 1))
        desk.clock.advance(SECONDS_TO_SEAL)
        if len(held(desk)) > 40:
            break
    assert sealed_to(desk)["ann"][-1] == 30
    assert sealed_to(desk)["bob"][-1] == 5
    assert all(last - first <= 2 for found in sealed_to(desk).values() for first, last in pairwise([0, *found]))
    assert (chain(desk), ledgers(desk)) == ([], [])


def test_what_one_server_has_left_behind_another_finds(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    small_rounds(monkeypatch, entries=4, stretch=2)
    desk.clock.advance(SECONDS_TO_SEAL)
    for _ in range(10):
        sealing(desk).seal_once(rests=False)
    assert {account: found[-1] for account, found in sealed_to(desk).items()} == dict.fromkeys(ACCOUNTS, 5)
    assert (chain(desk), ledgers(desk)) == ([], [])


def test_a_wallet_that_moves_all_the_time_has_few_seals(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seal is as long as the horizon, or a whole stretch."""
    seal_all(desk)
    one = sealing(desk)
    for _ in range(20):
        desk.do(deduct("ann", 1))
        desk.clock.advance(5)
        one.seal_once(rests=False)
    assert sealed_to(desk)["ann"] == [5]
    monkeypatch.setattr(seal_plan, "STRETCH_ENTRIES", 8)
    one.seal_once(rests=False)
    assert sealed_to(desk)["ann"] == [5, 13, 21]
    desk.clock.advance(SECONDS_TO_SEAL)
    one.seal_once(rests=False)
    assert sealed_to(desk)["ann"] == [5, 13, 21, 25]
    assert (chain(desk), ledgers(desk)) == ([], [])


@pytest.mark.parametrize(
    ("prevented", "done"),
    [
        ("ALTER TABLE entry_seals ADD CONSTRAINT none CHECK (first_version < 0) NOT VALID", [(9, 0)]),
        ("ALTER TABLE audit_events RENAME COLUMN event_id TO elsewhere", [(0, 3)]),
    ],
    ids=["ledgers", "the audit log"],
)
def test_what_keeps_ledgers_from_being_sealed_leaves_the_audit_log_alone(
    desk: Desk, prevented: str, done: list[tuple[int, int]]
) -> None:
    """And the other way round."""
    desk.clock.advance(SECONDS_TO_SEAL)
    with psycopg.connect(desk.url) as owner:
        owner.execute(prevented.encode())
    with pytest.raises(DBAPIError):
        sealing(desk).seal_once(rests=False)
    assert held(desk) == done


def test_a_round_looks_at_so_many_wallets_and_comes_round_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealer, "WALLETS_AT_A_TIME", 2)
    desk.clock.advance(SECONDS_TO_SEAL)
    one = sealing(desk)
    for _ in range(2):
        one.seal_once(rests=False)
    assert held(desk) == [(9, 0), (0, 2), (0, 1)]
    desk.do(deduct("ann", 1))
    desk.clock.advance(SECONDS_TO_SEAL)
    one.seal_once(rests=False)
    assert held(desk)[-1] == (0, 1)
    assert ledgers(desk) == []


def test_one_server_seals_at_a_time_and_none_soon_after_another(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.clock.advance(SECONDS_TO_SEAL)
    with desk_at(desk.url) as other:
        with psycopg.connect(desk.url) as busy:
            busy.execute("SELECT 1 FROM sealing FOR UPDATE")
            assert sealing(desk).seal_once(rests=False) is None
        assert sealing(desk).seal_once() is not None
        desk.do(deduct("ann", 1))
        monkeypatch.setattr(seal_plan, "STRETCH_ENTRIES", 1)
        other.clock.advance(SECONDS_TO_SEAL)
        assert sealing(other).seal_once() is None
        assert sealing(other).seal_once(rests=False) is not None
    assert (chain(desk), ledgers(desk)) == ([], [])


def test_two_that_seal_the_same_are_told_apart_by_the_key(desk: Desk) -> None:
    """Even if the row that is to hold one of them off did not."""
    seal_all(desk)
    with desk.database.autocommit() as connection:
        head = seals.head(connection)
        assert head is not None
        with pytest.raises(Exception, match="audit_seals_pkey"):
            seals.append_seal(connection, head)
