"""Balances as they are at this instant, whether or not a sweep has run. Reads that wait are grouped like commands."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from creditd.domain.account import Account
from creditd.domain.expiry import Settled, settle
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation, ReservationKey, ReservationState
from creditd.domain.wallet import Rules, Wallet
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.grouping import Grouping
from creditd.ledger.work import DatabaseUnavailable, Waiter
from creditd.storage.conflicts import SaveFailure, classify
from creditd.storage.database import Database
from creditd.storage.loading import load_accounts
from creditd.storage.lookups import load_reservations
from creditd.storage.turns import Turn

MAX_BATCH = 256
"""Accounts read by one statement."""

MAX_WAITING = 10_000
"""As for commands."""

READ_SECONDS = 5.0
"""A group of reads takes milliseconds; one that takes this long must not keep all others waiting for longer."""


class AccountState(NamedTuple):
    """An account and its wallets by credit type, with all that is due by now taken into account.

    Figures, version and update time are of one moment: what has ended is counted whether or not it is written down.
    ``unwritten`` are the credit types in which some of it is not.
    """

    account: Account
    wallets: dict[str, Wallet]
    unwritten: frozenset[str]


class BalanceRead:
    """A read of one account's balances that waits for its answer; None stands for an account that was never seen."""

    __slots__ = ("account_id", "sink", "waiter")

    def __init__(self, account_id: str, sink: "ReadSink") -> None:
        """Ask about an account."""
        self.account_id = account_id
        self.sink = sink
        self.waiter: Waiter | None = None


ReadResult = AccountState | None | Exception


class ReadSink(Protocol):
    """Where the results of a group of reads go, all at once."""

    def deliver_reads(self, results: Sequence[tuple[BalanceRead, ReadResult]]) -> None:
        """Take results over from the reader's thread; must neither block nor raise."""


class BalanceReader:
    """Reads balances, always from the primary."""

    def __init__(self, database: Database, clock: DatabaseClock, rules: Rules) -> None:
        """Read through ``database`` on a thread of the reader's own."""
        self._database = database
        self._clock = clock
        self._rules = rules
        self._grouping = Grouping("balances", self._answer, max_batch=MAX_BATCH, max_waiting=MAX_WAITING)

    def submit(self, read: BalanceRead) -> None:
        """Queue a read. Raises Overloaded, ShuttingDown."""
        self._grouping.submit(read)

    def close(self, timeout_seconds: float) -> None:
        """Finish what waits, and take no more."""
        self._grouping.close(timeout_seconds)

    def read(self, account_ids: Collection[str]) -> dict[str, AccountState]:
        """Return the state of accounts; one that was never seen is left out."""
        now = self._clock.now()
        with self._database.autocommit() as connection:
            loaded = load_accounts(connection, account_ids, now, self._rules.order)
        states = {}
        for account_id, (account, wallets) in loaded.items():
            settled = {
                credit_type: _settled(wallet, settle(wallet, due, next_hold_end, now, self._rules))
                for credit_type, (wallet, _, due, next_hold_end) in wallets.items()
            }
            unwritten = frozenset(
                name for name, wallet in settled.items() if wallet.version != wallets[name][0].version
            )
            states[account_id] = AccountState(account, settled, unwritten)
        return states

    def reservation(self, key: ReservationKey) -> Reservation | None:
        """Return a reservation in the state that it is in at this instant, or None if there is none."""
        with self._database.autocommit() as connection:
            found = load_reservations(connection, [key]).get(key)
        return as_of(found, self._clock.now()) if found else None

    def _answer(self, reads: Sequence[BalanceRead]) -> None:
        reads = [read for read in reads if read.waiter is None or not read.waiter.done()]
        if not reads:
            return
        try:
            with Turn(READ_SECONDS).taken():
                states = self.read({read.account_id for read in reads})
        except Exception as error:  # noqa: BLE001 - every reader has to hear of it.
            reason = classify(error)
            if reason is SaveFailure.UNAVAILABLE:
                self._database.forget_connections()
            gone = reason in {SaveFailure.UNAVAILABLE, SaveFailure.TOO_SLOW}
            failure = DatabaseUnavailable() if gone else error
            self._deliver([(read, failure) for read in reads])
        else:
            self._deliver([(read, states.get(read.account_id)) for read in reads])

    @staticmethod
    def _deliver(results: Sequence[tuple[BalanceRead, ReadResult]]) -> None:
        by_sink: dict[ReadSink, list[tuple[BalanceRead, ReadResult]]] = {}
        for read, result in results:
            by_sink.setdefault(read.sink, []).append((read, result))
        for sink, of_sink in by_sink.items():
            sink.deliver_reads(of_sink)


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
