"""Status: a suspended account spends nothing but takes top-ups and refunds; a closed one refuses all but reads."""

from collections.abc import Callable

import pytest

from creditd.domain.account import AccountStatus
from creditd.domain.errors import AccountClosed, AccountSuspended
from creditd.domain.grants import Source
from creditd.domain.reservation import Reservation
from tests.domain.books import WalletBooks
from tests.domain.wallets import MINUTE, free, wallet, with_status

Act = Callable[[WalletBooks, Reservation, Reservation], object]

SPENDING: dict[str, Act] = {
    "reserve": lambda books, _held, _spent: books.reserve(1),
    "deduct": lambda books, _held, _spent: books.deduct(1),
    "extend": lambda books, held, _spent: books.extend(held, ttl=MINUTE),
    "confirm more": lambda books, held, _spent: books.confirm(held, 3, allow_excess=True),
}
NOT_SPENDING: dict[str, Act] = {
    "confirm": lambda books, held, _spent: books.confirm(held),
    "confirm less": lambda books, held, _spent: books.confirm(held, 1),
    "refund pending": lambda books, held, _spent: books.refund(held),
    "refund confirmed": lambda books, _held, spent: books.refund(spent),
    "add": lambda books, _held, _spent: books.add(1, Source.PURCHASED),
    "remove": lambda books, _held, _spent: books.remove(1),
    "claw back": lambda books, _held, _spent: books.claw_back(1),
    "restore": lambda books, _held, _spent: books.restore(1),
    "write off": lambda books, _held, _spent: books.write_off(1),
}


def books_with(status: AccountStatus) -> tuple[WalletBooks, Reservation, Reservation]:
    """Return books of an account that got this status after it held 2 credits and spent 3 of 10, and owed 1."""
    books = WalletBooks(wallet(free(10), debt=1))
    held, spent = books.reserve(2), books.deduct(3)
    books.wallet = with_status(books.wallet, status)
    return books, held, spent


@pytest.mark.parametrize("act", (SPENDING | NOT_SPENDING).values(), ids=(SPENDING | NOT_SPENDING).keys())
def test_an_active_account_does_everything(act: Act) -> None:
    books, held, spent = books_with(AccountStatus.ACTIVE)
    before = books.wallet.version
    act(books, held, spent)
    assert books.wallet.version == before + 1


@pytest.mark.parametrize("act", SPENDING.values(), ids=SPENDING.keys())
def test_a_suspended_account_spends_nothing(act: Act) -> None:
    with pytest.raises(AccountSuspended) as refusal:
        act(*books_with(AccountStatus.SUSPENDED))
    assert refusal.value.facts == {"account_id": "alice"}


@pytest.mark.parametrize("act", NOT_SPENDING.values(), ids=NOT_SPENDING.keys())
def test_a_suspended_account_takes_credits_gives_them_back_and_ends_what_it_had_begun(act: Act) -> None:
    books, held, spent = books_with(AccountStatus.SUSPENDED)
    before = books.wallet.version
    act(books, held, spent)
    assert books.wallet.version == before + 1


@pytest.mark.parametrize("act", (SPENDING | NOT_SPENDING).values(), ids=(SPENDING | NOT_SPENDING).keys())
def test_a_closed_account_refuses_everything(act: Act) -> None:
    with pytest.raises(AccountClosed) as refusal:
        act(*books_with(AccountStatus.CLOSED))
    assert refusal.value.facts == {"account_id": "alice"}


@pytest.mark.parametrize("status", AccountStatus)
def test_what_expires_expires_whatever_the_status(status: AccountStatus) -> None:
    books, _, _ = books_with(status)
    books.wait(5 * MINUTE)
    books.settle()
    assert (books.wallet.available, books.wallet.reserved) == (7, 0)
