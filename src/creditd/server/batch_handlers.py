"""Many requests in one call, each with its own result: a bad one never fails another."""

from collections.abc import Callable, Sequence
from typing import Any

from credit.v1 import credit_service_pb2 as pb
from creditd.domain.errors import Refusal
from creditd.ledger.work import Result, Work
from creditd.server.answer_sizes import slices_each
from creditd.server.bridge import Bridge
from creditd.server.refusals import InvalidFields
from creditd.server.slicing import sliced
from creditd.server.spending_handlers import SpendingHandlers, SpendingWorks, movement
from creditd.server.status import status_of
from creditd.server.validation import validate
from creditd.service.call import Call


class BatchHandlers:
    """The calls that carry up to 1,000 requests."""

    def __init__(self, bridge: Bridge, single: SpendingHandlers, works: SpendingWorks) -> None:
        """Perform works over the bridge."""
        self._bridge = bridge
        self._single = single
        self._works = works

    async def batch_reserve(self, request: pb.BatchReserveRequest, call: Call) -> pb.BatchReserveResponse:
        """Answer BatchReserve."""
        await self._know(request.requests)
        results = await self._perform(request.requests, self._works.reserve, call)
        outcomes = await _outcomes(pb.BatchReserveResult, pb.ReserveResponse, request.requests, results, call)
        return pb.BatchReserveResponse(results=outcomes)

    async def batch_deduct(self, request: pb.BatchDeductRequest, call: Call) -> pb.BatchDeductResponse:
        """Answer BatchDeduct."""
        await self._know(request.requests)
        results = await self._perform(request.requests, self._works.deduct, call)
        outcomes = await _outcomes(pb.BatchDeductResult, pb.DeductResponse, request.requests, results, call)
        return pb.BatchDeductResponse(results=outcomes)

    async def batch_confirm(self, request: pb.BatchConfirmRequest, call: Call) -> pb.BatchConfirmResponse:
        """Answer BatchConfirm."""
        results = await self._perform(request.requests, self._works.confirm, call)
        outcomes = await _outcomes(pb.BatchConfirmResult, pb.ConfirmResponse, request.requests, results, call)
        for outcome in outcomes:
            if outcome.HasField("response"):
                # They came with another request, whose size this one's says nothing of.
                outcome.response.reservation.ClearField("description")
                outcome.response.reservation.ClearField("metadata")
        return pb.BatchConfirmResponse(results=outcomes)

    async def _know(self, requests: Sequence[pb.ReserveRequest] | Sequence[pb.DeductRequest]) -> None:
        for credit_type in {item.credit_type for item in requests}:
            await self._single.know(credit_type)

    async def _perform(
        self, requests: Sequence[Any], make_work: Callable[[Any, Call], Work], call: Call
    ) -> list[Result]:
        results: list[Result | Work] = []
        async for items in sliced(requests):
            results += [_work_or_refusal(item, make_work, call) for item in items]
        outcomes = iter(await self._bridge.perform_all([work for work in results if isinstance(work, Work)]))
        return [next(outcomes) if isinstance(result, Work) else result for result in results]


def _work_or_refusal(item: Any, make_work: Callable[[Any, Call], Work], call: Call) -> Work | Exception:
    try:
        validate(item)
        return make_work(item, call)
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
