"""Copies in memory are trusted while they pay: not those of wallets that another server writes too."""

import psycopg
import pytest

from creditd.domain.errors import InsufficientCredit
from creditd.domain.wallet import WalletKey
from creditd.ledger import trust
from creditd.ledger.trust import CALM_SAVES, Trust
from creditd.ledger.work import Outcome
from tests.support.desk import Desk
from tests.support.ledger_books import Books
from tests.support.statements import statements_of
from tests.support.works import add, confirm, deduct, reservation_of, reserve


@pytest.fixture
def contended(desk: Desk, other: Desk, account: str) -> str:
    """Provide an account that the desk knows another server to write too."""
    desk.do(add(account, 1_000))
    other.do(deduct(account, 1))
    desk.do(deduct(account, 1))
    assert (desk.statistics.conflicts, desk.statistics.stale_copies) == (1, 1)
    return account


def test_servers_that_take_turns_meet_one_conflict_each(
    desk: Desk, other: Desk, contended: str, books: Books, *, is_polled: bool
) -> None:
    for _ in range(10):
        other.do(deduct(contended, 1))
        desk.do(deduct(contended, 1))
    assert (desk.statistics.conflicts, other.statistics.conflicts) == (1, 1)
    # What met a conflict is locked at once by a writer with a thread of its own, and shared by one that is polled.
    assert (desk.statistics.shared, other.statistics.shared) == (10 + is_polled, 9 + is_polled)
    assert books.are_whole(contended)


def test_memory_is_trusted_again_when_the_other_server_has_gone(desk: Desk, contended: str) -> None:
    for _ in range(CALM_SAVES + 3):
        desk.do(deduct(contended, 1))
    # The first save after a conflict shows nothing yet: what it loaded is all that was seen.
    shared = desk.statistics.shared
    assert CALM_SAVES - 1 <= shared <= CALM_SAVES + 1
    with statements_of(desk.batches) as statements:
        desk.do(deduct(contended, 1))
    assert statements == ["save"]
    assert (desk.statistics.shared, desk.statistics.conflicts) == (shared, 1)


def test_other_wallets_are_decided_from_memory_meanwhile(desk: Desk, contended: str) -> None:
    desk.do(add(f"{contended}-calm", 10))
    shared = desk.statistics.shared
    desk.write(deduct(contended, 1), deduct(f"{contended}-calm", 1))
    assert desk.statistics.shared == shared + 1


def test_a_wallet_that_another_server_holds_keeps_nobody_waiting_who_needs_others(
    url: str, desk: Desk, other: Desk, contended: str
) -> None:
    rival = f"{contended}-rival"
    desk.do(add(rival, 10))
    other.do(deduct(rival, 1))
    desk.do(deduct(rival, 1))
    with psycopg.connect(url) as stranger, statements_of(desk.batches) as statements:
        stranger.execute("SELECT 1 FROM wallets WHERE account_id = %s FOR UPDATE", [contended])
        results = desk.begin(deduct(contended, 1), deduct(rival, 1))
        assert [work.account_id for work in results] == [rival]
        # The rival's; a save of both would have waited in vain before it.
        assert statements.count("save") == 1
        stranger.rollback()
    (outcome,) = desk.go_on().values()
    assert isinstance(outcome, Outcome)


def test_a_refusal_on_a_contended_wallet_and_a_repeated_request_are_found(
    desk: Desk, other: Desk, contended: str
) -> None:
    with pytest.raises(InsufficientCredit):
        desk.do(deduct(contended, 10_000))
    first = other.do(deduct(contended, 1, "click"))
    assert desk.do(deduct(contended, 1, "click")) == first._replace(replayed=True)


def test_a_reservation_in_a_contended_wallet_is_loaded_with_it(desk: Desk, other: Desk, contended: str) -> None:
    held = reservation_of(other.do(reserve(contended, 5)))
    assert desk.do(confirm(held)).entries[0].reserved_after == 0
    assert desk.statistics.conflicts == 1


def test_so_many_wallets_are_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "MAX_DOUBTED", 2)
    doubts, keys = Trust(), [WalletKey(str(number), "chat") for number in range(3)]
    doubts.doubt(keys)
    assert [doubts.has_doubts([key]) for key in keys] == [False, True, True]
