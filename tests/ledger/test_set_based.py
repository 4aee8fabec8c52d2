"""What a batch writes for many wallets it writes by a few statements, however many they are."""

from tests.support.desk import Desk
from tests.support.ledger_books import Books
from tests.support.statements import statements_of
from tests.support.works import MINUTE, add, confirm, refund, reservation_of, reserve

MANY = 120


def names(account: str) -> list[str]:
    """Return the names of many accounts."""
    return [f"{account}-{number:03}" for number in range(MANY)]


def leave_a_bound_behind(desk: Desk, *accounts: str) -> None:
    """Let each wallet have an expire time at which nothing is due: that of the first of two holds, ended early."""
    desk.write(*(add(account, 10) for account in accounts))
    first = [desk.do(reserve(account, 1)) for account in accounts]
    desk.write(*(reserve(account, 1, ttl=60 * MINUTE) for account in accounts))
    desk.write(*(refund(reservation_of(outcome)) for outcome in first))


def test_wallets_in_which_nothing_is_due_are_put_off_by_one_statement(desk: Desk, books: Books, account: str) -> None:
    accounts = names(account)
    leave_a_bound_behind(desk, *accounts)
    desk.clock.advance(61)
    too_much = [reserve(name, 100) for name in accounts]
    with statements_of(desk.batches) as seen:
        desk.write(*too_much)
    assert len([statement for statement in seen if "INSERT INTO wallets" in statement]) == 1
    assert len(seen) <= 5
    looks = [books.wallet(name).next_expire_time or 0 for name in accounts]
    assert min(looks) > desk.clock.now() + 50 * MINUTE


def test_the_end_of_the_last_hold_leaves_no_wallet_to_put_off(desk: Desk, books: Books, account: str) -> None:
    desk.do(add(account, 10))
    desk.do(confirm(reservation_of(desk.do(reserve(account, 4)))))
    assert books.wallet(account).next_expire_time is None


def test_accounts_seen_for_the_first_time_are_opened_by_one_statement(desk: Desk, account: str) -> None:
    with statements_of(desk.batches) as seen:
        outcomes = desk.write(*(add(name, 1) for name in names(account)))
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    # Wallets, request ids claimed and used, accounts and wallets locked, accounts made, and the save.
    assert len(seen) == 7
