"""A block of work that is paid for: what is held, what was spent, and how it ends. Nothing here calls anybody."""

import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from operator import index
from threading import Lock
from typing import Final, Self, TypedDict, TypeVar, Unpack

from google.protobuf.duration_pb2 import Duration

from credit.v1.credit_service_pb2 import (
    ConfirmRequest,
    ExtendReservationRequest,
    RefundRequest,
    ReserveRequest,
)
from credit.v1.reservation_pb2 import Reservation
from credit_client.request_ids import MOST_CHARACTERS, new_request_id

SHARE: Final = 0.5
"""After this much of what is left of its time a hold is extended: the rest is there for tries that fail."""

LEAST_EXTEND_SECONDS: Final = 1.0
"""An extension is tried for at least as long."""

LEAST_PAUSE_SECONDS: Final = 0.05
"""Before an extension, so that the last moments of a hold are no storm of them."""

RESERVE: Final = ".reserve"
CONFIRM: Final = ".confirm"
REFUND: Final = ".refund"
"""What the calls of a block add to the block's request id."""

Piece = TypeVar("Piece")


class SpendExceedsHold(ValueError):
    """More would be spent than is held. What was spent before stays as it is."""

    def __init__(self, held: int, spent: int, more: int) -> None:
        super().__init__(f"{held} are held and {spent} are spent: {more} more are too many")
        self.held = held
        self.spent = spent
        self.more = more

    def __reduce__(self) -> tuple[type[Self], tuple[int, int, int]]:
        """Say what it is made of, for those that send it to another process."""
        return type(self), (self.held, self.spent, self.more)


class Hold:
    """Credits that are held for a block of work.

    ``name`` is the reservation's resource name, ``amount`` how many credits it holds, in the credit type's smallest
    unit, ``request_id`` what its first and its last call are made by, each with a word behind it. ``is_paid`` is true
    of a block that begins again by its request id and was confirmed before: whatever it spends, nothing more is charged
    and nothing is given back.
    """

    def __init__(self, reservation: Reservation, request_id: str, *, spent_stands: bool) -> None:
        """Begin with the answer to a Reserve, which may be a repeat's: that of the first one, however long ago.

        ``spent_stands``: what was spent is confirmed also if the block fails.
        """
        self.name = reservation.name
        self.account_id = reservation.account_id
        self.credit_type = reservation.credit_type
        self.amount = reservation.amount
        self.request_id = request_id
        self.is_paid = False
        self.has_ended = False
        self.extended(reservation)
        # It is extended by as long as it was made for.
        self._ttl = Duration()
        self._ttl.FromNanoseconds(reservation.expire_time.ToNanoseconds() - reservation.create_time.ToNanoseconds())
        self._spent: int | None = None
        self._spent_stands = spent_stands
        self._spending = Lock()

    @property
    def spent(self) -> int | None:
        """What was said to be spent; None if nothing was, which confirms all that is held."""
        return self._spent

    def spend(self, amount: int) -> None:
        """Say that so many credits more are spent, 0 or more. The sum is confirmed at the end, and the rest given back.

        A sum of 0 gives all back. Several threads may say so. Raises SpendExceedsHold if it would be more than is held,
        ValueError for less than 0, TypeError for what is no whole number, RuntimeError once the block has ended.
        """
        amount = index(amount)
        if amount < 0:
            raise ValueError(f"what is spent is 0 or more, not {amount}")
        with self._spending:
            if self.has_ended:
                raise RuntimeError(f"the block has ended, and nobody pays for {amount} more: spend within it")
            spent = self._spent or 0
            if spent + amount > self.amount:
                raise SpendExceedsHold(self.amount, spent, amount)
            self._spent = spent + amount

    def finish(self) -> None:
        """Let nothing more be spent: the block has ended."""
        with self._spending:
            self.has_ended = True

    def metered(self, pieces: Iterable[Piece], cost: Callable[[Piece], int]) -> Iterator[Piece]:
        """Pass on what comes, such as an LLM's answer, each piece paid for by its cost before it is handed on.

        Take the pieces within the block. Raises SpendExceedsHold in place of a piece that what is left does not cover.
        """
        for piece in pieces:
            self.spend(cost(piece))
            yield piece

    async def metered_async(self, pieces: AsyncIterable[Piece], cost: Callable[[Piece], int]) -> AsyncIterator[Piece]:
        """Do the same with what comes asynchronously."""
        async for piece in pieces:
            self.spend(cost(piece))
            yield piece

    @property
    def left_seconds(self) -> float:
        """How long it is until the hold expires, by its last answer; 0 or less if it should have."""
        return self._end - time.monotonic()

    @property
    def is_to_be_extended(self) -> bool:
        """Whether more time is of any use: the block runs, is not paid for, and is held for."""
        return not self.has_ended and not self.is_paid and self.left_seconds > 0

    @property
    def extends_after_seconds(self) -> float:
        """How long from now a hold whose block still runs is to be extended, or that is to be tried again."""
        return max(LEAST_PAUSE_SECONDS, self.left_seconds * SHARE)

    @property
    def extends_within_seconds(self) -> float:
        """How long that may be tried for at once: some is left for another time, if the answer is lost."""
        return max(LEAST_EXTEND_SECONDS, self.left_seconds * (1 - SHARE))

    def extension(self) -> ExtendReservationRequest:
        """Return the request for more time; by an id of its own, since a block that begins again needs more again."""
        return ExtendReservationRequest(name=self.name, ttl=self._ttl)

    def extended(self, reservation: Reservation) -> None:
        """Take in how much time there is now."""
        self._end = time.monotonic() + reservation.remaining_ttl.ToNanoseconds() / 1e9

    def ending(self, *, failed: bool) -> ConfirmRequest | RefundRequest:
        """Return the request that ends it: what was spent is confirmed; all of it if the block said nothing.

        A block that failed is given all back, unless what was spent stands. What another run by the same request id has
        confirmed meanwhile is not.
        """
        spent = self._spent
        if failed:
            spent = (spent or 0) if self._spent_stands else 0
        if spent == 0:
            return RefundRequest(name=self.name, request_id=f"{self.request_id}{REFUND}", pending_only=True)
        return ConfirmRequest(name=self.name, amount=spent, request_id=f"{self.request_id}{CONFIRM}")


class Particulars(TypedDict, total=False):
    """What may be said of a hold besides.

    ``ttl``: for how many seconds, more than 0, after which it expires if this program is gone; what the service is
    configured with if it is left out. ``request_id``: one of the caller's, of 1 to 230 characters, so that a program
    that died in the block and begins again holds and spends once. It belongs to one run at a time: two that run at once
    share one hold, and it ends as the first of them ends. That of an error that a block has raised is taken as the
    block's own. ``reason``: for people. ``labels``: the caller's own, up to 4 kB in all. ``spender_id``: who spends
    within the account.
    """

    ttl: float
    request_id: str
    reason: str
    labels: Mapping[str, str]
    spender_id: str


def reserving(account_id: str, credit_type: str, amount: int, **particulars: Unpack[Particulars]) -> ReserveRequest:
    """Return the request that a block begins with.

    Raises ValueError for a request id that is empty or to which nothing can be added, and for a ttl that is not more
    than 0 seconds.
    """
    request_id = particulars.get("request_id")
    request_id = new_request_id() if request_id is None else block_id(request_id)
    if not 1 <= len(request_id) <= MOST_CHARACTERS:
        raise ValueError(f"the request id of a block has 1 to {MOST_CHARACTERS} characters, not {len(request_id)}")
    request = ReserveRequest(
        account_id=account_id,
        credit_type=credit_type,
        amount=amount,
        request_id=f"{request_id}{RESERVE}",
        reason=particulars.get("reason", ""),
        metadata=particulars.get("labels"),
        spender_id=particulars.get("spender_id", ""),
    )
    ttl = particulars.get("ttl")
    if ttl is not None:
        if ttl <= 0:
            raise ValueError(f"ttl is how many seconds to hold, not {ttl}")
        request.ttl.FromNanoseconds(round(ttl * 1e9))
    return request


def block_id(request_id: str) -> str:
    """Return the request id of a block; of one of its calls, which an error tells, what the block's own was."""
    for word in (RESERVE, CONFIRM, REFUND):
        if request_id.endswith(word):
            return request_id.removesuffix(word)
    return request_id
