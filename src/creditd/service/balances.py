"""Balances and reservations in their current state, whether or not the sweep has recorded it."""

from collections.abc import Sequence

from creditd.domain import errors
from creditd.domain.reservation import Reservation, ReservationKey, reservation_name
from creditd.domain.wallet import WalletKey
from creditd.ledger.balances import AccountState, BalanceReader, BalanceTicket, ReservationTicket
from creditd.ledger.queue import SinkHere, Ticket
from creditd.service.call import Call
from creditd.service.credits import Credits
from creditd.service.threads import Threads


class Balances:
    """Reads balances, always from the primary. Methods await nothing but tickets.

    All raise DatabaseUnavailable, Overloaded, ShuttingDown.
    """

    def __init__(self, reader: BalanceReader, credits: Credits, threads: Threads, sink: SinkHere) -> None:
        """Read through ``reader``, and open accounts through ``credits``."""
        self._reader = reader
        self._credits = credits
        self._threads = threads
        self._sink = sink

    async def get(self, call: Call, account_id: str) -> AccountState:
        """Return an account's state. One never seen is opened; for staff AccountNotFound is raised instead."""
        state = await self._read(account_id)
        while state is None:
            _require_to_open(call, account_id)
            await self._credits.open(call, account_id)
            state = await self._read(account_id)
        return state

    async def get_all(self, call: Call, account_ids: Sequence[str]) -> dict[str, AccountState]:
        """Return the state of accounts by account; those never seen are treated as in ``get``."""
        states = await self._read_all(call, account_ids)
        unseen = [account_id for account_id in account_ids if account_id not in states]
        if unseen:
            _require_to_open(call, unseen[0])
            await self._credits.open_each(call, unseen)
            states |= await self._read_all(call, unseen)
        return states

    async def get_written(self, call: Call, key: WalletKey) -> AccountState:
        """Return an account's state as ``get`` does, after recording whatever has expired in one of its wallets."""
        state = await self.get(call, key.account_id)
        while key.credit_type in state.unwritten:
            await self._credits.settle(call, key)
            state = await self.get(call, key.account_id)
        return state

    async def require_reached(self, call: Call, key: WalletKey, version: int) -> None:
        """Raise VersionAhead if a version is above the wallet's; AccountNotFound for staff if there is no account.

        A watcher would wait for such a version for ever.
        """
        state = await self._read(key.account_id)
        if state is None:
            _require_to_open(call, key.account_id)
        wallet = state.wallets.get(key.credit_type) if state else None
        current = wallet.version if wallet else 0
        if version > current:
            raise errors.VersionAhead(stated=version, current=current)

    async def reservation(self, key: ReservationKey) -> Reservation:
        """Return a reservation. Raises ReservationNotFound."""
        ticket: ReservationTicket = Ticket(key, self._sink())
        self._reader.submit(ticket)
        found = await ticket
        if found is None:
            raise errors.ReservationNotFound(reservation=reservation_name(*key))
        return found

    def _read(self, account_id: str) -> BalanceTicket:
        ticket: BalanceTicket = Ticket(account_id, self._sink())
        self._reader.submit(ticket)
        return ticket

    async def _read_all(self, call: Call, account_ids: Sequence[str]) -> dict[str, AccountState]:
        return await self._threads.lookups.submit(lambda: self._reader.read(account_ids), owner=call.subject)


def _require_to_open(call: Call, account_id: str) -> None:
    if not call.opens:
        raise errors.AccountNotFound(account_id=account_id)
