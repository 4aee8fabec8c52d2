"""AdminService: credit types, credits added and removed, accounts, verification."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

from credit.v1 import account_pb2, credit_type_pb2, source_pb2
from credit.v1 import admin_payments_pb2 as payments
from credit.v1 import admin_service_pb2 as pb
from creditd.domain.account import AccountStatus
from creditd.domain.credit_type import CreditType
from creditd.domain.grants import Source
from creditd.ledger.accounts import AccountLedger
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.verification import Checked, Found, Verification
from creditd.ledger.work import Outcome, Work
from creditd.server.bridge import Bridge
from creditd.server.bulkheads import CATALOGUE
from creditd.server.credit_messages import account_message, balance_after, entry_message, instant
from creditd.server.line import Line
from creditd.server.requests import origin
from creditd.service.accounts import Accounts
from creditd.service.adjusting import Adjusting, Amount
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.pages import Asked
from creditd.service.spending import opening
from creditd.storage.accounts import AccountFilter
from creditd.storage.purchases import Heeded


class CreditTypeHandlers:
    """The credit types."""

    def __init__(self, bridge: Bridge, catalogue: Catalogue) -> None:
        """Keep them in the catalogue."""
        self._bridge = bridge
        self._catalogue = catalogue

    async def create_credit_type(self, request: pb.CreateCreditTypeRequest, call: Call) -> pb.CreateCreditTypeResponse:
        """Answer CreateCreditType."""
        del call
        wanted = request.credit_type
        credit_type = CreditType(wanted.code, wanted.display_name or wanted.code, wanted.decimals)
        stored = await self._bridge.changes(lambda: self._catalogue.declare(credit_type))
        return pb.CreateCreditTypeResponse(credit_type=_credit_type_message(stored))

    async def list_credit_types(self, request: pb.ListCreditTypesRequest, call: Call) -> pb.ListCreditTypesResponse:
        """Answer ListCreditTypes."""
        del request, call
        known = await self._bridge.lookups(self._catalogue.load, owner=CATALOGUE)
        return pb.ListCreditTypesResponse(credit_types=map(_credit_type_message, known.values()))


def _credit_type_message(credit_type: CreditType) -> credit_type_pb2.CreditType:
    return credit_type_pb2.CreditType(**credit_type._asdict())


class AdjustingHandlers:
    """Credits added and removed by staff."""

    def __init__(self, bridge: Bridge, adjusting: Adjusting, catalogue: Catalogue) -> None:
        """Perform works over the bridge."""
        self._bridge = bridge
        self._adjusting = adjusting
        self._catalogue = catalogue

    async def add_credits(self, request: pb.AddCreditsRequest, call: Call) -> pb.AddCreditsResponse:
        """Answer AddCredits."""
        amounts = await self._amounts(request)
        work = self._adjusting.add(
            call,
            origin(call, request, request.reason),
            request.account_id,
            amounts,
            source=Source.ADMIN if request.source == source_pb2.SOURCE_UNSPECIFIED else Source(request.source),
            expire_time=instant(request.expire_time, "expire_time") if request.HasField("expire_time") else None,
        )
        outcome = await self._perform(work, call)
        return pb.AddCreditsResponse(
            entries=map(entry_message, outcome.entries), balances=map(balance_after, outcome.entries)
        )

    async def remove_credits(self, request: pb.RemoveCreditsRequest, call: Call) -> pb.RemoveCreditsResponse:
        """Answer RemoveCredits."""
        amounts = await self._amounts(request)
        work = self._adjusting.remove(call, origin(call, request, request.reason), request.account_id, amounts)
        outcome = await self._perform(work, call)
        return pb.RemoveCreditsResponse(
            entries=map(entry_message, outcome.entries), balances=map(balance_after, outcome.entries)
        )

    async def write_off_debt(self, request: payments.WriteOffDebtRequest, call: Call) -> payments.WriteOffDebtResponse:
        """Answer WriteOffDebt."""
        if not self._catalogue.knows(request.credit_type):
            await self._bridge.lookups(self._catalogue.load, owner=CATALOGUE)
        by = origin(call, request, request.reason)
        work = self._adjusting.write_off(call, by, request.account_id, request.credit_type, request.amount or None)
        (entry,) = (await self._perform(work, call)).entries
        return payments.WriteOffDebtResponse(entry=entry_message(entry), balance=balance_after(entry))

    async def _amounts(self, request: pb.AddCreditsRequest | pb.RemoveCreditsRequest) -> list[Amount]:
        amounts = [Amount(amount.credit_type, amount.amount) for amount in request.amounts]
        if not all(self._catalogue.knows(amount.credit_type) for amount in amounts):
            await self._bridge.lookups(self._catalogue.load, owner=CATALOGUE)
        return amounts

    async def _perform(self, work: Work, call: Call) -> Outcome:
        outcome = await self._bridge.perform(work)
        call.replayed = outcome.replayed
        return outcome


class AccountHandlers:
    """Accounts: looked up, and their status and plan changed."""

    def __init__(self, bridge: Bridge, accounts: Accounts, ledger: AccountLedger, clock: DatabaseClock) -> None:
        """Change accounts over the bridge."""
        self._bridge = bridge
        self._accounts = accounts
        self._ledger = ledger
        self._clock = clock

    async def set_account_status(self, request: pb.SetAccountStatusRequest, call: Call) -> pb.SetAccountStatusResponse:
        """Answer SetAccountStatus."""
        by = origin(call, request, request.reason)
        status = AccountStatus(request.status)
        await self._bridge.perform(opening(request.account_id, call))
        account, call.replayed = await self._bridge.changes(
            lambda: self._ledger.set_status(request.account_id, status, by, allow_balance=request.allow_balance),
            owner=request.account_id,
        )
        return pb.SetAccountStatusResponse(account=account_message(account, account.update_time))

    async def set_plan(self, request: pb.SetPlanRequest, call: Call) -> pb.SetPlanResponse:
        """Answer SetPlan."""
        by = origin(call, request, request.reason)
        unlimited = request.plan.kind == account_pb2.PLAN_KIND_UNLIMITED
        until = instant(request.plan.end_time, "plan.end_time") if request.plan.HasField("end_time") else None
        await self._bridge.perform(opening(request.account_id, call))
        account, call.replayed = await self._bridge.changes(
            lambda: self._ledger.set_plan(request.account_id, by, unlimited=unlimited, until=until),
            owner=request.account_id,
        )
        return pb.SetPlanResponse(account=account_message(account, account.update_time))

    async def get_account(self, request: pb.GetAccountRequest, call: Call) -> pb.GetAccountResponse:
        """Answer GetAccount."""
        del call
        account_id = request.account_id
        account = await self._bridge.lookups(lambda: self._accounts.get(account_id), owner=account_id)
        message = account_message(account, self._clock.now())
        found = await self._bridge.lookups(lambda: self._accounts.to_heed([account_id]), owner=account_id)
        _show_what_to_heed([message], found)
        return pb.GetAccountResponse(account=message)

    async def list_accounts(self, request: pb.ListAccountsRequest, call: Call) -> pb.ListAccountsResponse:
        """Answer ListAccounts."""
        owner = call.subject
        wanted = AccountFilter(request.account_id_prefix, AccountStatus(request.status) if request.status else None)
        asked, now = Asked(request.page_size, request.page_token), self._clock.now()
        page = await self._bridge.surveys(
            lambda: self._accounts.list(wanted, asked, lambda account: account_message(account, now)), owner=owner
        )
        account_ids = [message.account_id for message in page.items]
        found = await self._bridge.surveys(lambda: self._accounts.to_heed(account_ids), owner=owner)
        _show_what_to_heed(page.items, found)
        return pb.ListAccountsResponse(accounts=page.items, next_page_token=page.next_page_token)


def _show_what_to_heed(messages: Sequence[account_pb2.Account], found: Mapping[str, Heeded]) -> None:
    """Fill in what staff have to know of the payments of accounts."""
    for message in messages:
        if heeded := found.get(message.account_id):
            message.open_disputes, message.extra_payments = heeded


VERIFICATIONS_AT_ONCE = 1
"""Adding up is work of this process alone, which its other calls wait for: two would take no less time than one."""

VERIFICATIONS_WAITING = 8
"""Callers in line. One who comes after them would have to wait for longer than callers do."""


class VerificationHandlers:
    """The ledger held against what is stored."""

    def __init__(self, bridge: Bridge, verification_of: Callable[[str | None], Verification]) -> None:
        """Verify in steps on a thread of the bridge's."""
        self._bridge = bridge
        self._verification_of = verification_of
        self._line = Line(VERIFICATIONS_AT_ONCE, VERIFICATIONS_WAITING)

    async def verify_ledger(
        self, request: pb.VerifyLedgerRequest, call: Call
    ) -> AsyncGenerator[pb.VerifyLedgerResponse]:
        """Answer VerifyLedger. When the caller is gone, the step that runs is the last one."""
        del call
        async with self._line.place():
            verification = self._verification_of(request.account_id or None)
            while not verification.is_done:
                for finding in await self._bridge.verification(verification.step):
                    yield _finding_message(finding)


def _finding_message(finding: Found | Checked) -> pb.VerifyLedgerResponse:
    if isinstance(finding, Checked):
        return pb.VerifyLedgerResponse(summary=pb.LedgerSummary(**finding._asdict()))
    wallet, difference = finding
    return pb.VerifyLedgerResponse(difference=pb.LedgerDifference(**wallet._asdict(), **difference._asdict()))
