"""What waits for a second person: the list, one approval with its balances, and deciding on it."""

from collections.abc import Sequence
from typing import Any, Final

from credit.v1.approval_pb2 import Approval, ApprovalKind, ApprovalState
from credit.v1.approval_service_pb2 import (
    ApproveRequest,
    CancelApprovalRequest,
    GetApprovalRequest,
    GetApprovalResponse,
    ListApprovalsRequest,
    RejectRequest,
)
from creditd.console.shapes.act_page import REASON, ActPage
from creditd.console.shapes.balance_look import LookRow, asked_only, balance_rows
from creditd.console.shapes.balance_sections import balances_sections
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.detail_page import DetailPage, DetailSection, KnownFact, ShownDetail
from creditd.console.shapes.id_patterns import ACCOUNT_ID
from creditd.console.shapes.list_filters import ListFilter
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.resource_names import approval_name
from creditd.console.shapes.resource_paths import page_of, resource_path
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.visit import Visit

_PENDING: Final = ApprovalState.APPROVAL_STATE_PENDING


_SOON_SECONDS: Final = 3_600
"""Before its end an approval that nobody has decided on should be."""


def _state(write: CellWriter, approval: Approval) -> Cell:
    is_soon = approval.expire_time.seconds - write.visit.now < _SOON_SECONDS
    if approval.state == _PENDING and not is_soon:
        return write.tag(("t-info", "clock"), write.word(ApprovalState, approval.state))
    return write.state(ApprovalState, approval.state)


def _asked(write: CellWriter, approval: Approval) -> Cell:
    return write.waiting_time(approval.create_time, waits=approval.state == _PENDING, with_seconds=True)


def asked_or_done(answer: Any) -> str:
    """Return what has become of an act that a second person may have to approve, as the end of its text's key."""
    return "asked" if answer.HasField("approval") else "done"


def _amounts(write: CellWriter, approval: Approval) -> Cell:
    if approval.HasField("money"):
        return write.money(approval.money.amount, approval.money.currency)
    return write.beside([write.credits(amount.amount, amount.credit_type) for amount in approval.amounts])


APPROVALS: Final = ListPage(
    "approvals",
    "/approvals",
    "approvals.read",
    lambda stubs: stubs.approval.ListApprovals,
    ListApprovalsRequest,
    "approvals",
    (
        ListColumn("time", _asked),
        ListColumn("act", lambda write, one: write.word(ApprovalKind, one.kind)),
        ListColumn("amounts", _amounts, "wide"),
        ListColumn("account", lambda write, one: write.account(one.account_id)),
        ListColumn("asked_by", lambda write, one: write.identifier(one.maker)),
        ListColumn("reason", lambda write, one: write.quoted(one.reason), "txt wide"),
        ListColumn("state", _state),
        ListColumn("expires", lambda write, one: write.time(one.expire_time)),
        ListColumn("decided_by", lambda write, one: write.identifier(one.decided_by)),
    ),
    filters=(
        ListFilter("state", "state", ApprovalState),
        ListFilter("kind", "kind", ApprovalKind),
        ListFilter("account", "account_id", pattern=ACCOUNT_ID),
        ListFilter("asked_by", "maker", pattern=r".{1,255}"),
    ),
    has_amounts=True,
    opens=lambda visit, one: resource_path(visit, one.name),
)


def _detail(write: CellWriter, answer: GetApprovalResponse) -> ShownDetail:
    approval = answer.approval
    title = write.text(
        "approval", act=write.word(ApprovalKind, approval.kind), account=write.account(approval.account_id)
    )
    facts = (
        KnownFact("amounts", _amounts(write, approval)),
        KnownFact("purchase", write.resource(approval.purchase) if approval.purchase else NOTHING),
        KnownFact("asked_by", write.identifier(approval.maker, is_whole=True)),
        KnownFact("person", write.identifier(approval.maker_person, is_whole=True)),
        KnownFact("reason", write.said(approval.reason)),
        KnownFact("staff_note", write.said(approval.staff_note)),
        KnownFact("created", _asked(write, approval)),
        KnownFact("expires", write.time(approval.expire_time, with_seconds=True)),
    )
    decision = (
        KnownFact("decided_by", write.identifier(approval.decided_by, is_whole=True)),
        KnownFact("reason", write.said(approval.decision_reason)),
        KnownFact("decided", write.time(approval.decide_time, with_seconds=True)),
    )
    aside = [DetailSection("decision", decision)] if approval.decided_by else []
    return ShownDetail(
        title,
        (_state(write, approval),),
        sections=(DetailSection("approval", facts), *balances_sections(write, "preview", approval.preview)),
        aside=(*aside, *balances_sections(write, "balances", approval.balances)),
        acts=_offers(write.visit, approval),
    )


def _offers(visit: Visit, approval: Approval) -> list[OfferedAct]:
    if approval.state != _PENDING:
        return []
    path = resource_path(visit, approval.name)
    if visit.access and visit.access.subject == approval.maker:
        return [OfferedAct("act.withdraw.do", f"{path}/withdraw", "approvals.decide")]
    if visit.access and visit.access.person == approval.maker_person:
        # Whoever stands behind both cannot decide on it.
        return []
    return [
        OfferedAct("act.reject.do", f"{path}/reject", "approvals.decide", is_danger=True),
        OfferedAct("act.approve.do", f"{path}/approve", "approvals.decide", is_main=True),
    ]


APPROVAL: Final = DetailPage(
    "/accounts/{account_id}/approvals/{approval_id}",
    lambda stubs: stubs.approval.GetApproval,
    lambda parts: GetApprovalRequest(name=approval_name(parts)),
    _detail,
)


def _request(message: Any, *, needs_reason: bool) -> Any:
    def made(form: TypedForm) -> Any:
        name = approval_name(form.visit.parts)
        reason = form.reason() if needs_reason else form.text("reason")
        return message(name=name, request_id=form.request_id, reason=reason)

    return made


async def _look(write: CellWriter, request: ApproveRequest) -> Sequence[LookRow]:
    """Return the balances as they are, and as the service says that it would leave them now. Raises ServiceRefusal."""
    visit = write.visit
    answer = await visit.ask(visit.stubs.approval.Approve, asked_only(request))
    return await balance_rows(write, answer.approval.account_id, answer.approval.balances)


_BACK: Final = page_of(approval_name)

_MAY_HAVE_REASON: Final = (REASON._replace(is_needed=False, hint=""),)

_PATH: Final = "/accounts/{account_id}/approvals/{approval_id}"

APPROVE: Final = ActPage(
    "approve",
    f"{_PATH}/approve",
    "approvals.decide",
    lambda stubs: stubs.approval.Approve,
    _request(ApproveRequest, needs_reason=False),
    _BACK,
    fields=_MAY_HAVE_REASON,
    subject="account_id",
    will=1,
    is_danger=True,
    look=_look,
)

REJECT: Final = ActPage(
    "reject",
    f"{_PATH}/reject",
    "approvals.decide",
    lambda stubs: stubs.approval.Reject,
    _request(RejectRequest, needs_reason=True),
    _BACK,
    subject="account_id",
    will=1,
    is_danger=True,
)

WITHDRAW: Final = ActPage(
    "withdraw",
    f"{_PATH}/withdraw",
    "approvals.decide",
    lambda stubs: stubs.approval.CancelApproval,
    _request(CancelApprovalRequest, needs_reason=False),
    _BACK,
    fields=_MAY_HAVE_REASON,
    subject="account_id",
    will=1,
)
