"""What a batch is decided on: from memory where that suffices, else from the database."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from types import MappingProxyType
from typing import Final

from creditd.domain.commands import ON_RESERVATION
from creditd.domain.grants import NO_GRACES, of_unknown_grace
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation, ReservationKey
from creditd.domain.wallet import Wallet, WalletKey
from creditd.domain.weight import HEAVY_SLICES, is_heavy
from creditd.ledger.batch import Batch
from creditd.ledger.cache import WalletCache
from creditd.ledger.work import Apart, Step, Work
from creditd.storage.database import Connection
from creditd.storage.locks import lock_free_wallets, lock_wallets, share_accounts
from creditd.storage.requests import RequestKey, load_claims, load_light_requests, load_requests
from creditd.storage.reservations import load_light_reservations, load_reservations
from creditd.storage.shared_wallets import share_wallets
from creditd.storage.wallets import GrantKey, load_graces, load_light_wallets, load_wallets

MAX_PASSES: Final = 2
"""How often a work may be left for the next batch since another server holds its wallet; then it is waited for. One of
four servers finds one wallet in five held: so one work in 25 is waited for, and a batch rarely waits."""

NO_PASSES: Final[Mapping[Work, int]] = MappingProxyType({})


class Locking(Enum):
    """What becomes of the rows that a batch is decided on."""

    NONE = "versions alone guard them"
    WAITING = "they are locked, once others have let go of them"
    SHARED = "those that others do not hold are locked, the others left for the next round; request ids are the save's"
    FREE = "they are locked, except those that others hold: works on these leave the batch"


class Loader:
    """Fills batches with wallets, reservations and known request ids."""

    def __init__(self, cache: WalletCache) -> None:
        """Take from ``cache`` what is there."""
        self._cache = cache

    def fill(
        self,
        connection: Connection,
        batch: Batch,
        works: Sequence[Work],
        locking: Locking,
        doubted: AbstractSet[Work] = frozenset(),
        passes: Mapping[Work, int] = NO_PASSES,
    ) -> AbstractSet[Work]:
        """Fill a batch with all that its works touch; return the works that everything was loaded for.

        For works ``doubted``, and for dry runs, no copy will do. ``passes`` is how often works have been left to the
        next batch.

        A wallet and the reservations decided on with it are either both copies kept together or both loaded: a fresh
        wallet's version would let a stale reservation pass.
        """
        held: dict[ReservationKey, Reservation] = {}
        stale: set[WalletKey] = set()
        trusting = locking is Locking.NONE
        for work in works:
            by_copy = trusting and len(work.steps) == 1 and not work.dry_run and work not in doubted
            if not by_copy or not self._copy(work.steps[0], batch, held):
                stale.update(work.keys)
        batch.reservations.update(held)
        if not stale:
            return frozenset()
        fresh = {work for work in works if not stale.isdisjoint(work.keys)}
        self._load(connection, batch, fresh, stale, locking, passes)
        return frozenset() if locking is Locking.SHARED else fresh

    def copy(self, batch: Batch, work: Work, below: Batch | None) -> bool:
        """Copy all that a work touches from memory; tell whether it is all there and may be decided on.

        What ``below`` has changed, a batch that is being saved, is newer than what was kept of those before it.
        """
        if len(work.steps) != 1 or work.dry_run:
            return False
        held: dict[ReservationKey, Reservation] = {}
        if not self._copy(work.steps[0], batch, held, below) or batch.why_apart(work) is not None:
            return False
        batch.reservations.update(held)
        return True

    def _copy(
        self, step: Step, batch: Batch, held: dict[ReservationKey, Reservation], below: Batch | None = None
    ) -> bool:
        """Copy what a step touches from memory, if it is all there and nothing in it is due."""
        key, command = step
        wallet = batch.wallets.get(key) or (below and below.wallets.get(key)) or self._cache.wallet(key)
        if wallet is None or not wallet.is_settled(batch.now):
            return False
        if not batch.takes_heavy and is_heavy(len(wallet.grants)):
            batch.apart[key] = Apart.HEAVY
            return True
        batch.wallets[key] = wallet
        if isinstance(command, ON_RESERVATION):
            reservation_key = ReservationKey(*key, command.reservation_id)
            reservation = (
                batch.reservations.get(reservation_key)
                or (below and below.reservations.get(reservation_key))
                or self._cache.reservation(reservation_key)
            )
            if reservation is None or len(reservation.slices) > HEAVY_SLICES:
                return False
            if _of_unknown_grace(wallet, reservation, batch.now):
                return False
            held[reservation_key] = reservation
        return True

    def _load(
        self,
        connection: Connection,
        batch: Batch,
        works: Collection[Work],
        keys: set[WalletKey],
        locking: Locking,
        passes: Mapping[Work, int],
    ) -> None:
        """Load wallets first, then reservations, then request ids.

        Between two of these statements others may commit. In this order a reservation is never older than its wallet,
        whose version then refuses the save, and a request id that others used meanwhile is found.
        """
        for key in keys:
            self._cache.drop(key)
            batch.wallets.pop(key, None)
        for reservation_key in [r for r in batch.reservations if WalletKey(r.account_id, r.credit_type) in keys]:
            del batch.reservations[reservation_key]
        # The accounts' rows before those of their wallets, as a change of an account takes them.
        if locking is Locking.WAITING:
            share_accounts(connection, {key.account_id for key in keys})
            lock_wallets(connection, keys)
        elif locking is Locking.FREE:
            held = lock_free_wallets(connection, keys)
            batch.apart.update(dict.fromkeys(held, Apart.LOCKED))
            keys = keys - held
        if locking is Locking.SHARED:
            self._share_wallets(connection, batch, works, keys, passes)
        else:
            self._load_wallets(connection, batch, keys)
        named = _named_reservations(works)
        self._load_reservations(connection, batch, named)
        self._load_graces(connection, batch, named)
        if locking is Locking.SHARED:
            return
        requests = {RequestKey(w.account_id, w.origin.request_id) for w in works if w.origin.request_id is not None}
        if requests:
            self._load_requests(connection, batch, requests, works)
            self._load_reservations(connection, batch, _replayed_reservations(batch))

    @staticmethod
    def _share_wallets(
        connection: Connection, batch: Batch, works: Collection[Work], keys: set[WalletKey], passes: Mapping[Work, int]
    ) -> None:
        patient = max(works, key=lambda work: passes.get(work, 0))
        own = set(patient.keys)
        awaited = own if passes.get(patient, 0) >= MAX_PASSES or own == keys else set[WalletKey]()
        now, order, takes_heavy = batch.now, batch.spend_order, batch.takes_heavy
        shared = share_wallets(connection, keys, awaited, now, order, takes_heavy=takes_heavy)
        if shared.held == keys:
            shared = share_wallets(connection, keys, own, now, order, takes_heavy=takes_heavy)
        batch.apart.update(dict.fromkeys(shared.heavy, Apart.HEAVY))
        batch.later = shared.held
        batch.take_in(shared.wallets)

    @staticmethod
    def _load_wallets(connection: Connection, batch: Batch, keys: set[WalletKey]) -> None:
        if batch.takes_heavy:
            batch.take_in(load_wallets(connection, keys, batch.now, batch.spend_order))
        else:
            wallets, heavy = load_light_wallets(connection, keys, batch.now, batch.spend_order)
            batch.apart.update(dict.fromkeys(heavy, Apart.HEAVY))
            batch.take_in(wallets)

    @staticmethod
    def _load_reservations(connection: Connection, batch: Batch, keys: set[ReservationKey]) -> None:
        # What settling has already changed is newer than the row.
        missing = keys - batch.reservations.keys()
        if missing and batch.takes_heavy:
            batch.reservations.update(load_reservations(connection, missing))
        elif missing:
            reservations, heavy = load_light_reservations(connection, missing)
            batch.reservations.update(reservations)
            batch.apart.update((WalletKey(key.account_id, key.credit_type), Apart.HEAVY) for key in heavy)

    @staticmethod
    def _load_requests(connection: Connection, batch: Batch, requests: set[RequestKey], works: Iterable[Work]) -> None:
        batch.claims.update(load_claims(connection, requests))
        if batch.takes_heavy:
            batch.requests.update(load_requests(connection, requests))
            return
        known, heavy = load_light_requests(connection, requests)
        batch.requests.update(known)
        for work in works:
            if RequestKey(work.account_id, work.origin.request_id or "") in heavy:
                batch.apart.update(dict.fromkeys(work.keys, Apart.HEAVY))

    @staticmethod
    def _load_graces(connection: Connection, batch: Batch, named: set[ReservationKey]) -> None:
        """Load what is known neither of live grants nor of slices: whether others have had their grace."""
        missing: set[GrantKey] = set()
        for name in named & batch.reservations.keys():
            key = WalletKey(name.account_id, name.credit_type)
            wallet, known = batch.wallets.get(key), batch.graces.get(key, NO_GRACES)
            if wallet is not None:
                unknown = set(_of_unknown_grace(wallet, batch.reservations[name], batch.now)) - known.keys()
                missing.update(GrantKey(*key, grant_id) for grant_id in unknown)
        if missing:
            for grant, end_time in load_graces(connection, missing).items():
                batch.graces.setdefault(WalletKey(grant.account_id, grant.credit_type), {})[grant.grant_id] = end_time


def _of_unknown_grace(wallet: Wallet, reservation: Reservation, now: Instant) -> list[str]:
    # A wallet's time never goes back, whatever this server's clock says.
    return of_unknown_grace(wallet.grants, reservation.slices, max(now, wallet.update_time))


def _named_reservations(works: Iterable[Work]) -> set[ReservationKey]:
    return {
        ReservationKey(*key, command.reservation_id)
        for work in works
        for key, command in work.steps
        if isinstance(command, ON_RESERVATION)
    }


def _replayed_reservations(batch: Batch) -> set[ReservationKey]:
    return {
        ReservationKey(entry.account_id, entry.credit_type, entry.reservation.reservation_id)
        for entries in batch.requests.values()
        for entry in entries
        if entry.reservation is not None
    }
