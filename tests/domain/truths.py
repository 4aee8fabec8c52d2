"""What a refusal states has to be true of the wallet that it was refused on."""

from collections.abc import Callable, Mapping
from typing import Any

from creditd.domain import errors
from creditd.domain.account import AccountStatus
from creditd.domain.instant import instant_text
from creditd.domain.reservation import ReservationState
from creditd.domain.wallet import MAX_BALANCE
from tests.domain.books import WalletBooks

Facts = Mapping[str, Any]


def is_true(refusal: errors.Refusal, books: WalletBooks) -> bool:
    """Tell whether the fact that a refusal states is one, as far as the books show."""
    return _TRUTHS[type(refusal)](refusal.facts, books)


def _balance_too_large(facts: Facts, books: WalletBooks) -> bool:
    totals = {books.wallet.available + books.wallet.reserved, books.wallet.debt}
    return bool(facts["total"] in totals and facts["amount"] + facts["total"] > facts["maximum"] == MAX_BALANCE)


def _state(facts: Facts, books: WalletBooks) -> ReservationState:
    return next(r.state for r in books.reservations.values() if r.name == facts["reservation"])


_TRUTHS: dict[type[errors.Refusal], Callable[[Facts, WalletBooks], bool]] = {
    errors.AccountClosed: lambda _, books: books.wallet.account.status == AccountStatus.CLOSED,
    errors.AccountSuspended: lambda _, books: books.wallet.account.status == AccountStatus.SUSPENDED,
    errors.AmountExceedsConfirmed: lambda facts, _: facts["requested"] > facts["refundable"] or not facts["requested"],
    errors.AmountExceedsDebt: lambda facts, books: (
        facts["debt"] == books.wallet.debt and (facts["requested"] > facts["debt"] or not facts["debt"])
    ),
    errors.AmountExceedsReservation: lambda facts, _: facts["requested"] > facts["reserved"],
    errors.BalanceTooLarge: _balance_too_large,
    errors.ExpiryOutOfRange: lambda facts, _: facts["field"] in {"ttl", "expire_time"},
    errors.ExpiryInPast: lambda facts, books: (
        facts["field"] == "expire_time" and facts["server_time"] == instant_text(books.now)
    ),
    errors.InsufficientCredit: lambda facts, books: facts["required"] > facts["available"] == books.wallet.available,
    errors.ReservationExpired: lambda facts, books: _state(facts, books) == ReservationState.EXPIRED,
    errors.ReservationConfirmed: lambda facts, books: _state(facts, books) == ReservationState.CONFIRMED,
    errors.ReservationRefunded: lambda facts, books: _state(facts, books) == ReservationState.REFUNDED,
    errors.ReservationPending: lambda facts, books: (
        _state(facts, books) == ReservationState.PENDING and facts["requested"] != facts["reserved"]
    ),
    errors.VersionMismatch: lambda facts, books: facts["stated"] != facts["current"] == books.wallet.version,
}
