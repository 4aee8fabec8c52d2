"""One call of a caller: what it asked for, and what it was told."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from google.protobuf.duration_pb2 import Duration

from credit.v1 import credit_service_pb2 as pb
from creditd.domain.entry import EntryKind
from creditd.ledger.ids import uuid7

CREDIT_TYPE = "chat"


class Fate(Enum):
    """What the caller knows of its call."""

    UNKNOWN = "not answered: it may be done or not"
    ACKNOWLEDGED = "done"
    REFUSED = "refused, with nothing done"


@dataclass(slots=True, eq=False)
class Operation:
    """A request with a request id of its own, sent as often as it takes until it is answered."""

    kind: EntryKind
    account_id: str
    request: Any
    fate: Fate = Fate.UNKNOWN
    version: int = 0
    amount: int = 0
    reservation: str = ""
    reason: str = ""
    tries: int = 0
    replayed: bool = False
    answered_at: float = 0.0

    @property
    def method(self) -> str:
        """The RPC's name."""
        return self.kind.name.capitalize()

    @property
    def request_id(self) -> str:
        """The caller's idempotency key."""
        return str(self.request.request_id)

    @property
    def is_done(self) -> bool:
        """Whether it was acknowledged."""
        return self.fate is Fate.ACKNOWLEDGED

    def acknowledge(self, response: Any, at: float, *, replayed: bool) -> None:
        """Note the answer, and whether an earlier try had done it."""
        entry = response.entry
        self.version, self.amount, self.reservation = entry.version, entry.amount, entry.reservation
        self.replayed, self.answered_at = replayed, at
        self.fate = Fate.ACKNOWLEDGED

    def refuse(self, reason: str) -> None:
        """Note the refusal."""
        self.reason = reason
        self.fate = Fate.REFUSED


def reserve(account_id: str, amount: int, ttl_seconds: int = 0) -> Operation:
    """Hold credits, for 5 minutes unless something else is said."""
    request = pb.ReserveRequest(account_id=account_id, credit_type=CREDIT_TYPE, amount=amount, request_id=uuid7())
    if ttl_seconds:
        request.ttl.CopyFrom(Duration(seconds=ttl_seconds))
    return Operation(EntryKind.RESERVE, account_id, request)


def deduct(account_id: str, amount: int) -> Operation:
    """Spend credits in one step."""
    request = pb.DeductRequest(account_id=account_id, credit_type=CREDIT_TYPE, amount=amount, request_id=uuid7())
    return Operation(EntryKind.DEDUCT, account_id, request)


def confirm(held: Operation, amount: int) -> Operation:
    """Spend what is held, or a part of it."""
    request = pb.ConfirmRequest(name=held.reservation, amount=amount, request_id=uuid7())
    return Operation(EntryKind.CONFIRM, held.account_id, request)


def refund(taken: Operation, amount: int | None = None) -> Operation:
    """Give back what was held, or what was spent, or a part of the latter."""
    request = pb.RefundRequest(name=taken.reservation, amount=amount, request_id=uuid7())
    return Operation(EntryKind.REFUND, taken.account_id, request)
