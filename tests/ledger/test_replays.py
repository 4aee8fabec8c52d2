"""The same request id has one effect and one answer, whoever is asked and however often."""

import pytest

from creditd.domain.errors import RequestIdReused
from creditd.domain.reservation import ReservationState
from creditd.ledger.work import Outcome, Result
from tests.support.desk import Desk, before_saving
from tests.support.ledger_books import Books
from tests.support.works import add, confirm, deduct, refund, reservation_of, reserve


def kinds_of(results: list[Result]) -> list[str]:
    """Return what came of works: done, replayed, or why not."""
    names = {False: "done", True: "replayed"}
    return [names[r.replayed] if isinstance(r, Outcome) else type(r).__name__ for r in results]


def test_a_request_that_only_the_database_knows_is_answered_again(
    desk: Desk, other: Desk, books: Books, account: str
) -> None:
    other.do(add(account, 10))
    first = other.do(reserve(account, 4, "click"))
    again = desk.do(reserve(account, 4, "click"))
    assert again == first._replace(replayed=True)
    assert books.figures(account) == (2, 6, 4)
    assert desk.statistics.replays == 1


def test_a_request_that_another_server_did_is_found_though_the_copy_of_the_wallet_is_stale(
    desk: Desk, other: Desk, books: Books, account: str
) -> None:
    desk.do(add(account, 10))
    first = other.do(deduct(account, 4, "click"))
    assert desk.do(deduct(account, 4, "click")) == first._replace(replayed=True)
    assert books.figures(account) == (2, 6, 0)


def test_a_known_request_is_found_by_its_key_though_the_copy_of_the_wallet_is_up_to_date(
    desk: Desk, books: Books, account: str
) -> None:
    """Nothing is read before the first attempt; the unique key tells."""
    desk.do(add(account, 10))
    first = desk.do(deduct(account, 4, "click"))
    assert desk.do(deduct(account, 4, "click")) == first._replace(replayed=True)
    assert books.figures(account) == (2, 6, 0)


def test_a_request_that_another_server_does_at_the_same_time_is_done_once(
    desk: Desk, other: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.do(add(account, 10))
    before_saving(monkeypatch, desk, lambda: other.do(deduct(account, 4, "click")))
    assert desk.do(deduct(account, 4, "click")).replayed
    assert books.kinds(account) == ["TOP_UP", "DEDUCT"]


def test_the_same_request_twice_in_one_batch_is_done_once(desk: Desk, books: Books, account: str) -> None:
    first, second, third = desk.write(add(account, 10), deduct(account, 4, "click"), deduct(account, 4, "click"))
    assert kinds_of([first, second, third]) == ["done", "done", "replayed"]
    assert isinstance(second, Outcome)
    assert third == second._replace(replayed=True)
    assert books.figures(account) == (2, 6, 0)


def test_the_same_request_twice_in_one_batch_is_done_once_where_the_copies_are_warm(
    desk: Desk, books: Books, account: str
) -> None:
    desk.do(add(account, 10))
    results = desk.write(deduct(account, 4, "click"), deduct(account, 4, "click"))
    assert kinds_of(results) == ["done", "replayed"]
    assert books.figures(account) == (2, 6, 0)


@pytest.mark.parametrize("together", [True, False])
def test_the_same_request_id_with_other_content_is_refused(
    desk: Desk, books: Books, account: str, *, together: bool
) -> None:
    desk.do(add(account, 10))
    works = [deduct(account, 4, "click"), deduct(account, 5, "click")]
    results = desk.write(*works) if together else [*desk.write(works[0]), *desk.write(works[1])]
    assert kinds_of(results) == ["done", "RequestIdReused"]
    assert books.figures(account) == (2, 6, 0)


def test_a_request_id_belongs_to_the_account_not_to_the_wallet(desk: Desk, other: Desk, account: str) -> None:
    desk.write(add(account, 10), add(account, 10, credit_type="quiz_gen"))
    desk.do(deduct(account, 4, "click"))
    other.do(add(account, 1, credit_type="quiz_gen"))
    with pytest.raises(RequestIdReused):
        other.do(deduct(account, 5, "click", credit_type="quiz_gen"))


def test_two_accounts_may_use_the_same_request_id(desk: Desk, account: str) -> None:
    rivals = (account, f"{account}-rival")
    results = desk.write(*(add(name, 10, "click") for name in rivals))
    assert kinds_of(results) == ["done", "done"]


def test_a_refused_request_leaves_its_id_free(desk: Desk, other: Desk, account: str) -> None:
    desk.do(add(account, 10))
    assert kinds_of(desk.write(deduct(account, 11, "click"))) == ["InsufficientCredit"]
    assert kinds_of(other.write(deduct(account, 9, "click"))) == ["done"]


def test_a_replay_shows_the_reservation_as_it_was_then(desk: Desk, other: Desk, account: str) -> None:
    desk.do(add(account, 10))
    first = desk.do(reserve(account, 4, "hold"))
    held = reservation_of(first)
    desk.do(confirm(held, 3, "use"))
    desk.do(refund(held, 2, "give back"))
    for asked in (desk, other):
        replayed = asked.write(reserve(account, 4, "hold"), confirm(held, 3, "use"), refund(held, 2, "give back"))
        then = [reservation_of(outcome) for outcome in replayed if isinstance(outcome, Outcome)]
        assert [(r.state, r.confirmed, r.refunded) for r in then] == [
            (ReservationState.PENDING, 0, 0),
            (ReservationState.CONFIRMED, 3, 0),
            (ReservationState.CONFIRMED, 3, 2),
        ]
        assert then[0] == held
