"""CreditService's mutations: one request to one command to one answer."""

from typing import Any

from credit.v1 import credit_service_pb2 as pb
from creditd.domain.instant import Instant
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.work import Outcome, Step
from creditd.server import commands
from creditd.server.answer_sizes import SLICES_SHOWN
from creditd.server.commands import MakeId
from creditd.server.credit_messages import write_balance_after, write_entry, write_reservation
from creditd.service.call import Call
from creditd.service.credits import Credits


def write_movement(
    message: Any, outcome: Outcome, now: Instant, *, dry_run: bool, most_slices: int = SLICES_SHOWN
) -> None:
    """Write an outcome of one step into an empty response: every response of a movement has these three fields."""
    entry, reservation = outcome.entries[0], outcome.reservations[0]
    if reservation:
        write_reservation(message.reservation, reservation, now, most_slices)
    if not dry_run:
        write_entry(message.entry, entry, most_slices)
    write_balance_after(message.balance, entry)


class HoldHandlers:
    """The single calls."""

    def __init__(self, credits: Credits, make_id: MakeId, clock: DatabaseClock) -> None:
        """Name new reservations with ``make_id``, and tell by ``clock`` how long they last."""
        self._credits = credits
        self._make_id = make_id
        self._clock = clock

    async def reserve(self, request: pb.ReserveRequest, call: Call) -> pb.ReserveResponse:
        """Answer Reserve."""
        step = commands.reserve(request, call, self._make_id)
        answer: pb.ReserveResponse = await self._perform(pb.ReserveResponse, request, call, step)
        return answer

    async def deduct(self, request: pb.DeductRequest, call: Call) -> pb.DeductResponse:
        """Answer Deduct."""
        step = commands.deduct(request, call, self._make_id)
        answer: pb.DeductResponse = await self._perform(pb.DeductResponse, request, call, step)
        return answer

    async def confirm(self, request: pb.ConfirmRequest, call: Call) -> pb.ConfirmResponse:
        """Answer Confirm."""
        step = commands.confirm(request, call)
        answer: pb.ConfirmResponse = await self._perform(pb.ConfirmResponse, request, call, step)
        return answer

    async def refund(self, request: pb.RefundRequest, call: Call) -> pb.RefundResponse:
        """Answer Refund."""
        step = commands.refund(request, call)
        answer: pb.RefundResponse = await self._perform(pb.RefundResponse, request, call, step)
        return answer

    async def extend_reservation(
        self, request: pb.ExtendReservationRequest, call: Call
    ) -> pb.ExtendReservationResponse:
        """Answer ExtendReservation."""
        step = commands.extend(request, call)
        answer: pb.ExtendReservationResponse = await self._perform(pb.ExtendReservationResponse, request, call, step)
        return answer

    async def _perform(self, response: Any, request: Any, call: Call, step: Step) -> Any:
        outcome = await self._credits.perform(call, *step, dry_run=request.validate_only)
        answer = response()
        write_movement(answer, outcome, self._clock.now(), dry_run=request.validate_only)
        return answer
