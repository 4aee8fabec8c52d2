"""Wallets and reservations kept in memory between batches. The version makes a stale copy harmless."""

from collections import OrderedDict

from creditd.domain.reservation import Reservation, ReservationKey
from creditd.domain.wallet import Wallet, WalletKey
from creditd.storage.changes import Changes

MAX_WALLETS = 100_000
"""About 100 MB of wallets with a few grants each; beyond it the ones not used for longest go."""

MAX_RESERVATIONS = 100_000
"""Enough for all that 300 seconds' worth of holds at a few hundred a second are confirmed without a look-up."""


class WalletCache:
    """The last committed state that this process has seen. Used by the ledger's thread alone.

    A reservation counts only together with the copy of its wallet that it was kept with: when the wallet is dropped,
    its reservations are as well.
    """

    def __init__(self, max_wallets: int = MAX_WALLETS) -> None:
        """Start empty; keep up to ``max_wallets``, those that were used last."""
        self._max_wallets = max_wallets
        self._wallets: OrderedDict[WalletKey, tuple[Wallet, int]] = OrderedDict()
        self._reservations: OrderedDict[ReservationKey, tuple[Reservation, int]] = OrderedDict()
        self._generation = 0

    def wallet(self, key: WalletKey) -> Wallet | None:
        """Return the copy of a wallet, if there is one."""
        found = self._wallets.get(key)
        if found is None:
            return None
        self._wallets.move_to_end(key)
        return found[0]

    def reservation(self, key: ReservationKey) -> Reservation | None:
        """Return the copy of a reservation, if it belongs to the copy of its wallet."""
        found = self._reservations.get(key)
        wallet = self._wallets.get(WalletKey(key.account_id, key.credit_type))
        return found[0] if found and wallet and found[1] == wallet[1] else None

    def keep(self, changes: Changes, unsaved: frozenset[str] = frozenset()) -> None:
        """Take over what was committed, and forget the wallets of accounts of which nothing was."""
        for key, wallet in changes.wallets.items():
            if key.account_id in unsaved:
                self.drop(key)
                continue
            known = self._wallets.pop(key, None)
            if known is None:
                self._generation += 1
            self._wallets[key] = (wallet, known[1] if known else self._generation)
        for reservation in changes.reservations.values():
            if reservation.account_id in unsaved:
                continue
            wallet_key = WalletKey(reservation.account_id, reservation.credit_type)
            name = ReservationKey(*wallet_key, reservation.reservation_id)
            self._reservations.pop(name, None)
            self._reservations[name] = (reservation, self._wallets[wallet_key][1])
        while len(self._wallets) > self._max_wallets:
            self._wallets.popitem(last=False)
        while len(self._reservations) > MAX_RESERVATIONS:
            self._reservations.popitem(last=False)

    def drop(self, key: WalletKey) -> None:
        """Forget a wallet, and with it its reservations."""
        self._wallets.pop(key, None)
