"""A caller may state the version that it decided on; if the balance has moved since, the command is refused."""

from collections.abc import Callable

import pytest

from creditd.domain.errors import ReservationConfirmed, VersionMismatch
from creditd.domain.grants import Source
from creditd.domain.reservation import Reservation
from tests.domain.books import WalletBooks
from tests.domain.wallets import MINUTE, free, wallet

Act = Callable[[WalletBooks, Reservation, int], object]

ACTS: dict[str, Act] = {
    "reserve": lambda books, _held, version: books.reserve(1, version=version),
    "deduct": lambda books, _held, version: books.deduct(1, version=version),
    "confirm": lambda books, held, version: books.confirm(held, version=version),
    "refund": lambda books, held, version: books.refund(held, version=version),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_the_version_that_the_balance_is_at_is_accepted(act: Act) -> None:
    books = WalletBooks(wallet(free(5)))
    held = books.reserve(1)
    act(books, held, books.wallet.version)
    assert books.wallet.version == 2


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_another_version_is_refused_with_both_figures(act: Act) -> None:
    books = WalletBooks(wallet(free(5)))
    held = books.reserve(1)
    books.add(1, Source.FREE)
    with pytest.raises(VersionMismatch) as refusal:
        act(books, held, 1)
    assert refusal.value.facts == {"stated": 1, "current": 2}


def test_the_version_of_a_wallet_before_its_first_movement_is_0() -> None:
    books = WalletBooks(wallet(free(5)))
    books.reserve(1, version=0)
    with pytest.raises(VersionMismatch):
        books.reserve(1, version=0)


def test_an_expiry_moves_the_balance_too() -> None:
    books = WalletBooks(wallet(free(5)))
    books.reserve(1, ttl=MINUTE)
    books.wait(MINUTE)
    with pytest.raises(VersionMismatch):
        books.reserve(1, version=1)


def test_that_the_reservation_has_ended_is_told_before_the_version() -> None:
    books = WalletBooks(wallet(free(5)))
    held = books.reserve(1)
    books.confirm(held)
    with pytest.raises(ReservationConfirmed):
        books.confirm(held, version=1)
    with pytest.raises(VersionMismatch):
        books.refund(held, version=1)
