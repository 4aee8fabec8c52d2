"""Many requests in one call, each with its own result: a bad one never fails another."""

from collections.abc import Callable, Sequence
from typing import Any

from credit.v1 import credit_service_pb2 as pb
from creditd.domain.errors import Refusal
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.work import Outcome, Result, Step
from creditd.server import commands
from creditd.server.answer_sizes import slices_each
from creditd.server.authorization.policy import require_within
from creditd.server.chunks import chunked, items_at_a_time
from creditd.server.commands import MakeId
from creditd.server.credit_messages import write_balance_after, write_entry
from creditd.server.handlers.hold_handlers import write_movement
from creditd.server.refusals import InvalidFields
from creditd.server.status import DecimalsOf, status_of
from creditd.server.validation import validate
from creditd.service.call import Call
from creditd.service.credits import Credits, Instruction

Write = Callable[[Any, Any, Outcome, int], None]
"""Writes into an empty response the outcome of a request, with so many slices at most."""


class BatchHandlers:
    """The calls that carry up to 1,000 requests."""

    def __init__(self, credits: Credits, make_id: MakeId, clock: DatabaseClock, decimals_of: DecimalsOf) -> None:
        """Name new reservations with ``make_id``, and tell by ``clock`` how long they last.

        Amounts in what is said to people have the decimals that ``decimals_of`` tells.
        """
        self._decimals_of = decimals_of
        self._credits = credits
        self._make_id = make_id
        self._clock = clock

    async def batch_reserve(self, request: pb.BatchReserveRequest, call: Call) -> pb.BatchReserveResponse:
        """Answer BatchReserve."""
        read = _of_allowed(call, "BatchReserve", lambda item: commands.reserve(item, call, self._make_id))
        results = await self._perform(request.requests, read, call)
        answer = pb.BatchReserveResponse()
        await self._write_all(answer.results, request.requests, results, call, self._movement())
        return answer

    async def batch_deduct(self, request: pb.BatchDeductRequest, call: Call) -> pb.BatchDeductResponse:
        """Answer BatchDeduct."""
        read = _of_allowed(call, "BatchDeduct", lambda item: commands.deduct(item, call, self._make_id))
        results = await self._perform(request.requests, read, call)
        answer = pb.BatchDeductResponse()
        await self._write_all(answer.results, request.requests, results, call, self._movement())
        return answer

    async def batch_confirm(self, request: pb.BatchConfirmRequest, call: Call) -> pb.BatchConfirmResponse:
        """Answer BatchConfirm."""
        read = _of_allowed(call, "BatchConfirm", lambda item: commands.confirm(item, call))
        results = await self._perform(request.requests, read, call)
        answer = pb.BatchConfirmResponse()
        # A reservation's reason and labels came with another request, whose size this one's says nothing of.
        await self._write_all(answer.results, request.requests, results, call, _write_confirmation)
        return answer

    async def _perform(self, requests: Sequence[Any], read: Callable[[Any], Step], call: Call) -> list[Result]:
        readings: list[Instruction | Exception] = []
        async for items in chunked(requests):
            readings += [_instruction_or_refusal(item, read) for item in items]
        instructions = [reading for reading in readings if isinstance(reading, Instruction)]
        results = iter(await self._credits.perform_each(call, instructions))
        return [next(results) if isinstance(reading, Instruction) else reading for reading in readings]

    async def _write_all(
        self, messages: Any, items: Sequence[Any], results: Sequence[Result], call: Call, write: Write
    ) -> None:
        """Add to an answer's ``messages`` the result of each item, with ``write`` where it is an outcome."""
        most = slices_each(len(items))
        # A result has slices twice: with its entry and with its reservation.
        async for pairs in chunked(list(zip(items, results, strict=True)), items_at_a_time(2 * most)):
            for item, result in pairs:
                message = messages.add()
                if isinstance(result, Exception):
                    status = status_of(result, call.language, call.correlation_id, self._decimals_of)
                    message.error.CopyFrom(status)
                else:
                    write(message.response, item, result, most)

    def _movement(self) -> Write:
        now = self._clock.now()
        return lambda message, item, outcome, most: write_movement(
            message, outcome, now, dry_run=item.validate_only, most_slices=most
        )


def _of_allowed(call: Call, method: str, read: Callable[[Any], Step]) -> Callable[[Any], Step]:
    """Return a reader of items that refuses those of accounts that the caller is not limited to."""
    if not call.accounts:
        return read
    method = f"/credit.v1.CreditService/{method}"

    def read_allowed(item: Any) -> Step:
        step = read(item)
        require_within(call.accounts, step.key.account_id, method)
        return step

    return read_allowed


def _instruction_or_refusal(item: Any, read: Callable[[Any], Step]) -> Instruction | Exception:
    try:
        validate(item)
        return Instruction(read(item), item.validate_only)
    except (InvalidFields, Refusal) as refusal:
        return refusal


def _write_confirmation(message: pb.Confirmation, item: pb.ConfirmRequest, outcome: Outcome, most_slices: int) -> None:
    (entry,) = outcome.entries
    if not item.validate_only:
        write_entry(message.entry, entry, most_slices)
    write_balance_after(message.balance, entry)
