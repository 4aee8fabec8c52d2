"""What can be done to an account: its status, its plan, giving and removing credits, and writing debt off."""

from collections.abc import Sequence
from typing import Any, Final

from credit.v1.account_pb2 import AccountStatus, Plan, PlanKind
from credit.v1.admin_service_pb2 import (
    CreditAmount,
    RemoveCreditsRequest,
    SetAccountStatusRequest,
    SetPlanRequest,
    WriteOffDebtRequest,
)
from credit.v1.support_service_pb2 import GiveCreditsRequest
from creditd.console.shapes.act_page import REASON, SEEN_VERSION, STAFF_NOTE, ActField, ActPage
from creditd.console.shapes.balance_look import balance_look
from creditd.console.shapes.enum_words import enum_words
from creditd.console.shapes.resource_names import account_name
from creditd.console.shapes.resource_paths import page_of
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.subjects.approval_pages import asked_or_done

_PLANS: Final = tuple(enum_words(PlanKind))


_BACK: Final = page_of(account_name)


def _status_act(name: str, status: AccountStatus, *, further: Sequence[ActField] = (), **looks: Any) -> ActPage:
    def request(form: TypedForm) -> SetAccountStatusRequest:
        return SetAccountStatusRequest(
            name=account_name(form.visit.parts),
            status=status,
            allow_balance=bool(form.text("allow_balance")),
            request_id=form.request_id,
            reason=form.reason(),
            expected_version=form.seen_version,
        )

    path = f"/accounts/{{account_id}}/{name.removesuffix('_account')}"
    fields = (SEEN_VERSION, *further, REASON._replace(hint=""))
    return ActPage(
        name,
        path,
        "accounts.change",
        lambda stubs: stubs.admin.SetAccountStatus,
        request,
        _BACK,
        fields=fields,
        subject="account_id",
        **looks,
    )


SUSPEND: Final = _status_act("suspend_account", AccountStatus.ACCOUNT_STATUS_SUSPENDED, will=2, is_danger=True)

ACTIVATE: Final = _status_act("activate_account", AccountStatus.ACCOUNT_STATUS_ACTIVE, will=1)

CLOSE: Final = _status_act(
    "close_account",
    AccountStatus.ACCOUNT_STATUS_CLOSED,
    further=(ActField("allow_balance", "check"),),
    will=2,
    is_danger=True,
    is_typed=True,
)


def _plan(form: TypedForm) -> SetPlanRequest:
    return SetPlanRequest(
        name=account_name(form.visit.parts),
        plan=Plan(kind=form.word("plan", PlanKind), end_time=form.end_of_day("end_day")),
        request_id=form.request_id,
        reason=form.reason(),
        expected_version=form.seen_version,
    )


SET_PLAN: Final = ActPage(
    "set_plan",
    "/accounts/{account_id}/plan",
    "accounts.change",
    lambda stubs: stubs.admin.SetPlan,
    _plan,
    _BACK,
    fields=(
        SEEN_VERSION,
        ActField("plan", "choice", words=_PLANS, key="plan_kind", is_needed=True, of=("plan.kind",)),
        ActField("end_day", "day", hint="field.plan_end.hint", of=("plan.end_time",)),
        REASON._replace(hint=""),
    ),
    subject="account_id",
    will=1,
    is_danger=True,
)


def _removal(form: TypedForm) -> RemoveCreditsRequest:
    amounts = form.amounts("amount").items()
    return RemoveCreditsRequest(
        account_id=form.visit.parts["account_id"],
        amounts=[CreditAmount(credit_type=credit_type, amount=amount) for credit_type, amount in amounts],
        request_id=form.request_id,
        reason=form.reason(),
        staff_note=form.text("staff_note"),
        metadata={"ticket": form.text("ticket")} if form.text("ticket") else {},
    )


def _write_off(form: TypedForm) -> WriteOffDebtRequest:
    credit_type = form.text("credit_type", is_needed=True)
    return WriteOffDebtRequest(
        account_id=form.visit.parts["account_id"],
        credit_type=credit_type,
        amount=form.amount("amount", credit_type),
        request_id=form.request_id,
        reason=form.reason(),
        staff_note=form.text("staff_note"),
    )


def _gift(form: TypedForm) -> GiveCreditsRequest:
    credit_type = form.text("credit_type", is_needed=True)
    return GiveCreditsRequest(
        account_id=form.visit.parts["account_id"],
        credit_type=credit_type,
        amount=form.amount("amount", credit_type),
        request_id=form.request_id,
        reason=form.reason(),
        staff_note=form.text("staff_note"),
    )


_AMOUNT: Final = (
    ActField("credit_type", "type", is_needed=True),
    ActField("amount", "number", is_needed=True),
)

GIVE_CREDITS: Final = ActPage(
    "give_credits",
    "/accounts/{account_id}/credits/give",
    "credits.give",
    lambda stubs: stubs.support.GiveCredits,
    _gift,
    _BACK,
    fields=(*_AMOUNT, REASON, STAFF_NOTE),
    subject="account_id",
    will=1,
    look=balance_look(lambda stubs: stubs.support.GiveCredits),
)

REMOVE_CREDITS: Final = ActPage(
    "remove_credits",
    "/accounts/{account_id}/credits/remove",
    "credits.remove",
    lambda stubs: stubs.admin.RemoveCredits,
    _removal,
    _BACK,
    fields=(
        ActField("amount", "amounts", most=64, hint="field.amounts.hint", of=("amounts",)),
        REASON,
        STAFF_NOTE,
        ActField("ticket", most=64, hint="add.ticket.hint"),
    ),
    subject="account_id",
    will=3,
    is_danger=True,
    is_typed=True,
    outcome=asked_or_done,
    look=balance_look(lambda stubs: stubs.admin.RemoveCredits),
)

WRITE_OFF: Final = ActPage(
    "write_off",
    "/accounts/{account_id}/debt/write-off",
    "credits.remove",
    lambda stubs: stubs.admin.WriteOffDebt,
    _write_off,
    _BACK,
    fields=(*_AMOUNT, REASON, STAFF_NOTE),
    subject="account_id",
    will=2,
    is_danger=True,
    outcome=asked_or_done,
    look=balance_look(lambda stubs: stubs.admin.WriteOffDebt),
)
