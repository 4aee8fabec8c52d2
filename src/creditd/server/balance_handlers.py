"""CreditService's reads: balances, reservations and the ledger's pages."""

from collections.abc import Sequence

from credit.v1 import balance_pb2
from credit.v1 import credit_service_pb2 as pb
from creditd.domain import errors
from creditd.domain.entry import EntryKind
from creditd.domain.reservation import ReservationState, parse_reservation_name
from creditd.domain.wallet import WalletKey, new_wallet
from creditd.ledger.balances import AccountState, BalanceReader
from creditd.ledger.clock import DatabaseClock
from creditd.server.answer_sizes import MAX_BALANCES, grants_each
from creditd.server.bridge import Bridge
from creditd.server.bulkheads import CATALOGUE
from creditd.server.credit_messages import (
    balance_message,
    instant,
    listed_entry_message,
    listed_reservation_message,
    number,
    plan_message,
    reservation_message,
)
from creditd.server.refusals import InvalidFields
from creditd.server.slicing import SLICE_ITEMS, sliced
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.history import History
from creditd.service.pages import Asked
from creditd.service.spending import opening, settling
from creditd.storage.reservations import ReservationFilter
from creditd.storage.transactions import EntryFilter


class BalanceHandlers:
    """Balances, of one account and of many."""

    def __init__(self, bridge: Bridge, catalogue: Catalogue, reader: BalanceReader, clock: DatabaseClock) -> None:
        """Read over the bridge."""
        self._bridge = bridge
        self._catalogue = catalogue
        self._reader = reader
        self._clock = clock

    async def get_balance(self, request: pb.GetBalanceRequest, call: Call) -> pb.GetBalanceResponse:
        """Answer GetBalance."""
        await self.know(request.credit_types)
        credit_types = self._wanted(request.credit_types)
        most = _grants_each(1, credit_types)
        state = await self.state_of(request.account_id, call)
        return pb.GetBalanceResponse(account_balance=self._message(state, credit_types, most))

    async def state_of(self, account_id: str, call: Call) -> AccountState:
        """Return an account's state. One that was never seen is opened, or for staff AccountNotFound is raised."""
        state = await self._bridge.balances(account_id)
        while state is None:
            _require_to_open(call, account_id)
            await self._bridge.perform(opening(account_id, call))
            state = await self._bridge.balances(account_id)
        return state

    async def written_state_of(self, key: WalletKey, call: Call) -> AccountState:
        """Return an account's state once all that has ended in one of its wallets is written down."""
        state = await self.state_of(key.account_id, call)
        while key.credit_type in state.unwritten:
            await self._bridge.perform(settling(key, call))
            state = await self.state_of(key.account_id, call)
        return state

    async def require_reached(self, key: WalletKey, version: int, call: Call) -> None:
        """Raise VersionAhead unless a wallet has come to a version, and AccountNotFound for staff if there is none.

        What nothing will ever come to would be waited for without end.
        """
        state = await self._bridge.balances(key.account_id)
        if state is None:
            _require_to_open(call, key.account_id)
        wallet = state.wallets.get(key.credit_type) if state else None
        current = wallet.version if wallet else 0
        if version > current:
            raise errors.VersionAhead(stated=version, current=current)

    async def batch_get_balances(self, request: pb.BatchGetBalancesRequest, call: Call) -> pb.BatchGetBalancesResponse:
        """Answer BatchGetBalances."""
        await self.know(request.credit_types)
        credit_types = self._wanted(request.credit_types)
        most = _grants_each(len(request.account_ids), credit_types)
        wanted = list(dict.fromkeys(request.account_ids))
        states = await self._bridge.lookups(lambda: self._reader.read(wanted), owner=call.subject)
        unseen = [account_id for account_id in wanted if account_id not in states]
        if unseen:
            _require_to_open(call, unseen[0])
            results = await self._bridge.perform_all([opening(account_id, call) for account_id in unseen])
            for result in results:
                if isinstance(result, Exception):
                    raise result
            states |= await self._bridge.lookups(lambda: self._reader.read(unseen), owner=call.subject)
        answer = pb.BatchGetBalancesResponse()
        # An account has a balance in each of the credit types.
        async for account_ids in sliced(request.account_ids, max(1, SLICE_ITEMS // max(1, len(credit_types)))):
            answer.account_balances.extend(
                [self._message(states[account_id], credit_types, most) for account_id in account_ids]
            )
        return answer

    async def know(self, credit_types: Sequence[str]) -> None:
        """Raise CreditTypeNotFound unless all are known, here or, having been declared elsewhere, to the database."""
        if not all(map(self._catalogue.knows, credit_types)):
            await self._bridge.lookups(self._catalogue.load, owner=CATALOGUE)
        for credit_type in credit_types:
            self._catalogue.require(credit_type)

    def _wanted(self, credit_types: Sequence[str]) -> list[str]:
        return sorted(set(credit_types)) if credit_types else self._catalogue.codes()

    def _message(self, state: AccountState, wanted: Sequence[str], most_grants: int) -> balance_pb2.AccountBalance:
        account, wallets, _ = state
        return balance_pb2.AccountBalance(
            account_id=account.account_id,
            status=number(account.status),
            plan=plan_message(account, self._clock.now()),
            balances=[balance_message(wallets.get(code) or new_wallet(account, code), most_grants) for code in wanted],
        )


def _require_to_open(call: Call, account_id: str) -> None:
    if not call.opens:
        raise errors.AccountNotFound(account_id=account_id)


def _grants_each(accounts: int, credit_types: Sequence[str]) -> int:
    balances = accounts * len(credit_types)
    if balances > MAX_BALANCES:
        field = "account_ids" if accounts > 1 else "credit_types"
        rule = f"at most {MAX_BALANCES} balances in all, of which this would be {balances}: name fewer"
        raise InvalidFields([(field, "max_balances", rule)])
    return grants_each(balances)


class HistoryHandlers:
    """Reservations, and the pages of the ledger."""

    def __init__(self, bridge: Bridge, history: History, reader: BalanceReader) -> None:
        """Read over the bridge."""
        self._bridge = bridge
        self._history = history
        self._reader = reader

    async def get_reservation(self, request: pb.GetReservationRequest, call: Call) -> pb.GetReservationResponse:
        """Answer GetReservation."""
        del call
        key = parse_reservation_name(request.name)
        found = await self._bridge.lookups(lambda: self._reader.reservation(key), owner=key.account_id)
        if found is None:
            raise errors.ReservationNotFound(reservation=request.name)
        return pb.GetReservationResponse(reservation=reservation_message(found))

    async def list_reservations(self, request: pb.ListReservationsRequest, call: Call) -> pb.ListReservationsResponse:
        """Answer ListReservations."""
        del call
        state = ReservationState(request.state) if request.state else None
        wanted = ReservationFilter(request.account_id, request.credit_type, state)
        page = await self._bridge.pages(
            lambda: self._history.reservations(wanted, _asked(request), listed_reservation_message),
            owner=wanted.account_id,
        )
        return pb.ListReservationsResponse(reservations=page.items, next_page_token=page.next_page_token)

    async def list_transactions(self, request: pb.ListTransactionsRequest, call: Call) -> pb.ListTransactionsResponse:
        """Answer ListTransactions."""
        del call
        wanted = _entry_filter(request)
        page = await self._bridge.pages(
            lambda: self._history.entries(
                wanted, _asked(request), listed_entry_message, with_total=request.include_total_size
            ),
            owner=wanted.account_id,
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
