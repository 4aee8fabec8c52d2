"""AdminService: credit types, credits added and removed, accounts, verification."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from credit.v1 import account_pb2, credit_type_pb2, source_pb2
from credit.v1 import admin_service_pb2 as pb
from credit.v1 import credit_service_pb2 as credit_pb
from creditd.domain.account import AccountStatus
from creditd.domain.commands import Add
from creditd.domain.controls.approval import Approval, ApprovalKind, WantedAct, WantedAmount
from creditd.domain.credit_type import CreditType
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.resource_names import credit_type_name, id_in
from creditd.domain.wallet import WalletKey
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.verification import Checked, Found
from creditd.ledger.work import Outcome, Step
from creditd.server.acts import act_of
from creditd.server.approval_messages import approval_message
from creditd.server.commands import MakeId
from creditd.server.credit_messages import account_message, balance_after, entry_message, instant, write_time
from creditd.server.requests import stated_amount, stated_version
from creditd.service.accounts import Accounts, AccountStanding, WantedAccounts
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.controls.approvals import Approvals
from creditd.service.controls.approved_acts import steps_of
from creditd.service.credits import Credits
from creditd.service.pages import Asked
from creditd.service.verification import Verifications
from creditd.storage.account_lists import Concern


class CreditTypeHandlers:
    """The credit types."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Keep them in the catalogue."""
        self._catalogue = catalogue

    async def create_credit_type(self, request: pb.CreateCreditTypeRequest, call: Call) -> pb.CreateCreditTypeResponse:
        """Answer CreateCreditType."""
        wanted = request.credit_type
        credit_type = CreditType(wanted.code, wanted.display_name or wanted.code, wanted.decimals)
        stored, call.replayed = await self._catalogue.declare(credit_type, act_of(call, request))
        return pb.CreateCreditTypeResponse(credit_type=_credit_type_message(stored))

    async def list_credit_types(
        self, request: credit_pb.ListCreditTypesRequest, call: Call
    ) -> credit_pb.ListCreditTypesResponse:
        """Answer ListCreditTypes."""
        del call
        page = await self._catalogue.page(Asked(request.page_size, request.page_token), _credit_type_message)
        return credit_pb.ListCreditTypesResponse(credit_types=page.items, next_page_token=page.next_page_token)


def _credit_type_message(credit_type: CreditType) -> credit_type_pb2.CreditType:
    return credit_type_pb2.CreditType(name=credit_type_name(credit_type.code), **credit_type._asdict())


class AdjustmentHandlers:
    """Credits added and removed by staff, and debt written off."""

    def __init__(self, credits: Credits, approvals: Approvals, make_id: MakeId) -> None:
        """Name new grants with ``make_id``; what a second person has to agree to waits among ``approvals``."""
        self._credits = credits
        self._approvals = approvals
        self._make_id = make_id

    async def add_credits(self, request: pb.AddCreditsRequest, call: Call) -> pb.AddCreditsResponse:
        """Answer AddCredits."""
        act = act_of(call, request)
        source = Source.ADMIN if request.source == source_pb2.SOURCE_UNSPECIFIED else Source(request.source)
        expire_time = instant(request.expire_time, "expire_time") if request.HasField("expire_time") else None
        steps = [
            Step(
                WalletKey(request.account_id, item.credit_type),
                Add(
                    act.origin._replace(ordinal=ordinal),
                    EntryKind.ADMIN_ADD,
                    self._make_id(),
                    source,
                    item.amount,
                    expire_time,
                    stated_version(item),
                ),
            )
            for ordinal, item in enumerate(request.amounts)
        ]
        outcome = await self._credits.perform_act(call, act, steps, dry_run=request.validate_only)
        return pb.AddCreditsResponse(**_movements(outcome, dry_run=request.validate_only))

    async def remove_credits(self, request: pb.RemoveCreditsRequest, call: Call) -> pb.RemoveCreditsResponse:
        """Answer RemoveCredits."""
        amounts = tuple(WantedAmount(item.credit_type, item.amount, stated_version(item)) for item in request.amounts)
        wanted = WantedAct(ApprovalKind.REMOVE_CREDITS, request.account_id, amounts)
        outcome = await self._perform(request, call, wanted)
        if isinstance(outcome, Approval):
            return pb.RemoveCreditsResponse(approval=approval_message(outcome, self._approvals.now))
        return pb.RemoveCreditsResponse(**_movements(outcome, dry_run=request.validate_only))

    async def write_off_debt(self, request: pb.WriteOffDebtRequest, call: Call) -> pb.WriteOffDebtResponse:
        """Answer WriteOffDebt."""
        amounts = (WantedAmount(request.credit_type, stated_amount(request), stated_version(request)),)
        wanted = WantedAct(ApprovalKind.WRITE_OFF_DEBT, request.account_id, amounts)
        outcome = await self._perform(request, call, wanted)
        if isinstance(outcome, Approval):
            return pb.WriteOffDebtResponse(approval=approval_message(outcome, self._approvals.now))
        (entry,) = outcome.entries
        shown = None if request.validate_only else entry_message(entry)
        return pb.WriteOffDebtResponse(entry=shown, balance=balance_after(entry))

    async def _perform(
        self, request: pb.RemoveCreditsRequest | pb.WriteOffDebtRequest, call: Call, wanted: WantedAct
    ) -> Outcome | Approval:
        """Do what is asked for, or have it wait for a second person."""
        act, dry_run = act_of(call, request), request.validate_only
        steps = steps_of(wanted, act.origin)

        async def alone() -> Outcome:
            return await self._credits.perform_act(call, act, steps, dry_run=dry_run)

        return await self._approvals.perform(call, act, wanted, alone, dry_run=dry_run)


def _movements(outcome: Outcome, *, dry_run: bool) -> dict[str, Any]:
    """Write what was done, or would have been, as an answer's fields."""
    return {
        "entries": None if dry_run else map(entry_message, outcome.entries),
        "balances": map(balance_after, outcome.entries),
    }


class AccountHandlers:
    """Accounts: looked up, and their status and plan changed."""

    def __init__(self, accounts: Accounts, clock: DatabaseClock) -> None:
        """Show accounts as they are by ``clock``."""
        self._accounts = accounts
        self._clock = clock

    async def set_account_status(self, request: pb.SetAccountStatusRequest, call: Call) -> pb.SetAccountStatusResponse:
        """Answer SetAccountStatus."""
        act, status = act_of(call, request), AccountStatus(request.status)
        account = await self._accounts.set_status(
            call,
            id_in(request.name),
            status,
            act,
            allow_balance=request.allow_balance,
            version=stated_version(request),
            dry_run=request.validate_only,
        )
        return pb.SetAccountStatusResponse(account=account_message(account, account.update_time))

    async def set_plan(self, request: pb.SetPlanRequest, call: Call) -> pb.SetPlanResponse:
        """Answer SetPlan."""
        act = act_of(call, request)
        unlimited = request.plan.kind == account_pb2.PLAN_KIND_UNLIMITED
        until = instant(request.plan.end_time, "plan.end_time") if request.plan.HasField("end_time") else None
        account = await self._accounts.set_plan(
            call,
            id_in(request.name),
            act,
            unlimited=unlimited,
            until=until,
            version=stated_version(request),
            dry_run=request.validate_only,
        )
        return pb.SetPlanResponse(account=account_message(account, account.update_time))

    async def get_account(self, request: pb.GetAccountRequest, call: Call) -> pb.GetAccountResponse:
        """Answer GetAccount."""
        del call
        account, standing = await self._accounts.get(id_in(request.name))
        overview = _overview(account_message(account, self._clock.now()), standing)
        return pb.GetAccountResponse(account_overview=overview)

    async def list_accounts(self, request: pb.ListAccountsRequest, call: Call) -> pb.ListAccountsResponse:
        """Answer ListAccounts."""
        wanted = WantedAccounts(
            request.account_id_prefix,
            AccountStatus(request.status) if request.status else None,
            Concern(request.concern) if request.concern else None,
            by_movement=request.order == pb.ACCOUNT_ORDER_LAST_MOVEMENT,
        )
        asked, now = Asked(request.page_size, request.page_token), self._clock.now()
        page = await self._accounts.list(call, wanted, asked, lambda account: account_message(account, now))
        standings = await self._accounts.standings(call, [account.account_id for account in page.items])
        overviews = [_overview(account, standings[account.account_id]) for account in page.items]
        return pb.ListAccountsResponse(account_overviews=overviews, next_page_token=page.next_page_token)


def _overview(account: account_pb2.Account, standing: AccountStanding) -> account_pb2.AccountOverview:
    heeded, last_movement = standing
    overview = account_pb2.AccountOverview(account=account, **heeded._asdict() if heeded else {})
    if last_movement is not None:
        write_time(overview.last_movement_time, last_movement)
    return overview


class VerificationHandlers:
    """The ledger held against what is stored."""

    def __init__(self, verifications: Verifications) -> None:
        """Verify one after the other."""
        self._verifications = verifications

    async def verify_ledger(
        self, request: pb.VerifyLedgerRequest, call: Call
    ) -> AsyncGenerator[pb.VerifyLedgerResponse]:
        """Answer VerifyLedger. When the caller is gone, the step that runs is the last one."""
        del call
        async with aclosing(self._verifications.findings(request.account_id or None)) as findings:
            async for finding in findings:
                yield _finding_message(finding)


def _finding_message(finding: Found | Checked) -> pb.VerifyLedgerResponse:
    if isinstance(finding, Checked):
        return pb.VerifyLedgerResponse(summary=pb.LedgerSummary(**finding._asdict()))
    wallet, difference = finding
    message = pb.LedgerDifference(**wallet._asdict(), **difference._asdict())
    if not difference.version:
        message.ClearField("version")
    return pb.VerifyLedgerResponse(difference=message)
