"""Wallets and pending reservations kept in memory between batches. The version makes a stale copy harmless."""

from collections import OrderedDict

from creditd.domain.reservation import Reservation, ReservationKey, ReservationState
from creditd.domain.wallet import Wallet, WalletKey
from creditd.storage.changes import Changes

MAX_WALLETS = 100_000
"""About 100 MB of wallets with a few grants each; beyond it the ones not used for longest go."""

MAX_RESERVATIONS = 100_000
"""Enough for all that 300 seconds' worth of holds at a few hundred a second are confirmed without a look-up."""


MAX_SPENDERS_KEPT = 256
"""Spenders whose counts a wallet keeps in memory when it is loaded anew: each movement copies the mapping of them."""

MAX_DROPPED = 1_000
"""Dropped wallets whose spenders are remembered until they are loaded anew, which mostly is the next thing done."""


class WalletCache:
    """The last committed state that this process has seen. Used by the ledger's thread alone.

    A reservation belongs to the copy of its wallet that it was kept with, and goes with it: once the copy is found to
    be stale, the sweep or another server may have ended it. One that has ended is let go: it is rarely asked for again,
    and would outnumber those that wait to be confirmed.
    """

    def __init__(self, max_wallets: int = MAX_WALLETS, max_reservations: int = MAX_RESERVATIONS) -> None:
        """Start empty; keep up to so many wallets and reservations, those of the wallets that were used last."""
        self._max_wallets = max_wallets
        self._max_reservations = max_reservations
        self._wallets: OrderedDict[WalletKey, Wallet] = OrderedDict()
        # By wallet, so that they go with it; none of a wallet without any.
        self._reservations: OrderedDict[WalletKey, dict[str, Reservation]] = OrderedDict()
        self._count = 0
        # Who was counted in wallets that were dropped, the last ones at the end.
        self._spenders: dict[WalletKey, tuple[str, ...]] = {}

    @property
    def reservations(self) -> int:
        """How many reservations are kept."""
        return self._count

    def wallet(self, key: WalletKey) -> Wallet | None:
        """Return the copy of a wallet, if there is one."""
        found = self._wallets.get(key)
        if found is not None:
            self._wallets.move_to_end(key)
        return found

    def reservation(self, key: ReservationKey) -> Reservation | None:
        """Return the copy of a reservation, if it belongs to the copy of its wallet."""
        account_id, credit_type, reservation_id = key
        of_wallet = self._reservations.get(WalletKey(account_id, credit_type))
        return of_wallet.get(reservation_id) if of_wallet else None

    def keep(self, changes: Changes, unsaved: frozenset[str] = frozenset()) -> None:
        """Take over what was committed, and forget the wallets of accounts of which nothing was."""
        wallets = self._wallets
        for key, wallet in changes.wallets.items():
            if key.account_id in unsaved:
                self.drop(key)
                continue
            wallets[key] = wallet
            wallets.move_to_end(key)
        for (account_id, name), reservation in changes.reservations.items():
            if account_id not in unsaved:
                self._keep_reservation(WalletKey(account_id, reservation.credit_type), name, reservation)
        while len(wallets) > self._max_wallets:
            self.drop(next(iter(wallets)))
        while self._count > self._max_reservations:
            key, of_wallet = next(iter(self._reservations.items()))
            self._let_go(key, of_wallet, next(iter(of_wallet)))

    def _keep_reservation(self, key: WalletKey, name: str, reservation: Reservation) -> None:
        of_wallet = self._reservations.get(key)
        if reservation.state != ReservationState.PENDING:
            if of_wallet and name in of_wallet:
                self._let_go(key, of_wallet, name)
            return
        if of_wallet is None:
            of_wallet = self._reservations[key] = {}
        else:
            self._reservations.move_to_end(key)
        self._count += name not in of_wallet
        of_wallet[name] = reservation

    def _let_go(self, key: WalletKey, of_wallet: dict[str, Reservation], name: str) -> None:
        del of_wallet[name]
        self._count -= 1
        if not of_wallet:
            del self._reservations[key]

    def drop(self, key: WalletKey) -> None:
        """Forget a wallet, and with it its reservations; but not who was counted in it."""
        dropped = self._wallets.pop(key, None)
        self._count -= len(self._reservations.pop(key, ()))
        if dropped is not None and dropped.usage and len(dropped.usage) <= MAX_SPENDERS_KEPT:
            self._spenders[key] = tuple(dropped.usage)
            if len(self._spenders) > MAX_DROPPED:
                del self._spenders[next(iter(self._spenders))]

    def take_spenders(self, key: WalletKey) -> tuple[str, ...]:
        """Return who was counted in a wallet that was dropped, and forget it: it is about to be loaded anew."""
        return self._spenders.pop(key, ())
