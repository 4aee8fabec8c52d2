"""CreditService's mutations: one request to one command to one answer."""

from typing import Any

from credit.v1 import credit_service_pb2 as pb
from creditd.ledger.work import Outcome
from creditd.server import commands
from creditd.server.answer_sizes import SLICES_SHOWN
from creditd.server.commands import MakeId
from creditd.server.credit_messages import balance_after_fields, entry_fields, reservation_fields
from creditd.service.call import Call
from creditd.service.credits import Credits


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

    def __init__(self, credits: Credits, make_id: MakeId) -> None:
        """Name new reservations with ``make_id``."""
        self._credits = credits
        self._make_id = make_id

    async def reserve(self, request: pb.ReserveRequest, call: Call) -> pb.ReserveResponse:
        """Answer Reserve."""
        key, command = commands.reserve(request, call, self._make_id)
        outcome = await self._credits.perform(call, key, command, dry_run=request.validate_only)
        answer: pb.ReserveResponse = movement(pb.ReserveResponse, outcome, dry_run=request.validate_only)
        return answer

    async def deduct(self, request: pb.DeductRequest, call: Call) -> pb.DeductResponse:
        """Answer Deduct."""
        key, command = commands.deduct(request, call, self._make_id)
        outcome = await self._credits.perform(call, key, command, dry_run=request.validate_only)
        answer: pb.DeductResponse = movement(pb.DeductResponse, outcome, dry_run=request.validate_only)
        return answer

    async def confirm(self, request: pb.ConfirmRequest, call: Call) -> pb.ConfirmResponse:
        """Answer Confirm."""
        key, command = commands.confirm(request, call)
        answer: pb.ConfirmResponse = movement(pb.ConfirmResponse, await self._credits.perform(call, key, command))
        return answer

    async def refund(self, request: pb.RefundRequest, call: Call) -> pb.RefundResponse:
        """Answer Refund."""
        key, command = commands.refund(request, call)
        answer: pb.RefundResponse = movement(pb.RefundResponse, await self._credits.perform(call, key, command))
        return answer

    async def extend_reservation(
        self, request: pb.ExtendReservationRequest, call: Call
    ) -> pb.ExtendReservationResponse:
        """Answer ExtendReservation."""
        key, command = commands.extend(request, call)
        outcome = await self._credits.perform(call, key, command)
        answer: pb.ExtendReservationResponse = movement(pb.ExtendReservationResponse, outcome)
        return answer
