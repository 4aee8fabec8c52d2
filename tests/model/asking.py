"""Between the machine and the servers: times, names, and what of an answer is held against the reference."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import account_pb2, balance_pb2, limits_pb2, reservation_pb2, source_pb2
from creditd.domain.instant import SECOND
from tests.model.account import Account
from tests.model.reference import NEVER, Hold, Limit, Part, Wallet

UNIT_SECONDS = 1_000
"""The reference's unit of time: so much more than a story takes to tell that the time of telling counts for nothing."""

CODES = {
    "INSUFFICIENT_CREDIT": "FAILED_PRECONDITION",
    "LIMIT_EXCEEDED": "FAILED_PRECONDITION",
    "RESERVATION_EXPIRED": "FAILED_PRECONDITION",
    "RESERVATION_PENDING": "FAILED_PRECONDITION",
    "RESERVATION_CONFIRMED": "FAILED_PRECONDITION",
    "RESERVATION_REFUNDED": "FAILED_PRECONDITION",
    "RESERVATION_NOT_FOUND": "NOT_FOUND",
    "AMOUNT_EXCEEDS_RESERVATION": "FAILED_PRECONDITION",
    "AMOUNT_EXCEEDS_CONFIRMED": "FAILED_PRECONDITION",
    "ACCOUNT_SUSPENDED": "FAILED_PRECONDITION",
    "ACCOUNT_CLOSED": "FAILED_PRECONDITION",
    "ACCOUNT_NOT_EMPTY": "FAILED_PRECONDITION",
    "EXPIRY_OUT_OF_RANGE": "INVALID_ARGUMENT",
    "EXPIRY_IN_PAST": "INVALID_ARGUMENT",
    "VERSION_MISMATCH": "ABORTED",
    "REQUEST_ID_REUSED": "ALREADY_EXISTS",
}
"""The gRPC code that goes with each reason."""


def limit_message(credit_type: str, who: str, limit: Limit) -> limits_pb2.Limit:
    """Write a limit; what it does not bound is not stated."""
    bounds = {
        "least_per_movement": limit.least or None,
        "most_per_movement": limit.most,
        "most_per_hour": limit.hourly,
        "most_per_day": limit.daily,
    }
    stated: dict[str, Any] = {name: None if bound == NEVER else bound for name, bound in bounds.items()}
    return limits_pb2.Limit(credit_type=credit_type, spender=who, **stated)


class Calendar:
    """The reference's time as the servers' clocks tell it."""

    def __init__(self, start: int) -> None:
        """Begin at an instant of the servers' clocks."""
        self._start = start

    def timestamp(self, time: float) -> Timestamp:
        """Write a time of the reference."""
        instant = self._start + round(time * UNIT_SECONDS * SECOND)
        return Timestamp(seconds=instant // SECOND, nanos=instant % SECOND * 1_000)

    def eighth(self, message: Any, field: str) -> float:
        """Read a time to the eighth of a unit; NEVER if it is not set."""
        if not message.HasField(field):
            return NEVER
        timestamp = getattr(message, field)
        return eighth((timestamp.seconds - self._start / SECOND) / UNIT_SECONDS)


def eighth(time: float) -> float:
    """Round a time: what a story takes to tell is far less than the eighth of a unit."""
    return time if time == NEVER else round(time * 8) / 8


def named(enum: Any, number: int, prefix: str) -> str:
    """Return the name of an enum's value without its prefix."""
    name: str = enum.Name(number)
    return name.removeprefix(prefix)


def source_of(part: Any) -> str:
    """Return where credits came from."""
    return named(source_pb2.Source, part.source, "SOURCE_")


def told_slices(slices: Iterable[Any]) -> list[tuple[str, int]]:
    """Return slices as pairs of source and amount."""
    return [(source_of(part), part.amount) for part in slices]


def expected_slices(parts: Iterable[Part]) -> list[tuple[str, int]]:
    """Return the reference's parts in the same way."""
    return [(part.grant.source, part.amount) for part in parts if part.grant]


def told_figures(balance: balance_pb2.Balance) -> tuple[int, ...]:
    """Return the figures of a balance."""
    return balance.available, balance.reserved, balance.total, balance.debt, balance.version


def expected_figures(wallet: Wallet) -> tuple[int, ...]:
    """Return the reference's figures in the same way."""
    available, reserved = wallet.available, wallet.reserved
    return available, reserved, available + reserved, 0, wallet.version


def told_account(answer: balance_pb2.AccountBalance, calendar: Calendar) -> dict[str, object]:
    """Return all that a GetBalance tells, grants with their expiries included."""
    told: dict[str, object] = {
        wallet.balance.credit_type: (
            told_figures(wallet.balance),
            [(source_of(g), g.available, calendar.eighth(g, "expire_time")) for g in wallet.grants],
        )
        for wallet in answer.wallets
    }
    told["status"] = named(account_pb2.AccountStatus, answer.status, "ACCOUNT_STATUS_")
    unlimited = answer.plan.kind == account_pb2.PLAN_KIND_UNLIMITED
    return told | {"plan ends": calendar.eighth(answer.plan, "end_time") if unlimited else None}


def expected_account(account: Account) -> dict[str, object]:
    """Return what the reference makes of it."""
    expected: dict[str, object] = {
        name: (expected_figures(wallet), [(g.source, g.left, eighth(g.expires)) for g in wallet.spendable])
        for name, wallet in account.wallets.items()
    }
    unlimited = account.now < account.plan_ends
    return expected | {"status": account.status, "plan ends": eighth(account.plan_ends) if unlimited else None}


def told_reservation(reservation: reservation_pb2.Reservation, calendar: Calendar) -> tuple[object, ...]:
    """Return the figures of a reservation."""
    state = named(reservation_pb2.ReservationState, reservation.state, "RESERVATION_STATE_")
    ends = calendar.eighth(reservation, "expire_time")
    return state, reservation.amount, reservation.confirmed_amount, reservation.refunded_amount, ends


def expected_reservation(hold: Hold) -> tuple[object, ...]:
    """Return the reference's figures in the same way."""
    return hold.state, hold.amount, hold.confirmed, hold.refunded, eighth(hold.ends)
