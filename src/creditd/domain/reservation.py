"""Reservations: credits held for one piece of work, and their states."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from creditd.domain import errors
from creditd.domain.grants import Slice
from creditd.domain.instant import Instant
from creditd.domain.limits import Count


class ReservationState(IntEnum):
    """The state of a reservation. The numbers are those of the proto and of the rows."""

    PENDING = 1
    CONFIRMED = 2
    REFUNDED = 3
    EXPIRED = 4


_ENDED: Final[Mapping[ReservationState, type[errors.Refusal]]] = {
    ReservationState.CONFIRMED: errors.ReservationConfirmed,
    ReservationState.REFUNDED: errors.ReservationRefunded,
    ReservationState.EXPIRED: errors.ReservationExpired,
}


class Reservation(NamedTuple):
    """Credits held, then spent or returned.

    ``slices`` are what is held while pending, and what was spent once confirmed, in the order taken. Amounts that an
    unlimited plan covered have no slices. ``spender_id`` is who spends within the account, empty if nobody is named;
    ``counted`` is its part in the counts that limits go by, None if nothing was counted.
    """

    account_id: str
    credit_type: str
    reservation_id: str
    state: ReservationState
    amount: int
    confirmed: int
    refunded: int
    unlimited: bool
    slices: tuple[Slice, ...]
    expire_time: Instant | None
    create_time: Instant
    update_time: Instant
    reason: str
    metadata: str
    """A JSON object of strings, or the empty string for none."""
    spender_id: str = ""
    counted: Count | None = None

    @property
    def held(self) -> int:
        """The credits that it holds now."""
        return sum(part.amount for part in self.slices) if self.state == ReservationState.PENDING else 0

    def require_pending(self) -> None:
        """Raise ReservationConfirmed, ReservationRefunded or ReservationExpired if it has ended in that way."""
        if self.state != ReservationState.PENDING:
            raise _ENDED[self.state](reservation=self.name)

    @property
    def name(self) -> str:
        """The resource name (AIP-122)."""
        return reservation_name(self.account_id, self.credit_type, self.reservation_id)


def reservation_name(account_id: str, credit_type: str, reservation_id: str) -> str:
    """Write a reservation's resource name (AIP-122)."""
    return f"accounts/{account_id}/wallets/{credit_type}/reservations/{reservation_id}"


class ReservationKey(NamedTuple):
    """The parts of a reservation's resource name."""

    account_id: str
    credit_type: str
    reservation_id: str


def parse_reservation_name(name: str) -> ReservationKey:
    """Parse a resource name whose form has been validated."""
    _, account_id, _, credit_type, _, reservation_id = name.split("/")
    return ReservationKey(account_id, credit_type, reservation_id)
