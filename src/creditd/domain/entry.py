"""The ledger's rows."""

from enum import IntEnum
from typing import NamedTuple

from creditd.domain.grants import Grace, Slice
from creditd.domain.instant import Instant
from creditd.domain.reservation import ReservationState


class EntryKind(IntEnum):
    """The kind of a movement. The numbers are those of the proto and of the rows."""

    GRANT = 1
    TOP_UP = 2
    PROMO = 3
    ADMIN_ADD = 4
    ADMIN_REMOVE = 5
    RESERVE = 6
    CONFIRM = 7
    REFUND = 8
    DEDUCT = 9
    EXTEND = 10
    RELEASE = 11
    EXPIRE = 12
    CLAWBACK = 13
    RESTORE = 14
    WRITE_OFF = 15


class ReservationAfter(NamedTuple):
    """A reservation's figures right after an entry, so that a replay can repeat the first answer."""

    reservation_id: str
    state: ReservationState
    confirmed: int
    refunded: int
    expire_time: Instant | None


class Entry(NamedTuple):
    """One movement of one wallet. The key is (account, credit type, version): no gap, no repeat.

    ``graces`` are those that it began. ``spender_id`` is who spends within the account, empty if nobody was named;
    ``hour_delta`` and ``day_delta`` are what it changed in the counts that limits go by, in the windows of its time.
    ``correlation_id`` is of the call that made it, empty if its caller stated none.
    """

    account_id: str
    credit_type: str
    version: int
    kind: EntryKind
    amount: int
    available_delta: int
    reserved_delta: int
    debt_delta: int
    available_after: int
    reserved_after: int
    debt_after: int
    slices: tuple[Slice, ...]
    reservation: ReservationAfter | None
    request_id: str | None
    ordinal: int
    fingerprint: int
    actor: str
    reason: str
    metadata: str
    create_time: Instant
    graces: tuple[Grace, ...] = ()
    spender_id: str = ""
    hour_delta: int = 0
    day_delta: int = 0
    correlation_id: str = ""
