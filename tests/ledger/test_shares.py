"""However much is due, and however much is asked for at once, each save writes a bounded share of it."""

import pytest

from creditd.domain.weight import weight_of
from creditd.ledger import batch as batches
from creditd.ledger.batch import Batch
from creditd.ledger.work import Outcome
from creditd.ledger.writer import Writer
from creditd.storage.database import Connection
from creditd.storage.save import Saved
from tests.support.desk import Desk
from tests.support.ledger_books import Books
from tests.support.works import MINUTE, add, deduct, reserve

SHARE = 40


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Provide the list of how much each save has written, with small shares."""
    monkeypatch.setattr(batches, "MAX_SETTLING", SHARE)
    monkeypatch.setattr(batches, "MAX_WORK", SHARE)
    save, weights = Writer._save, []

    def weighed(writer: Writer, connection: Connection, batch: Batch, *, commits: bool = False) -> Saved | None:
        weights.append(sum(weight_of(entry) for entry in batch.changes.entries))
        return save(writer, connection, batch, commits=commits)

    monkeypatch.setattr(Writer, "_save", weighed)
    return weights


def test_a_wallet_in_which_much_is_due_is_settled_in_shares(
    desk: Desk, books: Books, account: str, saved: list[int]
) -> None:
    desk.write(*(add(account, 2) for _ in range(60)))
    desk.write(*(reserve(account, 3) for _ in range(30)))
    desk.clock.advance(61)
    saved.clear()
    assert desk.do(deduct(account, 120)).entries[0].available_after == 0
    assert len(saved) > 2
    # What does not fit is one hold of a few slices, or the command itself.
    assert max(saved[:-1]) <= SHARE + 3
    assert books.are_whole(account)


def test_many_wallets_in_which_something_is_due_are_settled_in_shares(
    desk: Desk, books: Books, account: str, saved: list[int]
) -> None:
    accounts = [f"{account}-{number}" for number in range(30)]
    desk.write(*(add(name, 10) for name in accounts))
    desk.write(*(reserve(name, 2) for name in accounts for _ in range(2)))
    desk.clock.advance(61)
    saved.clear()
    outcomes = desk.write(*(deduct(name, 10) for name in accounts))
    assert all(isinstance(outcome, Outcome) for outcome in outcomes)
    assert max(saved) <= 2 * SHARE + 4
    assert all(books.figures(name) == (6, 0, 0) for name in accounts)


def test_works_that_take_from_many_grants_are_decided_in_shares(
    desk: Desk, books: Books, account: str, saved: list[int]
) -> None:
    desk.write(*(add(account, 1) for _ in range(90)))
    saved.clear()
    outcomes = desk.write(*(reserve(account, 9, ttl=MINUTE) for _ in range(11)))
    assert [type(outcome).__name__ for outcome in outcomes] == ["Outcome"] * 10 + ["InsufficientCredit"]
    assert len(saved) >= 3
    assert max(saved) <= SHARE + 10
    assert books.figures(account).reserved == 90
