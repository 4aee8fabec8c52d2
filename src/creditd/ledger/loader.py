"""What a batch is decided on: from memory where that suffices, else from the database."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from types import MappingProxyType
from typing import Final

from creditd.domain.commands import ON_RESERVATION, Command, Deduct, Reserve
from creditd.domain.grants import NO_GRACES, of_unknown_grace
from creditd.domain.instant import Instant
from creditd.domain.limits import WHOLE
from creditd.domain.reservation import Reservation, ReservationKey
from creditd.domain.wallet import Wallet, WalletKey
from creditd.domain.weight import HEAVY_SLICES, is_heavy
from creditd.ledger.batch import Batch
from creditd.ledger.cache import MAX_SPENDERS_KEPT, WalletCache
from creditd.ledger.work import Apart, Step, Work
from creditd.storage.counts import CountKey, load_counts
from creditd.storage.database import Connection
from creditd.storage.locks import lock_free_wallets, lock_wallets, share_accounts
from creditd.storage.requests import RequestKey, load_claims, load_light_requests, load_requests
from creditd.storage.reservations import load_light_reservations, load_reservations
from creditd.storage.shared_wallets import share_wallets
from creditd.storage.wallets import GrantKey, LoadedWallet, load_graces, load_light_wallets, load_wallets

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
            spender_id = reservation.spender_id
        else:
            spender_id = _spender_of(command)
        return not batch.counts(wallet) or (wallet.usage is not None and spender_id in wallet.usage)

    def _drop_copies(self, batch: Batch, keys: Iterable[WalletKey]) -> dict[WalletKey, tuple[str, ...]]:
        """Drop the copies of wallets; return who was counted in them lately, and is likely to come again."""
        known: dict[WalletKey, tuple[str, ...]] = {}
        for key in keys:
            self._cache.drop(key)
            copied = batch.wallets.pop(key, None)
            spenders = self._cache.take_spenders(key)
            if copied is not None and copied.usage and len(copied.usage) <= MAX_SPENDERS_KEPT:
                # Of this batch: it has all of the copy that was kept, and more.
                spenders = tuple(copied.usage)
            if spenders:
                known[key] = spenders
        return known

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
        known = self._drop_copies(batch, keys)
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
            loaded = self._share_wallets(connection, batch, works, keys, passes)
        else:
            loaded = self._load_wallets(connection, batch, keys)
        named = _named_reservations(works)
        batch.take_in(_with_counts(connection, batch, works, loaded, known))
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
    ) -> Mapping[WalletKey, LoadedWallet]:
        patient = max(works, key=lambda work: passes.get(work, 0))
        own = set(patient.keys)
        awaited = own if passes.get(patient, 0) >= MAX_PASSES or own == keys else set[WalletKey]()
        now, order, takes_heavy = batch.now, batch.spend_order, batch.takes_heavy
        shared = share_wallets(connection, keys, awaited, now, order, takes_heavy=takes_heavy)
        if shared.held == keys:
            shared = share_wallets(connection, keys, own, now, order, takes_heavy=takes_heavy)
        batch.apart.update(dict.fromkeys(shared.heavy, Apart.HEAVY))
        batch.later = shared.held
        return shared.wallets

    @staticmethod
    def _load_wallets(connection: Connection, batch: Batch, keys: set[WalletKey]) -> Mapping[WalletKey, LoadedWallet]:
        if batch.takes_heavy:
            return load_wallets(connection, keys, batch.now, batch.spend_order)
        wallets, heavy = load_light_wallets(connection, keys, batch.now, batch.spend_order)
        batch.apart.update(dict.fromkeys(heavy, Apart.HEAVY))
        return wallets

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


def _with_counts(
    connection: Connection,
    batch: Batch,
    works: Iterable[Work],
    loaded: Mapping[WalletKey, LoadedWallet],
    known: Mapping[WalletKey, tuple[str, ...]],
) -> Mapping[WalletKey, LoadedWallet]:
    """Return loaded wallets with the counts that works go by, and what is due; nothing is read if no limit counts.

    They are no older than the wallets, whose versions refuse the save if they are newer.
    """
    counted = {key: one for key, one in loaded.items() if batch.counts(one.wallet)}
    if not counted:
        return loaded
    spenders = {
        key: {WHOLE, *known.get(key, ()), *[held.spender_id for held in one.due]} for key, one in counted.items()
    }
    named: set[ReservationKey] = set()
    for key, command in [step for work in works for step in work.steps if step.key in counted]:
        if isinstance(command, ON_RESERVATION):
            named.add(ReservationKey(*key, command.reservation_id))
        else:
            spenders[key].add(_spender_of(command))
    asked = [CountKey(*key, spender_id) for key, each in spenders.items() for spender_id in each]
    counts = load_counts(connection, asked, named)
    with_usage = {key: one._replace(wallet=one.wallet._replace(usage=counts[key])) for key, one in counted.items()}
    return {**loaded, **with_usage}


def _spender_of(command: Command) -> str:
    return command.spender_id if isinstance(command, Reserve | Deduct) else WHOLE


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
