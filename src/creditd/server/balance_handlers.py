"""CreditService's reads: balances, reservations and the ledger's pages."""

from collections.abc import Sequence

from credit.v1 import balance_pb2
from credit.v1 import credit_service_pb2 as pb
from creditd.domain import errors
from creditd.domain.entry import EntryKind
from creditd.domain.reservation import ReservationState, parse_reservation_name
from creditd.domain.wallet import new_wallet
from creditd.ledger.balances import AccountState
from creditd.ledger.clock import DatabaseClock
from creditd.server.answer_sizes import MAX_BALANCES, grants_each
from creditd.server.chunks import CHUNK_ITEMS, chunked
from creditd.server.credit_messages import (
    instant,
    listed_entry_message,
    listed_reservation_message,
    number,
    plan_message,
    reservation_message,
    wallet_message,
)
from creditd.server.refusals import InvalidFields
from creditd.service.balances import Balances
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.history import History
from creditd.service.pages import Asked
from creditd.storage.entries import EntryFilter
from creditd.storage.reservations import ReservationFilter


class BalanceHandlers:
    """Balances, of one account and of many, and the reservation that a balance is held for."""

    def __init__(self, balances: Balances, catalogue: Catalogue, clock: DatabaseClock) -> None:
        """Show plans as they are by ``clock``."""
        self._balances = balances
        self._catalogue = catalogue
        self._clock = clock

    async def get_balance(self, request: pb.GetBalanceRequest, call: Call) -> pb.GetBalanceResponse:
        """Answer GetBalance."""
        credit_types = await self._catalogue.chosen(request.credit_types)
        most = _grants_each(1, credit_types)
        state = await self._balances.get(call, request.account_id)
        return pb.GetBalanceResponse(account_balance=self._message(state, credit_types, most))

    async def batch_get_balances(self, request: pb.BatchGetBalancesRequest, call: Call) -> pb.BatchGetBalancesResponse:
        """Answer BatchGetBalances."""
        credit_types = await self._catalogue.chosen(request.credit_types)
        most = _grants_each(len(request.account_ids), credit_types)
        states = await self._balances.get_all(call, list(dict.fromkeys(request.account_ids)))
        answer = pb.BatchGetBalancesResponse()
        # An account has a balance in each of the credit types.
        async for account_ids in chunked(request.account_ids, max(1, CHUNK_ITEMS // max(1, len(credit_types)))):
            answer.account_balances.extend(
                [self._message(states[account_id], credit_types, most) for account_id in account_ids]
            )
        return answer

    async def get_reservation(self, request: pb.GetReservationRequest, call: Call) -> pb.GetReservationResponse:
        """Answer GetReservation."""
        del call
        found = await self._balances.reservation(parse_reservation_name(request.name))
        return pb.GetReservationResponse(reservation=reservation_message(found, self._clock.now()))

    def _message(self, state: AccountState, wanted: Sequence[str], most_grants: int) -> balance_pb2.AccountBalance:
        account, wallets, _ = state
        return balance_pb2.AccountBalance(
            account_id=account.account_id,
            status=number(account.status),
            plan=plan_message(account, self._clock.now()),
            wallets=[wallet_message(wallets.get(code) or new_wallet(account, code), most_grants) for code in wanted],
        )


def _grants_each(accounts: int, credit_types: Sequence[str]) -> int:
    balances = accounts * len(credit_types)
    if balances > MAX_BALANCES:
        field = "account_ids" if accounts > 1 else "credit_types"
        rule = f"at most {MAX_BALANCES} balances in all, of which this would be {balances}: name fewer"
        raise InvalidFields([(field, "max_balances", rule)])
    return grants_each(balances)


class HistoryHandlers:
    """The pages of reservations and of the ledger."""

    def __init__(self, history: History, clock: DatabaseClock) -> None:
        """Read through ``history``, and tell by ``clock`` how long reservations last."""
        self._history = history
        self._clock = clock

    async def list_reservations(self, request: pb.ListReservationsRequest, call: Call) -> pb.ListReservationsResponse:
        """Answer ListReservations."""
        del call
        state = ReservationState(request.state) if request.state else None
        wanted = ReservationFilter(request.account_id, request.credit_type, state)
        now = self._clock.now()
        page = await self._history.reservations(
            wanted, _asked(request), lambda listed: listed_reservation_message(listed, now)
        )
        return pb.ListReservationsResponse(reservations=page.items, next_page_token=page.next_page_token)

    async def list_transactions(self, request: pb.ListTransactionsRequest, call: Call) -> pb.ListTransactionsResponse:
        """Answer ListTransactions."""
        del call
        wanted = _entry_filter(request)
        page = await self._history.entries(
            wanted, _asked(request), listed_entry_message, with_total=request.include_total_size
        )
        answer = pb.ListTransactionsResponse(entries=page.entries, next_page_token=page.next_page_token)
        if page.total is not None:
            answer.total_size = page.total.entries
            answer.total_size_is_minimum = not page.total.is_exact
        return answer


def _asked(request: pb.ListReservationsRequest | pb.ListTransactionsRequest) -> Asked:
    return Asked(request.page_size, request.page_token)


def _entry_filter(request: pb.ListTransactionsRequest) -> EntryFilter:
    credit_type, reservation_id = request.credit_type, None
    if request.reservation:
        account_id, of_reservation, reservation_id = parse_reservation_name(request.reservation)
        if account_id != request.account_id or credit_type not in ("", of_reservation):
            raise errors.InvalidField(field="reservation", rule="a reservation of account_id and credit_type")
        credit_type = of_reservation
    return EntryFilter(
        request.account_id,
        credit_type,
        tuple(sorted({EntryKind(kind) for kind in request.kinds})),
        reservation_id,
        instant(request.start_time, "start_time") if request.HasField("start_time") else None,
        instant(request.end_time, "end_time") if request.HasField("end_time") else None,
    )
