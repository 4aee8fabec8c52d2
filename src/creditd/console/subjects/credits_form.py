"""The form that adds credits: filled, looked at with the balances before and after, and done once."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from starlette.responses import Response

from credit.v1.admin_service_pb2 import AddCreditsRequest, CreditAmount, GetAccountRequest
from credit.v1.balance_pb2 import Balance
from credit.v1.credit_service_pb2 import GetBalanceRequest
from credit.v1.source_pb2 import Source
from creditd.console.failure_page import missing_page, status_of
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.balance_look import asked_only
from creditd.console.shapes.credit_types import credit_types
from creditd.console.shapes.id_patterns import ACCOUNT_ID
from creditd.console.shapes.typed_form import TypedForm, new_request_id
from creditd.console.visit import Visit
from creditd.domain.resource_names import account_name

_SOURCES: Final[Mapping[str, Source]] = {
    "staff": Source.SOURCE_ADMIN,
    "promo": Source.SOURCE_PROMO,
    "free": Source.SOURCE_FREE,
    "bought": Source.SOURCE_PURCHASED,
}
"""By the word in the form; the first is what it counts as if nothing is chosen."""

_EXPIRY_DAYS: Final = (30, 90, 365)

_MAX_TICKET: Final = 64

_EMPTY: Final = {"source": "staff", "expire_time": "", "reason": "", "staff_note": "", "ticket": ""}
"""The form before anything is typed."""


class Change(NamedTuple):
    """What one balance was, and would be or is after it."""

    before: Balance
    after: Balance


async def credits_form(visit: Visit) -> Response:
    """Show the form, with a request id of its own; to whoever may add credits."""
    visit.require("credits.add")
    return await _form(visit, _EMPTY | {"request_id": new_request_id()})


async def credits_preview(visit: Visit) -> Response:
    """Show the balances before and after, for the form that is being filled; nothing is done."""
    return await _form(visit, _stated(visit), template="credits_preview.html", previews=True)


async def credits_done(visit: Visit) -> Response:
    """Add the credits, if that was looked at just so; else show what it would do."""
    stated = _stated(visit)
    if visit.form.text("act") != "add":
        return await _form(visit, stated, previews=True)
    typed = TypedForm(visit, stated, await credit_types(visit))
    request = _request(typed)
    if typed.faults or visit.form.text("looked_at", 4_096) != _mark(request):
        return await _form(visit, stated, previews=True)
    try:
        answer = await visit.ask(visit.stubs.admin.AddCredits, request)
    except ServiceRefusal as refusal:
        # Of what may have been done or not, no balance is shown: the page that follows asks again.
        if refusal.needs_sign_in or refusal.is_unknown:
            raise
        return await _form(visit, stated, refusal=refusal, previews=True)
    added = [[entry.credit_type, entry.amount, entry.version] for entry in answer.entries]
    visit.told = {"act": "added", "account_id": request.account_id, "added": added}
    return visit.turned_to(visit.account_path(request.account_id))


async def _form(
    visit: Visit,
    stated: Mapping[str, str],
    *,
    template: str = "credits_add.html",
    refusal: ServiceRefusal | None = None,
    previews: bool = False,
) -> Response:
    """Return the form as it was filled, with what is wrong, and with the balances before and after if it is right."""
    account_id = visit.parts["account_id"]
    if not re.fullmatch(ACCOUNT_ID, account_id):
        return await missing_page(visit)
    account = visit.ask(visit.stubs.admin.GetAccount, GetAccountRequest(name=account_name(account_id)))
    types, _ = await visit.ask_all(credit_types(visit), account)
    typed = TypedForm(visit, stated, types)
    request = _request(typed)
    changes: list[Change] = []
    # A reason is needed for the act, and not to look at what it would do.
    if previews and not typed.faults.keys() - {"reason"}:
        try:
            changes = await _changes(visit, request)
        except ServiceRefusal as refused:
            if refused.needs_sign_in:
                raise
            refusal = refusal or refused
    status = status_of(refusal) if refusal else HTTPStatus.OK
    return visit.page(
        template,
        # Of a fragment any other status would be a failure of the page that it is for.
        HTTPStatus.OK if template == "credits_preview.html" else status,
        account_id=account_id,
        types=types,
        stated=stated,
        amounts=stated,
        sources=tuple(_SOURCES),
        expiries=_expiries(visit),
        faults=typed.faults if previews else {},
        changes=changes,
        looked_at=_mark(request),
        refusal=refusal,
    )


async def _changes(visit: Visit, request: AddCreditsRequest) -> list[Change]:
    """Return the balances as they are, and as the service says they would be. Raises ServiceRefusal."""
    codes = [amount.credit_type for amount in request.amounts]
    now, then = await visit.ask_all(
        visit.ask(visit.stubs.credit.GetBalance, GetBalanceRequest(account_id=request.account_id, credit_types=codes)),
        visit.ask(visit.stubs.admin.AddCredits, asked_only(request)),
    )
    before = {wallet.balance.credit_type: wallet.balance for wallet in now.account_balance.wallets}
    return [Change(before.get(after.credit_type, Balance()), after) for after in then.balances]


def _stated(visit: Visit) -> dict[str, str]:
    """Return what somebody has typed; what cannot be chosen was not."""
    form = visit.form
    source, expire_time = form.text("source"), form.text("expire_time")
    return {f"amount.{code}": form.text(f"amount.{code}", 64) for code in form.names("amount.")} | {
        "source": source if source in _SOURCES else _EMPTY["source"],
        "expire_time": expire_time if _is_instant(expire_time) else "",
        "reason": form.text("reason"),
        "staff_note": form.text("staff_note"),
        "ticket": form.text("ticket", _MAX_TICKET),
        "request_id": form.text("request_id", 255),
    }


def _request(typed: TypedForm) -> AddCreditsRequest:
    """Understand what was typed. The request is whole if there are no faults."""
    ticket, expire_time = typed.text("ticket"), typed.text("expire_time")
    request = AddCreditsRequest(
        account_id=typed.visit.parts["account_id"],
        amounts=[CreditAmount(credit_type=code, amount=amount) for code, amount in typed.amounts("amount").items()],
        source=_SOURCES[typed.text("source")],
        request_id=typed.request_id,
        reason=typed.reason(),
        staff_note=typed.text("staff_note"),
        metadata={"ticket": ticket} if ticket else {},
    )
    if expire_time:
        request.expire_time.FromJsonString(expire_time)
    return request


def _mark(request: AddCreditsRequest) -> str:
    """Return what an act is bound to: what was looked at is what these amounts, source and expiry would do."""
    stated = [f"{amount.credit_type}={amount.amount}" for amount in request.amounts]
    stated.append(f"source={int(request.source)}")
    if request.HasField("expire_time"):
        stated.append(request.expire_time.ToJsonString())
    return " ".join(stated)


def _expiries(visit: Visit) -> list[tuple[str, int, str]]:
    """Return the ends that are offered, in how many days, and the day: each the last instant of a day of the reader's.

    Each is an instant, not a span: the same form sent twice asks for the same.
    """
    today = datetime.fromtimestamp(visit.now, visit.reader.zone)
    ends = []
    for days in _EXPIRY_DAYS:
        day = today + timedelta(days=days)
        end = (day + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        ends.append((end.strftime("%Y-%m-%dT%H:%M:%SZ"), days, visit.reader.day(day, visit.now)))
    return ends


def _is_instant(text: str) -> bool:
    try:
        Timestamp().FromJsonString(text)
    except ValueError:
        return False
    return True
