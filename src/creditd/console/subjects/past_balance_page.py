"""What an account had at an instant of the past, by the ledger."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from credit.v1.balance_pb2 import Balance
from credit.v1.credit_service_pb2 import GetHistoricalBalanceRequest
from creditd.console.failure_page import missing_page, status_of
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.balance_sections import balances_sections
from creditd.console.shapes.cells import CellWriter
from creditd.console.shapes.credit_types import credit_types
from creditd.console.shapes.id_patterns import ACCOUNT_ID
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.visit import Visit

_MOST: Final = 32
"""Characters of an instant."""


async def past_balance_page(visit: Visit) -> Response:
    """Show the form, and the balances once an instant is stated. It is asked by the URL, as nothing is changed."""
    account_id = visit.parts["account_id"]
    if not re.fullmatch(ACCOUNT_ID, account_id):
        return await missing_page(visit)
    types = await credit_types(visit)
    typed = TypedForm(visit, {"at": visit.request.query_params.get("at", "").strip()[:_MOST]}, types)
    balances: Sequence[Balance] | None = None
    refusal: ServiceRefusal | None = None
    if moment := typed.instant("at"):
        request = GetHistoricalBalanceRequest(account_id=account_id, as_of_time=moment)
        try:
            balances = await _balances(visit, request)
        except ServiceRefusal as problem:
            if problem.concerns_the_page:
                raise
            refusal = problem
            if fault := problem.fields.get("as_of_time"):
                typed.faults["at"] = fault
    write = CellWriter(visit, types)
    sections = None if balances is None else balances_sections(write, "past_balance", balances)
    return visit.page(
        "past_balance.html",
        status_of(refusal) if refusal else HTTPStatus.OK,
        account_id=account_id,
        stated=typed.stated,
        faults=typed.faults,
        refusal=refusal,
        moment=moment,
        sections=sections,
    )


async def _balances(visit: Visit, request: GetHistoricalBalanceRequest) -> Sequence[Balance]:
    """Return the balances of wallets that had moved by then. Raises ServiceRefusal."""
    answer = await visit.ask(visit.stubs.credit.GetHistoricalBalance, request)
    return [balance for balance in answer.balances if balance.version]
