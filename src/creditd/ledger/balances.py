"""Balances as they are at this instant, whether or not a sweep has run. Reads that wait are grouped like commands."""

import time
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from creditd.domain.account import Account
from creditd.domain.expiry import Settled, settle
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation, ReservationKey, ReservationState
from creditd.domain.wallet import Rules, Wallet
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.queue import Ticket, TicketQueue, deliver
from creditd.ledger.work import DatabaseUnavailable, Overloaded, ShuttingDown
from creditd.storage.connections.turns import Turn
from creditd.storage.database import Database
from creditd.storage.failures import SaveFailure, classify, is_of_one_server
from creditd.storage.layout import Layout
from creditd.storage.reservations import load_light_reservations, load_reservations
from creditd.storage.wallets import LoadedAccount, LoadedWallet, load_accounts, load_light_accounts

MAX_BATCH = 256
"""Accounts read by one statement."""

MAX_WAITING = 10_000
"""As for commands."""

READ_SECONDS = 5.0
"""A group of reads takes milliseconds; one that takes this long must not keep all others waiting for longer."""


MAX_WAITING_APART = 200
"""Reads of heavy accounts: some tens of milliseconds each, so that the last one waits for seconds."""


class AccountState(NamedTuple):
    """An account and its wallets by credit type, with all that is due by now taken into account.

    Figures, version and update time are of one moment: what has ended is counted whether or not it is written down.
    ``unwritten`` are the credit types in which some of it is not.
    """

    account: Account
    wallets: dict[str, Wallet]
    unwritten: frozenset[str]


BalanceTicket = Ticket[str, AccountState | None]
"""An account whose balances are asked for; the answer is None for one that was never seen."""

ReservationTicket = Ticket[ReservationKey, Reservation | None]
"""A reservation that is asked for, as it is at this instant; the answer is None if there is none."""

ReadTicket = BalanceTicket | ReservationTicket
Item = str | ReservationKey


class BalanceReader:
    """Reads balances and reservations, always from the primary.

    Those that wait are read together. Heavy ones are read one by one on a thread of their own, so that they hold up no
    other.
    """

    def __init__(self, database: Database, clock: DatabaseClock, rules: Rules) -> None:
        """Read through ``database`` on threads of the reader's own."""
        self._database = database
        self._clock = clock
        self._rules = rules
        self._queue: TicketQueue[Any, Any] = TicketQueue(
            "balances", self._answer, max_batch=MAX_BATCH, max_waiting=MAX_WAITING
        )
        self._apart: TicketQueue[Any, Any] = TicketQueue(
            "balances-apart", self._answer_apart, max_batch=MAX_WAITING_APART, max_waiting=MAX_WAITING_APART
        )

    def submit(self, ticket: ReadTicket) -> None:
        """Queue a read. Raises Overloaded, ShuttingDown."""
        self._queue.submit(ticket)

    def close(self, timeout_seconds: float) -> None:
        """Finish what waits, and take no more."""
        end = time.monotonic() + timeout_seconds
        self._queue.close(end)
        self._apart.close(end)

    def read(self, account_ids: Sequence[str]) -> dict[str, AccountState]:
        """Return the state of accounts; one that was never seen is left out. Raises Overloaded."""
        states: dict[str, AccountState] = {}
        for first in range(0, len(account_ids), MAX_BATCH):
            light, heavy = self._read_light(account_ids[first : first + MAX_BATCH])
            states |= light
            for account_id in heavy:
                states |= self._read_whole(account_id)
        return states

    def _read_light(self, account_ids: Collection[str]) -> tuple[dict[str, AccountState], set[str]]:
        """Return the state of accounts, and which ones are heavy."""
        now = self._clock.now()
        with self._database.autocommit() as connection:
            light, heavy = load_light_accounts(connection, account_ids, now, self._rules.order)
        return {account_id: settled_state(loaded, now, self._rules) for account_id, loaded in light.items()}, heavy

    def _read_whole(self, account_id: str) -> dict[str, AccountState]:
        now = self._clock.now()
        with self._database.autocommit() as connection:
            loaded = load_accounts(connection, [account_id], now, self._rules.order)
        return {account_id: settled_state(account, now, self._rules) for account_id, account in loaded.items()}

    def _read_light_reservations(
        self, keys: Collection[ReservationKey]
    ) -> tuple[dict[ReservationKey, Reservation], set[ReservationKey]]:
        """Return reservations in the state that they are in at this instant, and which ones are heavy."""
        with self._database.autocommit() as connection:
            light, heavy = load_light_reservations(connection, keys)
        now = self._clock.now()
        return {key: as_of(reservation, now) for key, reservation in light.items()}, heavy

    def _read_whole_reservation(self, key: ReservationKey) -> Reservation | None:
        with self._database.autocommit() as connection:
            found = load_reservations(connection, [key]).get(key)
        return as_of(found, self._clock.now()) if found else None

    def _answer(self, tickets: Sequence[ReadTicket]) -> None:
        """Answer reads together; heavy ones go on to where they hold up no others."""
        waiting = [ticket for ticket in tickets if not ticket.is_given_up]
        if not waiting:
            return
        try:
            with Turn(READ_SECONDS).taken():
                found, heavy = self._read_together([ticket.item for ticket in waiting])
        except Exception as error:  # noqa: BLE001 - every reader has to hear of it.
            self._tell_of(error, waiting)
            return
        deliver([(ticket, found.get(ticket.item)) for ticket in waiting if ticket.item not in heavy])
        for ticket in waiting:
            if ticket.item in heavy:
                self._put_apart(ticket)

    def _tell_of(self, error: Exception, waiting: Sequence[ReadTicket]) -> None:
        """Answer reads that failed together; where each account is on a server of its own, those that did not, too."""
        if self._database.layout is Layout.PLAIN or len(waiting) == 1:
            failure = self._failure_of(error)
            deliver([(ticket, failure) for ticket in waiting])
            return
        for ticket in waiting:
            self._put_apart(ticket)

    def _read_together(self, items: Sequence[Item]) -> tuple[dict[Item, object], set[Item]]:
        """Read what is light, all of one kind by one statement; return it, and what is heavy."""
        found: dict[Item, object] = {}
        heavy: set[Item] = set()
        accounts = {item for item in items if isinstance(item, str)}
        if accounts:
            states, heavy_accounts = self._read_light(accounts)
            found.update(states.items())
            heavy.update(heavy_accounts)
        keys = {item for item in items if isinstance(item, ReservationKey)}
        if keys:
            reservations, heavy_reservations = self._read_light_reservations(keys)
            found.update(reservations.items())
            heavy.update(heavy_reservations)
        return found, heavy

    def _put_apart(self, ticket: ReadTicket) -> None:
        try:
            self._apart.submit(ticket)
        except (Overloaded, ShuttingDown) as error:
            deliver([(ticket, error)])

    def _answer_apart(self, tickets: Sequence[ReadTicket]) -> None:
        """Answer reads of what is heavy, each by itself."""
        by_item: dict[Item, list[ReadTicket]] = {}
        for ticket in tickets:
            by_item.setdefault(ticket.item, []).append(ticket)
        for item, of_item in by_item.items():
            waiting = [ticket for ticket in of_item if not ticket.is_given_up]
            if waiting:
                result = self._whole_or_failure(item)
                deliver([(ticket, result) for ticket in waiting])

    def _whole_or_failure(self, item: Item) -> AccountState | Reservation | Exception | None:
        try:
            with Turn(READ_SECONDS).taken():
                if isinstance(item, ReservationKey):
                    return self._read_whole_reservation(item)
                return self._read_whole(item).get(item)
        except Exception as error:  # noqa: BLE001 - every reader has to hear of it.
            return self._failure_of(error)

    def _failure_of(self, error: Exception) -> Exception:
        reason = classify(error)
        if reason is SaveFailure.UNAVAILABLE and not is_of_one_server(error):
            self._database.forget_connections()
        # Who only reads needs no row of its own: a lock on a whole table was not to be had in time, or a standby's
        # replay was at the same rows.
        return error if reason is SaveFailure.OTHER else DatabaseUnavailable()


def settled_state(loaded: LoadedAccount, instant: Instant, rules: Rules) -> AccountState:
    """Return the state of an account as of an instant at which all of its movements count. Raises Overloaded."""
    wallets: dict[str, Wallet] = {}
    unwritten: set[str] = set()
    for credit_type, wallet in loaded.wallets.items():
        wallets[credit_type] = settled_wallet(wallet, instant, rules)
        if wallets[credit_type].version != wallet.wallet.version:
            unwritten.add(credit_type)
    return AccountState(loaded.account, wallets, frozenset(unwritten))


def settled_wallet(loaded: LoadedWallet, instant: Instant, rules: Rules) -> Wallet:
    """Return a wallet as of an instant at which all of its movements count. Raises Overloaded."""
    return _settled(loaded.wallet, settled(loaded, instant, rules))


def settled(loaded: LoadedWallet, instant: Instant, rules: Rules) -> Settled:
    """Return a wallet as the next decision in it would find it at an instant, and what ends in it before.

    Raises Overloaded.
    """
    wallet, _, due, next_hold_end, graces = loaded
    found = settle(wallet, due, next_hold_end, instant, rules, graces=graces)
    if not found.wallet.is_settled(instant):
        # Too little would be told; the sweep is about to write down what is due.
        raise Overloaded
    return found


def _settled(wallet: Wallet, settled: Settled) -> Wallet:
    """Return a wallet with the version that it has when all that has ended in it is written down.

    Each end raises it by one, in an order that does not depend on when or in how many pieces it is written. The time of
    writing is not known yet: the wallet was last moved when the last of it ended, which every read says alike.
    """
    if not settled.expirations:
        return settled.wallet
    entry, _, reservation = settled.expirations[-1]
    ended_at = reservation.expire_time if reservation else entry.slices[0].expire_time
    return settled.wallet._replace(update_time=max(wallet.update_time, ended_at or wallet.update_time))


def as_of(reservation: Reservation, now: Instant) -> Reservation:
    """Return a reservation as expired at its time if that is over, although no sweep has come by yet."""
    expire_time = reservation.expire_time or Instant(0)
    if reservation.state == ReservationState.PENDING and expire_time <= now:
        return reservation._replace(state=ReservationState.EXPIRED, update_time=expire_time)
    return reservation
