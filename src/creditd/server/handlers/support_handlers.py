"""SupportService: what staff need while somebody waits on the phone."""

from credit.v1 import status_figure_pb2
from credit.v1 import support_service_pb2 as pb
from creditd.domain import errors
from creditd.domain.commands import Refund
from creditd.domain.reservation import parse_reservation_name
from creditd.domain.wallet import WalletKey
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.work import Step
from creditd.server.acts import act_of
from creditd.server.authorization.policy import READ_FINANCES
from creditd.server.credit_messages import archived_messages, balance_after, entry_message, instant, number, timestamp
from creditd.server.history_messages import history_item_message
from creditd.server.requests import stated_version
from creditd.server.status import DecimalsOf
from creditd.server.support_messages import explanation_message, grant_message, grant_use_message
from creditd.service.account_history import AccountHistory
from creditd.service.call import Call
from creditd.service.credits import Credits
from creditd.service.explanations import Explanations, Question
from creditd.service.gifts import Gifts
from creditd.service.grants import Grants, WantedUses
from creditd.service.pages import Asked
from creditd.service.search import Search
from creditd.service.system_status import SystemStatus
from creditd.storage.wallets import GrantKey


class ExplanationHandlers:
    """Why a Reserve is refused."""

    def __init__(self, explanations: Explanations, decimals_of: DecimalsOf) -> None:
        """Ask ``explanations``; amounts in what is said to people have the decimals that ``decimals_of`` tells."""
        self._explanations = explanations
        self._decimals_of = decimals_of

    async def explain_reserve(self, request: pb.ExplainReserveRequest, call: Call) -> pb.ExplainReserveResponse:
        """Answer ExplainReserve."""
        key = WalletKey(request.account_id, request.credit_type)
        question = Question(key, request.amount, request.spender_id)
        if request.HasField("as_of_time"):
            found = await self._explanations.at(question, instant(request.as_of_time, "as_of_time"))
        elif request.HasField("version"):
            found = await self._explanations.after(question, request.version)
        else:
            found = await self._explanations.now(question)
        return pb.ExplainReserveResponse(explanation=explanation_message(found, call, self._decimals_of))


class GrantHandlers:
    """Grants, and what was done with them."""

    def __init__(self, grants: Grants) -> None:
        """Read through ``grants``."""
        self._grants = grants

    async def get_grant(self, request: pb.GetGrantRequest, call: Call) -> pb.GetGrantResponse:
        """Answer GetGrant."""
        del call
        _, account_id, _, credit_type, _, grant_id = request.name.split("/")
        standing = await self._grants.get(GrantKey(account_id, credit_type, grant_id))
        return pb.GetGrantResponse(grant=grant_message(standing))

    async def list_grants(self, request: pb.ListGrantsRequest, call: Call) -> pb.ListGrantsResponse:
        """Answer ListGrants."""
        del call
        asked = Asked(request.page_size, request.page_token)
        page = await self._grants.page(WalletKey(request.account_id, request.credit_type), asked, grant_message)
        return pb.ListGrantsResponse(grants=page.items, next_page_token=page.next_page_token)

    async def list_grant_uses(self, request: pb.ListGrantUsesRequest, call: Call) -> pb.ListGrantUsesResponse:
        """Answer ListGrantUses."""
        del call
        wanted = _wanted(request)
        asked = Asked(request.page_size, request.page_token)
        page = await self._grants.uses(wanted, asked, lambda use: grant_use_message(wanted.key, use))
        return pb.ListGrantUsesResponse(
            grant_uses=page.items,
            next_page_token=page.next_page_token,
            archived_entries=archived_messages(page.archived),
        )


def _wanted(request: pb.ListGrantUsesRequest) -> WantedUses:
    key, reservation_id = WalletKey(request.account_id, request.credit_type), ""
    if request.reservation:
        *of_wallet, reservation_id = parse_reservation_name(request.reservation)
        if WalletKey(*of_wallet) != key:
            raise errors.InvalidField(field="reservation", rule="a reservation of account_id and credit_type")
    return WantedUses(
        key,
        request.grant_id,
        reservation_id,
        instant(request.start_time, "start_time") if request.HasField("start_time") else None,
        instant(request.end_time, "end_time") if request.HasField("end_time") else None,
    )


class AccountHistoryHandlers:
    """All that happened to an account."""

    def __init__(self, history: AccountHistory, clock: DatabaseClock) -> None:
        """Read through ``history``; show what may still change as it is by ``clock``."""
        self._history = history
        self._clock = clock

    async def list_account_history(
        self, request: pb.ListAccountHistoryRequest, call: Call
    ) -> pb.ListAccountHistoryResponse:
        """Answer ListAccountHistory."""
        del call
        account_id, now = request.account_id, self._clock.now()
        page = await self._history.page(
            account_id,
            Asked(request.page_size, request.page_token),
            lambda item: history_item_message(item, account_id, now),
        )
        return pb.ListAccountHistoryResponse(
            history_items=page.items,
            next_page_token=page.next_page_token,
            archived_entries=archived_messages(page.archived),
        )


class SupportActHandlers:
    """The little that may be done at once while somebody waits."""

    def __init__(self, credits: Credits, gifts: Gifts) -> None:
        """Give holds back by ``credits``, and credits by ``gifts``."""
        self._credits = credits
        self._gifts = gifts

    async def return_hold(self, request: pb.ReturnHoldRequest, call: Call) -> pb.ReturnHoldResponse:
        """Answer ReturnHold."""
        act, dry_run = act_of(call, request), request.validate_only
        account_id, credit_type, reservation_id = parse_reservation_name(request.name)
        command = Refund(act.origin, reservation_id, version=stated_version(request), pending_only=True)
        step = Step(WalletKey(account_id, credit_type), command)
        outcome = await self._credits.perform_act(call, act, (step,), dry_run=dry_run)
        (entry,) = outcome.entries
        return pb.ReturnHoldResponse(entry=None if dry_run else entry_message(entry), balance=balance_after(entry))

    async def give_credits(self, request: pb.GiveCreditsRequest, call: Call) -> pb.GiveCreditsResponse:
        """Answer GiveCredits."""
        act, dry_run = act_of(call, request), request.validate_only
        key, version = WalletKey(request.account_id, request.credit_type), stated_version(request)
        outcome = await self._gifts.give(call, act, key, request.amount, version, dry_run=dry_run)
        (entry,) = outcome.entries
        return pb.GiveCreditsResponse(entry=None if dry_run else entry_message(entry), balance=balance_after(entry))


class SystemStatusHandlers:
    """How the system is doing."""

    def __init__(self, status: SystemStatus, version: str, schema_revision: str) -> None:
        """Read by ``status``; tell which version and schema it is."""
        self._status = status
        self._version = version
        self._schema_revision = schema_revision

    async def get_system_status(self, request: pb.GetSystemStatusRequest, call: Call) -> pb.GetSystemStatusResponse:
        """Answer GetSystemStatus."""
        del request
        found = await self._status.read(call, is_whole=not READ_FINANCES.roles.isdisjoint(call.roles))
        figures = [
            status_figure_pb2.StatusFigure(
                name=one.name, value=one.value, worrying_from=one.worrying_from, is_worrying=one.is_worrying
            )
            for one in found.figures
        ]
        status = status_figure_pb2.SystemStatus(
            version=self._version,
            schema_revision=self._schema_revision,
            is_database_ready=found.is_database_ready,
            figures=figures,
            worrying_count=sum(one.is_worrying for one in found.figures),
            create_time=timestamp(found.time),
        )
        return pb.GetSystemStatusResponse(system_status=status)


class SearchHandlers:
    """What an id belongs to."""

    def __init__(self, search: Search) -> None:
        """Look by ``search``."""
        self._search = search

    async def search(self, request: pb.SearchRequest, call: Call) -> pb.SearchResponse:
        """Answer Search."""
        hits = await self._search.find(call, request.query, request.account_id)
        return pb.SearchResponse(
            hits=[
                pb.SearchHit(kind=number(hit.kind), name=hit.name, account_id=hit.account_id, matched_field=hit.matched)
                for hit in hits
            ]
        )
