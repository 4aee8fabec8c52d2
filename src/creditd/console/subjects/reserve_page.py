"""What a Reserve would be answered, now or at an instant: what stands in its way, and what would pay for it."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from credit.v1.account_pb2 import AccountStatus, PlanKind
from credit.v1.explanation_pb2 import ReserveExplanation, UntoldFact
from credit.v1.source_pb2 import Source
from credit.v1.support_service_pb2 import ExplainReserveRequest
from creditd.console.failure_page import missing_page, status_of
from creditd.console.service_refusal import ServiceRefusal, text_of
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.credit_types import credit_types
from creditd.console.shapes.detail_page import DetailSection, KnownFact
from creditd.console.shapes.id_patterns import ACCOUNT_ID
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.subjects.wallet_pages import slices_section
from creditd.console.visit import Visit

_FIELDS: Final = ("credit_type", "amount", "spender", "at")

_FIELDS_OF: Final = {"spender_id": "spender", "as_of_time": "at"}
"""The fields of the form, by those of the request that are called otherwise."""

_MOST: Final = 128
"""Characters of a field, as many as an id may have."""


async def reserve_page(visit: Visit) -> Response:
    """Show the form, and the answer once it is filled. It is asked by the URL: nothing is changed by it."""
    account_id = visit.parts["account_id"]
    if not re.fullmatch(ACCOUNT_ID, account_id):
        return await missing_page(visit)
    types = await credit_types(visit)
    query = visit.request.query_params
    typed = TypedForm(visit, {name: query.get(name, "").strip()[:_MOST] for name in _FIELDS}, types)
    found: ReserveExplanation | None = None
    refusal: ServiceRefusal | None = None
    if typed.stated["credit_type"] or typed.stated["amount"]:
        request = _request(typed, account_id)
        try:
            found = None if typed.faults else await _explained(visit, request)
        except ServiceRefusal as problem:
            if problem.concerns_the_page:
                raise
            refusal = problem
            typed.faults |= {_FIELDS_OF.get(name, name): fault for name, fault in problem.fields.items()}
    write = CellWriter(visit, types)
    return visit.page(
        "reserve.html",
        status_of(refusal) if refusal else HTTPStatus.OK,
        account_id=account_id,
        types=types,
        stated=typed.stated,
        faults=typed.faults,
        refusal=refusal,
        found=found,
        obstacles=[write.said(text_of(status)) for status in found.obstacles] if found else (),
        sections=list(_sections(write, account_id, found)) if found else (),
    )


async def _explained(visit: Visit, request: ExplainReserveRequest) -> ReserveExplanation:
    answer = await visit.ask(visit.stubs.support.ExplainReserve, request)
    explanation: ReserveExplanation = answer.explanation
    return explanation


def _request(typed: TypedForm, account_id: str) -> ExplainReserveRequest:
    credit_type = typed.text("credit_type", is_needed=True)
    request = ExplainReserveRequest(
        account_id=account_id,
        credit_type=credit_type,
        amount=typed.amount("amount", credit_type),
        spender_id=typed.text("spender"),
    )
    if moment := typed.instant("at"):
        request.as_of_time.CopyFrom(moment)
    return request


def _sections(write: CellWriter, account_id: str, found: ReserveExplanation) -> Iterator[DetailSection]:
    code = found.balance.credit_type

    def figure(amount: int) -> Cell:
        return write.credits(amount, code, is_bare=True)

    yield DetailSection(
        "reserve",
        (
            KnownFact("available", write.credits(found.balance.available, code)),
            KnownFact("shortfall", write.credits(found.shortfall, code)),
            KnownFact("held", write.credits(found.balance.reserved, code)),
            KnownFact("debt", write.credits(found.balance.debt, code)),
            KnownFact("state", write.word(AccountStatus, found.status)),
            KnownFact("plan", write.word(PlanKind, found.plan.kind)),
            KnownFact("as_of", write.time(found.as_of_time, with_seconds=True)),
            KnownFact("untold", write.beside([write.word(UntoldFact, fact) for fact in found.untold_facts])),
        ),
    )
    if found.slices:
        yield slices_section(write, account_id, code, found.slices)
    heads = (("source", ""), ("available", "n"), ("held", "n"), ("lapses_soon", "n"), ("next_lapse", ""))
    yield DetailSection(
        "sources",
        heads=heads,
        rows=[
            (
                write.word(Source, one.source),
                figure(one.available),
                figure(one.held),
                figure(one.lapses_soon),
                write.time(one.next_lapse_time),
            )
            for one in found.sources
        ],
    )
    if found.limits:
        yield _limits(write, found)
    if found.lapses:
        rows = [
            (write.time(one.lapse_time), write.word(Source, one.source), figure(one.amount)) for one in found.lapses
        ]
        yield DetailSection("lapses", heads=(("time", ""), ("source", ""), ("amount", "n")), rows=rows)


def _limits(write: CellWriter, found: ReserveExplanation) -> DetailSection:
    code = found.balance.credit_type

    def most(limit: Any, name: str) -> Cell:
        return write.credits(getattr(limit, name), code, is_bare=True) if limit.HasField(name) else NOTHING

    rows = [
        (
            write.code(one.limit.spender),
            most(one.limit, "most_per_movement"),
            write.credits(one.used_in_hour, code, is_bare=True),
            most(one.limit, "most_per_hour"),
            write.credits(one.used_in_day, code, is_bare=True),
            most(one.limit, "most_per_day"),
        )
        for one in found.limits
    ]
    figures = ("most_at_once", "used_hour", "most_hour", "used_day", "most_day")
    return DetailSection("limits", heads=(("spender", ""), *((name, "n") for name in figures)), rows=rows)
