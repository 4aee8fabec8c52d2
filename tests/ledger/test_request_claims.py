"""A request id that something has used which is no entry is used; also for who decided before and saves after it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest

from creditd.domain.errors import RequestIdReused
from creditd.domain.wallet import Origin
from creditd.ledger.batch import Terms
from creditd.ledger.ids import uuid7
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.ledger.work import Result
from creditd.storage.requests import ClaimKind
from tests.support.desk import RULES, Desk, before_saving
from tests.support.ledger_books import Books
from tests.support.patience import eventually
from tests.support.works import act_from, add, reserve

_WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def transactions_at(desk: Desk) -> TransactionLedger:
    """Return the ledger of what is no entry, at a desk."""
    return TransactionLedger(desk.database, Terms(RULES, {}, uuid7), desk.clock)


def set_plan(desk: Desk, account: str, request_id: str) -> None:
    """Change an account's plan."""
    desk.accounts.set_plan(account, act_from(Origin("tests", request_id, 7)), unlimited=False, until=None)


def buy(desk: Desk, account: str, request_id: str) -> None:
    """Claim a request id as a purchase does."""

    def change(transaction: Transaction) -> None:
        transaction.claim(transaction.hold(account), request_id, ClaimKind.PURCHASE)

    transactions_at(desk).transact(change)


Use = Callable[[Desk, str, str], None]
USES = pytest.mark.parametrize("use", [set_plan, buy])


@USES
def test_an_entry_does_not_take_the_id_of_what_is_none(desk: Desk, books: Books, account: str, use: Use) -> None:
    """Whether the wallet is in memory or not."""
    desk.do(add(account, 10))
    use(desk, account, "used")
    for _ in range(2):
        with pytest.raises(RequestIdReused) as refused:
            desk.do(reserve(account, 1, "used"))
        assert refused.value.facts["used_by"] == {"set_plan": "PLAN", "buy": "PURCHASE"}[use.__name__]
        desk.do(reserve(account, 1))
    assert books.kinds(account) == ["TOP_UP", "RESERVE", "RESERVE"]


@USES
def test_what_is_none_does_not_take_the_id_of_an_entry(desk: Desk, account: str, use: Use) -> None:
    desk.do(add(account, 10, "used"))
    with pytest.raises(RequestIdReused) as refused:
        use(desk, account, "used")
    assert refused.value.facts["used_by"] == "TOP_UP"


@USES
@pytest.mark.parametrize("existing", [True, False])
def test_an_id_that_was_used_between_decision_and_save_is_refused(
    desk: Desk, other: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch, use: Use, *, existing: bool
) -> None:
    """In an account with a wallet in memory, and in one with no wallet yet."""
    if existing:
        desk.do(add(account, 10))
    else:
        buy(other, account, "first")
    before_saving(monkeypatch, desk, lambda: use(other, account, "used"))
    with pytest.raises(RequestIdReused):
        desk.do(add(account, 1, "used"))
    assert books.knows(account)
    assert books.are_whole(account)


def test_a_save_whose_snapshot_is_older_than_the_claim_is_refused(
    url: str, desk: Desk, other: Desk, books: Books, account: str
) -> None:
    """It waits for the wallet's row, and then does not see the claim: the account's version tells of it."""
    desk.do(add(account, 10))
    with ThreadPoolExecutor(1) as pool, psycopg.connect(url, autocommit=True) as looking:
        saved: list[Future[list[Result]]] = []

        def change(transaction: Transaction) -> None:
            held = transaction.hold(account)
            saved.append(pool.submit(desk.write, reserve(account, 1, "used")))
            eventually(lambda: looking.execute(_WAITING).fetchone())
            transaction.claim(held, "used", ClaimKind.PURCHASE)

        transactions_at(other).transact(change)
        (result,) = saved[0].result()
    assert isinstance(result, RequestIdReused)
    assert books.kinds(account) == ["TOP_UP"]
