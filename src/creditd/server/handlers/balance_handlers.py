"""CreditService's reads: balances, reservations and the ledger's pages."""

from collections.abc import Sequence

from credit.v1 import balance_pb2
from credit.v1 import credit_service_pb2 as pb
from creditd.domain import errors
from creditd.domain.entry import EntryKind
from creditd.domain.reservation import ReservationState, parse_reservation_name
from creditd.domain.wallet import WalletKey, new_wallet
from creditd.ledger.balances import AccountState
from creditd.ledger.clock import DatabaseClock
from creditd.server.answer_sizes import MAX_BALANCES, SLICES_OF_ONE, grants_each
from creditd.server.authorization.policy import require_within
from creditd.server.chunks import SMALL_ITEMS, chunked, items_at_a_time
from creditd.server.credit_messages import (
    archived_messages,
    instant,
    listed_entry_message,
    listed_reservation_message,
    number,
    write_figures,
    write_plan,
    write_reservation,
    write_slices,
    write_wallet,
)
from creditd.server.refusals import InvalidFields
from creditd.service.balances import Balances
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.historical_balances import HistoricalBalances
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
        answer = pb.GetBalanceResponse()
        self._write_account(answer.account_balance, state)
        await _write_wallets([answer.account_balance], [state], credit_types, most)
        return answer

    async def batch_get_balances(self, request: pb.BatchGetBalancesRequest, call: Call) -> pb.BatchGetBalancesResponse:
        """Answer BatchGetBalances."""
        for account_id in request.account_ids if call.accounts else ():
            require_within(call.accounts, account_id, "/credit.v1.CreditService/BatchGetBalances")
        credit_types = await self._catalogue.chosen(request.credit_types)
        most = _grants_each(len(request.account_ids), credit_types)
        states = await self._balances.get_all(call, list(dict.fromkeys(request.account_ids)))
        wanted = [states[account_id] for account_id in request.account_ids]
        answer = pb.BatchGetBalancesResponse()
        async for some in chunked(wanted):
            for state in some:
                self._write_account(answer.account_balances.add(), state)
        await _write_wallets(answer.account_balances, wanted, credit_types, most)
        return answer

    async def get_reservation(self, request: pb.GetReservationRequest, call: Call) -> pb.GetReservationResponse:
        """Answer GetReservation."""
        del call
        found = await self._balances.reservation(parse_reservation_name(request.name))
        answer = pb.GetReservationResponse()
        write_reservation(answer.reservation, found, self._clock.now(), most_slices=0)
        async for slices in chunked(found.slices[:SLICES_OF_ONE], SMALL_ITEMS):
            write_slices(answer.reservation.slices, slices)
        return answer

    def _write_account(self, message: balance_pb2.AccountBalance, state: AccountState) -> None:
        """Write who it is, without the wallets, into an empty message."""
        account = state.account
        message.account_id = account.account_id
        message.status = number(account.status)
        write_plan(message.plan, account, self._clock.now())


async def _write_wallets(
    messages: Sequence[balance_pb2.AccountBalance], states: Sequence[AccountState], codes: Sequence[str], most: int
) -> None:
    """Add to each account's message its wallet in each credit type, with so many grants at most."""
    pairs = [(message, state, code) for message, state in zip(messages, states, strict=True) for code in codes]
    async for some in chunked(pairs, items_at_a_time(most)):
        for message, state, code in some:
            wallet = state.wallets.get(code) or new_wallet(state.account, code)
            write_wallet(message.wallets.add(), wallet, most)


def _grants_each(accounts: int, credit_types: Sequence[str]) -> int:
    balances = accounts * len(credit_types)
    if balances > MAX_BALANCES:
        field = "account_ids" if accounts > 1 else "credit_types"
        rule = f"at most {MAX_BALANCES} balances in all, of which this would be {balances}: name fewer"
        raise InvalidFields([(field, "max_balances", rule)])
    return grants_each(balances)


class HistoryHandlers:
    """The pages of reservations and of the ledger, and balances of the past."""

    def __init__(
        self, history: History, historical: HistoricalBalances, catalogue: Catalogue, clock: DatabaseClock
    ) -> None:
        """Read through ``history`` and ``historical``, and tell by ``clock`` how long reservations last."""
        self._history = history
        self._historical = historical
        self._catalogue = catalogue
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
        answer = pb.ListTransactionsResponse(
            entries=page.entries,
            next_page_token=page.next_page_token,
            archived_entries=archived_messages(page.archived),
        )
        if page.total is not None:
            answer.total_size = page.total.entries
            answer.total_size_is_minimum = not page.total.is_exact
        return answer

    async def get_historical_balance(
        self, request: pb.GetHistoricalBalanceRequest, call: Call
    ) -> pb.GetHistoricalBalanceResponse:
        """Answer GetHistoricalBalance."""
        del call
        account_id, credit_type = request.account_id, request.credit_type
        if request.HasField("version") and not credit_type:
            raise InvalidFields([("credit_type", "required", "required with version, which is of one wallet")])
        codes = await self._catalogue.chosen([credit_type] if credit_type else [])
        _grants_each(1, codes)
        if request.HasField("version"):
            balances = await self._historical.after(WalletKey(account_id, credit_type), request.version)
        else:
            balances = await self._historical.at(account_id, codes, instant(request.as_of_time, "as_of_time"))
        answer = pb.GetHistoricalBalanceResponse()
        async for some in chunked(balances, SMALL_ITEMS):
            for balance in some:
                write_figures(answer.balances.add(), account_id, balance)
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
