"""Heavy wallets are decided on apart from the many."""

import pytest

from creditd.domain.errors import InsufficientCredit
from creditd.domain.weight import HEAVY_DUE, HEAVY_GRANTS
from creditd.ledger import batch as batches
from creditd.ledger.work import Outcome, Work
from tests.support.desk import Desk
from tests.support.ledger_books import Books
from tests.support.works import add, confirm, deduct, refund, reservation_of, reserve

MANY = HEAVY_GRANTS + 1


def make_heavy(desk: Desk, account: str) -> None:
    """Give an account as many grants as make its wallet heavy, of one credit each."""
    desk.write(*(add(account, 1) for _ in range(MANY)))


def test_a_work_on_a_heavy_wallet_leaves_its_batch_and_the_others_are_done_before_it(
    desk: Desk, other: Desk, books: Books, account: str
) -> None:
    make_heavy(other, account)
    others = [f"{account}-{number}" for number in range(5)]
    of_heavy, works = reserve(account, MANY), [add(name, 1) for name in others]
    results = desk.begin(*works[:2], of_heavy, *works[2:])
    assert all(isinstance(results[work], Outcome) for work in works)
    assert of_heavy not in results
    assert isinstance(desk.go_on()[of_heavy], Outcome)
    assert books.figures(account) == (MANY + 1, 0, MANY)
    assert books.are_whole(account)


def test_a_wallet_that_has_grown_heavy_is_found_to_be_without_being_loaded_whole(desk: Desk, account: str) -> None:
    make_heavy(desk, account)
    next_one = deduct(account, 1)
    assert desk.begin(next_one) == {}
    assert isinstance(desk.go_on()[next_one], Outcome)


def test_a_wallet_known_to_be_heavy_is_not_looked_at_in_batches_until_it_is_light_again(
    desk: Desk, account: str
) -> None:
    make_heavy(desk, account)
    desk.do(deduct(account, 1, dry_run=True))
    assert desk.room.knows(deduct(account, 1))
    desk.do(deduct(account, 1))
    assert not desk.room.knows(deduct(account, 1))
    one = deduct(account, 1)
    assert isinstance(desk.begin(one)[one], Outcome)


def test_neither_lane_answers_from_a_copy_that_the_other_has_outdated(desk: Desk, books: Books, account: str) -> None:
    """The copies of both are warm, and each wallet is light and heavy by turns."""
    for _ in range(3):
        desk.write(*(add(account, 1) for _ in range(MANY)))
        held = reservation_of(desk.do(reserve(account, MANY)))
        with pytest.raises(InsufficientCredit):
            desk.do(deduct(account, 1))
        desk.do(confirm(held))
        desk.do(refund(held, 1))
        desk.do(deduct(account, 1))
        with pytest.raises(InsufficientCredit):
            desk.do(deduct(account, 1))
        desk.do(refund(held))
        desk.do(deduct(account, MANY - 1))
    assert books.figures(account)[1:] == (0, 0)
    assert books.are_whole(account)


def test_a_wallet_in_which_much_is_due_is_settled_apart(desk: Desk, books: Books, account: str) -> None:
    desk.do(add(account, 1_000))
    desk.write(*(reserve(account, 1) for _ in range(HEAVY_DUE + 1)))
    desk.clock.advance(61)
    of_heavy, beside = deduct(account, 1), add(f"{account}-beside", 1)
    results: dict[Work, object] = dict(desk.begin(of_heavy, beside))
    assert results.keys() == {beside}
    assert isinstance(desk.go_on()[of_heavy], Outcome)
    assert books.figures(account)[1:] == (999, 0)
    assert not desk.room.knows(deduct(account, 1))


def test_one_heavy_wallet_after_the_other_is_served(desk: Desk, account: str) -> None:
    """The round that serves one ends, so that what is free by then is not kept waiting by the others."""
    names = [f"{account}-{number}" for number in range(3)]
    for name in names:
        make_heavy(desk, name)
    works = [deduct(name, 1) for name in names for _ in range(2)]
    assert desk.begin(*works) == {}
    rounds = [desk.go_on() for _ in range(3)]
    assert [len(results) for results in rounds] == [2, 2, 2]


def test_a_heavy_wallet_is_settled_in_shares_and_others_are_served_between_them(
    desk: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_SETTLING", 40)
    beside = f"{account}-beside"
    make_heavy(desk, beside)
    desk.do(add(account, 1_000))
    desk.write(*(reserve(account, 1) for _ in range(HEAVY_DUE + 1)))
    desk.clock.advance(61)
    long, short = deduct(account, 1_000), deduct(beside, 1)
    assert desk.begin(long, short) == {}
    rounds = [desk.go_on() for _ in range(2)]
    assert [long in results for results in rounds] == [False, False]
    assert [short in results for results in rounds] in ([True, False], [False, True])
    while long not in rounds[-1]:
        rounds.append(desk.go_on())
    assert isinstance(rounds[-1][long], Outcome)
    assert books.are_whole(account)
