"""CreditService's mutations: one request to one work to one answer."""

from typing import Any

from credit.v1 import credit_service_pb2 as pb
from creditd.domain.wallet import WalletKey
from creditd.ledger.work import Outcome, Work
from creditd.server.answer_sizes import SLICES_SHOWN
from creditd.server.bridge import Bridge
from creditd.server.bulkheads import CATALOGUE
from creditd.server.credit_messages import balance_after_fields, entry_fields, reservation_fields
from creditd.server.requests import expiry, origin
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.spending import Spending


class SpendingWorks:
    """Turns requests that spend into works; the single calls and the batches share it."""

    def __init__(self, spending: Spending) -> None:
        """Spend through the service."""
        self._spending = spending

    def reserve(self, request: pb.ReserveRequest, call: Call) -> Work:
        """Read a ReserveRequest."""
        expire_time, ttl = expiry(request)
        return self._spending.reserve(
            call,
            origin(call, request, request.description, "description"),
            WalletKey(request.account_id, request.credit_type),
            request.amount,
            expire_time=expire_time,
            ttl=ttl,
            version=request.version if request.HasField("version") else None,
            dry_run=request.validate_only,
        )

    def deduct(self, request: pb.DeductRequest, call: Call) -> Work:
        """Read a DeductRequest."""
        return self._spending.deduct(
            call,
            origin(call, request, request.description, "description"),
            WalletKey(request.account_id, request.credit_type),
            request.amount,
            version=request.version if request.HasField("version") else None,
            dry_run=request.validate_only,
        )

    def confirm(self, request: pb.ConfirmRequest, call: Call) -> Work:
        """Read a ConfirmRequest."""
        return self._spending.confirm(
            call,
            origin(call, request, request.description, "description"),
            request.reservation,
            request.amount if request.HasField("amount") else None,
            allow_excess=request.allow_excess,
            version=request.version if request.HasField("version") else None,
        )

    def refund(self, request: pb.RefundRequest, call: Call) -> Work:
        """Read a RefundRequest."""
        return self._spending.refund(
            call,
            origin(call, request, request.reason),
            request.reservation,
            request.amount if request.HasField("amount") else None,
            version=request.version if request.HasField("version") else None,
        )

    def extend(self, request: pb.ExtendReservationRequest, call: Call) -> Work:
        """Read an ExtendReservationRequest."""
        expire_time, ttl = expiry(request)
        return self._spending.extend(
            call, origin(call, request, ""), request.reservation, expire_time=expire_time, ttl=ttl
        )


def movement(response: Any, outcome: Outcome, *, dry_run: bool = False, most_slices: int = SLICES_SHOWN) -> Any:
    """Write an outcome of one step: every response of a movement has these three fields."""
    entry, reservation = outcome.entries[0], outcome.reservations[0]
    return response(
        reservation=reservation_fields(reservation, most_slices) if reservation else None,
        entry=None if dry_run else entry_fields(entry, most_slices),
        balance=balance_after_fields(entry),
    )


class SpendingHandlers:
    """The single calls."""

    def __init__(self, bridge: Bridge, catalogue: Catalogue, works: SpendingWorks) -> None:
        """Perform works over the bridge."""
        self._bridge = bridge
        self._catalogue = catalogue
        self._works = works

    async def _perform(self, work: Work, call: Call) -> Outcome:
        outcome = await self._bridge.perform(work)
        call.replayed = outcome.replayed
        return outcome

    async def know(self, credit_type: str) -> None:
        """Look a credit type up that this server has not seen: another one may have declared it."""
        if not self._catalogue.knows(credit_type):
            await self._bridge.lookups(self._catalogue.load, owner=CATALOGUE)

    async def reserve(self, request: pb.ReserveRequest, call: Call) -> pb.ReserveResponse:
        """Answer Reserve."""
        await self.know(request.credit_type)
        outcome = await self._perform(self._works.reserve(request, call), call)
        answer: pb.ReserveResponse = movement(pb.ReserveResponse, outcome, dry_run=request.validate_only)
        return answer

    async def deduct(self, request: pb.DeductRequest, call: Call) -> pb.DeductResponse:
        """Answer Deduct."""
        await self.know(request.credit_type)
        outcome = await self._perform(self._works.deduct(request, call), call)
        answer: pb.DeductResponse = movement(pb.DeductResponse, outcome, dry_run=request.validate_only)
        return answer

    async def confirm(self, request: pb.ConfirmRequest, call: Call) -> pb.ConfirmResponse:
        """Answer Confirm."""
        outcome = await self._perform(self._works.confirm(request, call), call)
        answer: pb.ConfirmResponse = movement(pb.ConfirmResponse, outcome)
        return answer

    async def refund(self, request: pb.RefundRequest, call: Call) -> pb.RefundResponse:
        """Answer Refund."""
        outcome = await self._perform(self._works.refund(request, call), call)
        answer: pb.RefundResponse = movement(pb.RefundResponse, outcome)
        return answer

    async def extend_reservation(
        self, request: pb.ExtendReservationRequest, call: Call
    ) -> pb.ExtendReservationResponse:
        """Answer ExtendReservation."""
        outcome = await self._perform(self._works.extend(request, call), call)
        answer: pb.ExtendReservationResponse = movement(pb.ExtendReservationResponse, outcome)
        return answer
