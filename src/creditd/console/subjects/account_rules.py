"""What binds an account and what it warns of: its limits and balance alerts, and setting them."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.responses import Response

from credit.v1.balance_alert_pb2 import (
    BalanceAlert,
    GetBalanceAlertsRequest,
    GetBalanceAlertsResponse,
    SetBalanceAlertsRequest,
)
from credit.v1.limits_pb2 import GetLimitsRequest, GetLimitsResponse, Limit, SetLimitsRequest
from creditd.console.failure_page import missing_page
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.act_page import REASON, SEEN_VERSION, ActField, ActPage
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.credit_types import credit_types
from creditd.console.shapes.detail_page import DetailSection, ShownDetail
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.resource_names import account_name
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.visit import Visit

_FIGURES: Final = ("least_per_movement", "most_per_movement", "most_per_hour", "most_per_day")


def _back(visit: Visit) -> str:
    return visit.account_path(visit.parts["account_id"], "/rules")


async def _limits(visit: Visit) -> GetLimitsResponse:
    answer: GetLimitsResponse = await visit.ask(
        visit.stubs.admin.GetLimits, GetLimitsRequest(name=account_name(visit.parts))
    )
    return answer


def _limit(form: TypedForm) -> SetLimitsRequest:
    """Return the account's own limits with this one in its place; refused if they have changed meanwhile."""
    credit_type = form.text("credit_type", is_needed=True)
    spender = form.text("spender")
    limit = Limit(credit_type=credit_type, spender=spender)
    for name in _FIGURES:
        if amount := form.amount(name, credit_type, is_needed=False):
            setattr(limit, name, amount)
    others = [one for one in form.loaded.limits if (one.credit_type, one.spender) != (credit_type, spender)]
    return SetLimitsRequest(
        name=account_name(form.visit.parts),
        limits=others if form.text("take_away") else [*others, limit],
        request_id=form.request_id,
        # As the page showed it: the same form sent twice is the same request.
        expected_version=form.loaded.version if form.seen_version is None else form.seen_version,
        reason=form.reason(),
    )


SET_LIMIT: Final = ActPage(
    "set_limit",
    "/accounts/{account_id}/limits",
    "accounts.change",
    lambda stubs: stubs.admin.SetLimits,
    _limit,
    _back,
    fields=(
        SEEN_VERSION,
        ActField("credit_type", "type", is_needed=True),
        ActField("spender", most=128, hint="field.spender.hint"),
        ActField("least_per_movement", "number"),
        ActField("most_per_movement", "number"),
        ActField("most_per_hour", "number"),
        ActField("most_per_day", "number", hint="field.limit.hint", of=("limits",)),
        ActField("take_away", "check"),
        REASON._replace(hint=""),
    ),
    subject="account_id",
    will=1,
    load=_limits,
)


async def _alerts(visit: Visit) -> GetBalanceAlertsResponse:
    answer: GetBalanceAlertsResponse = await visit.ask(
        visit.stubs.admin.GetBalanceAlerts, GetBalanceAlertsRequest(name=account_name(visit.parts))
    )
    return answer


def _alert(form: TypedForm) -> SetBalanceAlertsRequest:
    """Return the account's alerts with this one in its place, or without it; refused if they have changed meanwhile."""
    credit_type = form.text("credit_type", is_needed=True)
    below = form.amount("below", credit_type, is_needed=False)
    others = [one for one in form.loaded.alerts if one.credit_type != credit_type]
    return SetBalanceAlertsRequest(
        name=account_name(form.visit.parts),
        alerts=[*others, BalanceAlert(credit_type=credit_type, below=below)] if below else others,
        request_id=form.request_id,
        expected_version=form.loaded.version if form.seen_version is None else form.seen_version,
        reason=form.reason(),
    )


SET_ALERT: Final = ActPage(
    "set_alert",
    "/accounts/{account_id}/alerts",
    "accounts.change",
    lambda stubs: stubs.admin.SetBalanceAlerts,
    _alert,
    _back,
    fields=(
        SEEN_VERSION,
        ActField("credit_type", "type", is_needed=True),
        ActField("below", "number", hint="field.below.hint", of=("alerts",)),
        REASON._replace(hint=""),
    ),
    subject="account_id",
    will=2,
    load=_alerts,
)


async def rules_page(visit: Visit) -> Response:
    """Show an account's limits, those that are configured for all, and its alerts."""
    try:
        types, limits, alerts = await visit.ask_all(credit_types(visit), _limits(visit), _alerts(visit))
    except ServiceRefusal as refusal:
        if refusal.reason == "INVALID_FIELD":
            return await missing_page(visit)
        raise
    write = CellWriter(visit, types)
    account_id = visit.parts["account_id"]
    detail = ShownDetail(
        write.text("rules"),
        beneath=(write.account(account_id),),
        sections=(
            _limits_section(write, "own_limits", limits.limits, limits.version),
            _limits_section(write, "default_limits", limits.defaults, None),
            _alerts_section(write, alerts),
        ),
    )
    offers = [
        OfferedAct("act.set_alert.do", _path(visit, "/alerts", version=str(alerts.version)), "accounts.change", "plus"),
        OfferedAct("act.set_limit.do", _path(visit, "/limits", version=str(limits.version)), "accounts.change", "plus"),
    ]
    offers = [offer for offer in offers if visit.may(offer.permission)]
    return visit.page("detail.html", detail=detail, lists=(), offers=offers)


def _path(visit: Visit, further: str, **query: str) -> str:
    return visit.account_path(visit.parts["account_id"], further, **query)


def _limits_section(write: CellWriter, name: str, limits: Sequence[Any], version: int | None) -> DetailSection:
    """Return limits; the type of an own one, which has a version, leads to its form, filled with what it is."""
    rows = []
    for limit in limits:
        code = limit.credit_type
        stated = {part: write.typed(getattr(limit, part), code) for part in _FIGURES if limit.HasField(part)}
        figures = [
            write.credits(getattr(limit, part), code, is_bare=True) if part in stated else NOTHING for part in _FIGURES
        ]
        path = ""
        if version is not None and write.visit.may("accounts.change"):
            seen = {"version": str(version), "credit_type": code, "spender": limit.spender}
            path = _path(write.visit, "/limits", **seen, **stated)
        rows.append((write.identifier(code, path), write.code(limit.spender), *figures))
    heads = (("credit_type", ""), ("spender", ""), *((part, "n") for part in _FIGURES))
    return DetailSection(name, heads=heads, rows=rows)


def _alerts_section(write: CellWriter, alerts: GetBalanceAlertsResponse) -> DetailSection:
    def linked(alert: BalanceAlert) -> Cell:
        below = write.typed(alert.below, alert.credit_type)
        stated = {"version": str(alerts.version), "credit_type": alert.credit_type, "below": below}
        path = _path(write.visit, "/alerts", **stated) if write.visit.may("accounts.change") else ""
        return write.identifier(alert.credit_type, path)

    rows: list[Sequence[Cell]] = [
        (linked(alert), write.credits(alert.below, alert.credit_type, is_bare=True)) for alert in alerts.alerts
    ]
    return DetailSection("alerts", heads=(("credit_type", ""), ("below", "n")), rows=rows)
