"""Many requests in one call, each with its own result: a bad one never fails another."""

from collections.abc import Callable, Sequence
from typing import Any

from credit.v1 import credit_service_pb2 as pb
from creditd.domain.errors import Refusal
from creditd.ledger.work import Result, Work
from creditd.server.bridge import Bridge
from creditd.server.refusals import InvalidFields
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
        outcomes = [
            _result(pb.BatchReserveResult, pb.ReserveResponse, item, result, call)
            for item, result in zip(request.requests, results, strict=True)
        ]
        return pb.BatchReserveResponse(results=outcomes)

    async def batch_deduct(self, request: pb.BatchDeductRequest, call: Call) -> pb.BatchDeductResponse:
        """Answer BatchDeduct."""
        await self._know(request.requests)
        results = await self._perform(request.requests, self._works.deduct, call)
        outcomes = [
            _result(pb.BatchDeductResult, pb.DeductResponse, item, result, call)
            for item, result in zip(request.requests, results, strict=True)
        ]
        return pb.BatchDeductResponse(results=outcomes)

    async def batch_confirm(self, request: pb.BatchConfirmRequest, call: Call) -> pb.BatchConfirmResponse:
        """Answer BatchConfirm."""
        results = await self._perform(request.requests, self._works.confirm, call)
        outcomes = [
            _result(pb.BatchConfirmResult, pb.ConfirmResponse, item, result, call)
            for item, result in zip(request.requests, results, strict=True)
        ]
        return pb.BatchConfirmResponse(results=outcomes)

    async def _know(self, requests: Sequence[pb.ReserveRequest] | Sequence[pb.DeductRequest]) -> None:
        for credit_type in {item.credit_type for item in requests}:
            await self._single.know(credit_type)

    async def _perform(
        self, requests: Sequence[Any], make_work: Callable[[Any, Call], Work], call: Call
    ) -> list[Result]:
        results: list[Result | Work] = []
        for item in requests:
            try:
                validate(item)
                results.append(make_work(item, call))
            except (InvalidFields, Refusal) as refusal:
                results.append(refusal)
        outcomes = iter(await self._bridge.perform_all([work for work in results if isinstance(work, Work)]))
        return [next(outcomes) if isinstance(result, Work) else result for result in results]


def _result(result: Any, response: Any, item: Any, outcome: Result, call: Call) -> Any:
    if isinstance(outcome, Exception):
        return result(error=status_of(outcome, call.language, call.correlation_id))
    dry_run = getattr(item, "validate_only", False)
    return result(response=movement(response, outcome, dry_run=dry_run))
