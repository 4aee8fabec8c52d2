"""Many requests in one call, each with its own result: a bad one never fails another."""

from collections.abc import Callable, Sequence
from typing import Any

from credit.v1 import credit_service_pb2 as pb
from creditd.domain.errors import Refusal
from creditd.ledger.work import Result, Step
from creditd.server import commands
from creditd.server.answer_sizes import slices_each
from creditd.server.commands import MakeId
from creditd.server.refusals import InvalidFields
from creditd.server.slicing import sliced
from creditd.server.spending_handlers import movement
from creditd.server.status import status_of
from creditd.server.validation import validate
from creditd.service.call import Call
from creditd.service.credits import Credits, Instruction


class BatchHandlers:
    """The calls that carry up to 1,000 requests."""

    def __init__(self, credits: Credits, make_id: MakeId) -> None:
        """Name new reservations with ``make_id``."""
        self._credits = credits
        self._make_id = make_id

    async def batch_reserve(self, request: pb.BatchReserveRequest, call: Call) -> pb.BatchReserveResponse:
        """Answer BatchReserve."""
        results = await self._perform(request.requests, lambda item: commands.reserve(item, call, self._make_id), call)
        outcomes = await _outcomes(pb.BatchReserveResult, pb.ReserveResponse, request.requests, results, call)
        return pb.BatchReserveResponse(results=outcomes)

    async def batch_deduct(self, request: pb.BatchDeductRequest, call: Call) -> pb.BatchDeductResponse:
        """Answer BatchDeduct."""
        results = await self._perform(request.requests, lambda item: commands.deduct(item, call, self._make_id), call)
        outcomes = await _outcomes(pb.BatchDeductResult, pb.DeductResponse, request.requests, results, call)
        return pb.BatchDeductResponse(results=outcomes)

    async def batch_confirm(self, request: pb.BatchConfirmRequest, call: Call) -> pb.BatchConfirmResponse:
        """Answer BatchConfirm."""
        results = await self._perform(request.requests, lambda item: commands.confirm(item, call), call)
        outcomes = await _outcomes(pb.BatchConfirmResult, pb.ConfirmResponse, request.requests, results, call)
        for outcome in outcomes:
            if outcome.HasField("response"):
                # They came with another request, whose size this one's says nothing of.
                outcome.response.reservation.ClearField("reason")
                outcome.response.reservation.ClearField("metadata")
        return pb.BatchConfirmResponse(results=outcomes)

    async def _perform(self, requests: Sequence[Any], read: Callable[[Any], Step], call: Call) -> list[Result]:
        readings: list[Instruction | Exception] = []
        async for items in sliced(requests):
            readings += [_instruction_or_refusal(item, read) for item in items]
        instructions = [reading for reading in readings if isinstance(reading, Instruction)]
        results = iter(await self._credits.perform_each(call, instructions))
        return [next(results) if isinstance(reading, Instruction) else reading for reading in readings]


def _instruction_or_refusal(item: Any, read: Callable[[Any], Step]) -> Instruction | Exception:
    try:
        validate(item)
        return Instruction(*read(item), getattr(item, "validate_only", False))
    except (InvalidFields, Refusal) as refusal:
        return refusal


async def _outcomes(kind: Any, response: Any, items: Sequence[Any], results: Sequence[Result], call: Call) -> list[Any]:
    most = slices_each(len(items))
    outcomes: list[Any] = []
    async for pairs in sliced(list(zip(items, results, strict=True))):
        outcomes += [_outcome(kind, response, *pair, call, most) for pair in pairs]
    return outcomes


def _outcome(kind: Any, response: Any, item: Any, result: Result, call: Call, most_slices: int) -> Any:
    if isinstance(result, Exception):
        return kind(error=status_of(result, call.language, call.correlation_id))
    dry_run = getattr(item, "validate_only", False)
    return kind(response=movement(response, result, dry_run=dry_run, most_slices=most_slices))
