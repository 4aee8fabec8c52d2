"""The state that a batch of works is decided on, one after the other, before it is saved."""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from creditd.domain import errors
from creditd.domain.account import Account
from creditd.domain.adjustments import open_account
from creditd.domain.commands import ON_RESERVATION
from creditd.domain.controls.audit_event import moved_event
from creditd.domain.decide import decide
from creditd.domain.entry import Entry, EntryKind
from creditd.domain.events.outbox import Announcement, OutboxEvent, told_of_entry, told_of_expiration
from creditd.domain.expiry import Settled, lapse_late, settle
from creditd.domain.grants import NO_GRACES, Grant, SpendOrder, graces_of
from creditd.domain.instant import Instant
from creditd.domain.limits import are_counted
from creditd.domain.reservation import Reservation, ReservationKey
from creditd.domain.wallet import Movement, Rules, Wallet, WalletKey, new_wallet
from creditd.domain.weight import weight_of
from creditd.ledger.work import Apart, Outcome, Step, Work
from creditd.storage.changes import Changes, drop
from creditd.storage.requests import RequestKey
from creditd.storage.wallets import LoadedWallet

MAX_WORK = 2_000
"""Entries and slices that the works of a batch write, one work more or less: some tens of milliseconds. What does not
fit in is decided in the next round."""

MAX_SETTLING = 1_000
"""The same for what is due in its wallets: one that comes upon much of it is not to wait for all of it."""


class Terms(NamedTuple):
    """What is configured for every decision."""

    rules: Rules
    sign_up_credits: Mapping[str, int]
    make_id: Callable[[], str]


class Batch:
    """Decides works in order on an evolving state, and gathers what they change.

    A work that is refused leaves no trace. The same request id twice in one batch has one effect.
    """

    def __init__(self, terms: Terms, now: Instant, *, takes_heavy: bool = True) -> None:
        """Start with nothing loaded. Unless it ``takes_heavy`` wallets, they stay ``apart``, and so do their works."""
        self.takes_heavy = takes_heavy
        self.now = now
        self.changes = Changes()
        self.columns: Mapping[str, str] | None = None
        self.wallets: dict[WalletKey, Wallet] = {}
        self.reservations: dict[ReservationKey, Reservation] = {}
        self.requests: dict[RequestKey, list[Entry]] = {}
        self.claims: dict[RequestKey, errors.RequestIdReused] = {}
        self.graces: dict[WalletKey, dict[str, Instant]] = {}
        self.postponed: dict[WalletKey, Wallet] = {}
        self.unsettled: set[WalletKey] = set()
        self.later: set[WalletKey] = set()
        self.apart: dict[WalletKey, Apart] = {}
        self._terms = terms
        self._unopened: dict[str, tuple[Account, tuple[Movement, ...]]] = {}
        self._work_left = MAX_WORK
        self._settling_left = MAX_SETTLING

    @property
    def is_full(self) -> bool:
        """Tell that no more works should be decided before what there is has been saved.

        Where all was taken back there is nothing to save: that is never full, whatever it had room for before.
        """
        return self._work_left <= 0 and bool(self.changes.entries)

    @property
    def spend_order(self) -> SpendOrder:
        """The order that live grants stand in."""
        return self._terms.rules.order

    def counts(self, wallet: Wallet) -> bool:
        """Tell whether a wallet's movements are counted, because a limit goes by what was spent before."""
        own, defaults = wallet.account.limits, self._terms.rules.limits
        return bool(own or defaults) and are_counted(own, defaults, wallet.credit_type)

    def take_in(self, loaded: Mapping[WalletKey, LoadedWallet]) -> None:
        """Take in loaded wallets: expire what is due in them, and prepare the opening of accounts never seen."""
        for key, one in loaded.items():
            if not one.account_exists:
                self._prepare_opening(key)
                self.wallets[key] = self.wallets[key]._replace(usage=one.wallet.usage)
            elif one.wallet.is_settled(self.now):
                self.wallets[key] = one.wallet
            else:
                self._settle(key, one)

    def _settle(self, key: WalletKey, loaded: LoadedWallet) -> None:
        if self._settling_left <= 0:
            self._leave_for_later(key)
            return
        wallet, _, due, next_hold_end, graces = loaded
        self.graces[key] = dict(graces)
        rules, most = self._terms.rules, self._settling_left
        settled = settle(wallet, due, next_hold_end, self.now, rules, most, graces=graces)
        self.wallets[key] = settled.wallet
        if settled.expirations:
            self._write_down(key, settled)
        else:
            self.postponed[key] = settled.wallet
        if not settled.wallet.is_settled(self.now):
            self._leave_for_later(key)

    def _leave_for_later(self, key: WalletKey) -> None:
        """Leave a wallet in which more is due than fits in: for the next round, or for where it delays no others."""
        if self.takes_heavy:
            self.unsettled.add(key)
        else:
            self.apart[key] = Apart.HEAVY

    def _write_down(self, key: WalletKey, settled: Settled) -> None:
        self.changes.add_settled(key, settled)
        alerts = settled.wallet.account.alerts
        for expiration in settled.expirations:
            self._announce(expiration.entry, (told_of_expiration(expiration.entry),))
            self._announce(expiration.entry, told_of_entry(expiration.entry, alerts))
        self._settling_left -= sum(weight_of(expiration.entry) for expiration in settled.expirations)
        for _, changed, reservation in settled.expirations:
            self._remember_graces(key, changed)
            if reservation is not None:
                self.reservations[ReservationKey(*key, reservation.reservation_id)] = reservation

    def _remember_graces(self, key: WalletKey, changed: tuple[Grant, ...]) -> None:
        for grant in changed:
            if grant.graced:
                self.graces.setdefault(key, {}).update(graces_of((grant,)))

    def _prepare_opening(self, key: WalletKey) -> None:
        opening = self._unopened.get(key.account_id)
        if opening is None:
            terms = self._terms
            opening = open_account(key.account_id, terms.sign_up_credits, terms.make_id, self.now, terms.rules)
            self._unopened[key.account_id] = opening
            for movement in opening[1]:
                self.wallets[WalletKey(key.account_id, movement.entry.credit_type)] = movement.wallet
        self.wallets.setdefault(key, new_wallet(opening[0], key.credit_type))

    def _first_use(self, work: Work) -> None:
        """Open an account that was never seen. Raises AccountNotFound for a work that does not open any."""
        if not work.opens:
            raise errors.AccountNotFound(account_id=work.account_id)
        if not work.dry_run:
            self._open(work.account_id)

    def _open(self, account_id: str) -> None:
        account, movements = self._unopened.pop(account_id)
        self.changes.opened[account_id] = account
        for movement in movements:
            self._work_left -= weight_of(movement.entry)
            self.changes.add(movement)

    def why_apart(self, work: Work) -> Apart | None:
        """Return why a work cannot be done in this batch; None if it can."""
        if not self.apart:
            return None
        return next((self.apart[key] for key in work.keys if key in self.apart), None)

    def is_for_later(self, work: Work) -> bool:
        """Tell that a work has to wait for the next round: for what is due, for a row that others hold, or for room."""
        if self.is_full:
            return True
        return any(keys and not keys.isdisjoint(work.keys) for keys in (self.unsettled, self.later))

    def decide(self, work: Work) -> Outcome:
        """Decide a work and apply it, or raise a Refusal and apply nothing."""
        request_id = work.origin.request_id
        request = None if request_id is None else RequestKey(work.account_id, request_id)
        if request and request in self.requests:
            return self._replay(self.requests[request], work)
        if request and request in self.claims:
            raise self.claims[request]
        if work.account_id in self._unopened and not _is_about_a_reservation(work):
            self._first_use(work)
        movements, late = self._decide_steps(work.steps)
        entries = [movement.entry for movement in movements]
        if not work.dry_run:
            for step, movement in zip(work.steps, movements, strict=True):
                self._apply(step.key, movement)
            for key, settled in late.items():
                self.wallets[key] = settled.wallet
                self._write_down(key, settled)
            if request:
                self.requests[request] = entries
            if work.act:
                event_id = self._terms.make_id()
                self.changes.audited.append(moved_event(work.act, event_id, self.now, work.account_id, entries))
        return Outcome(tuple(entries), tuple([movement.reservation for movement in movements]))

    def take_back(self, accounts: AbstractSet[str]) -> None:
        """Forget all that was copied and decided for accounts."""
        self.changes.take_back(accounts)
        drop(self.wallets, lambda key: key.account_id in accounts)
        drop(self.reservations, lambda key: key.account_id in accounts)
        drop(self.requests, lambda key: key.account_id in accounts)
        drop(self.graces, lambda key: key.account_id in accounts)

    def _decide_steps(self, steps: tuple[Step, ...]) -> tuple[list[Movement], dict[WalletKey, Settled]]:
        """Return a movement for each step, and what lapses after them since it came back after its grace."""
        movements: list[Movement] = []
        late: dict[WalletKey, Settled] = {}
        ahead: dict[WalletKey, Wallet] = {}
        for key, command in steps:
            wallet = ahead.get(key) or self.wallets[key]
            reservation = None
            if isinstance(command, ON_RESERVATION):
                reservation = self.reservations.get(ReservationKey(*key, command.reservation_id))
            # A wallet's time never goes back: another server's clock may be ahead of ours by a little.
            now = max(self.now, wallet.update_time)
            rules, graces = self._terms.rules, self.graces.get(key, NO_GRACES)
            movement = decide(wallet, reservation, command, now, rules, graces)
            ahead[key] = movement.wallet
            movements.append(movement)
            lapsed = lapse_late(wallet, movement, now, rules)
            if lapsed:
                late[key] = lapsed
        return movements, late

    def _apply(self, key: WalletKey, movement: Movement) -> None:
        wallet, entry, changed, _, reservation = movement
        self._work_left -= weight_of(entry)
        self.changes.add(movement)
        if wallet.account.alerts:
            self._announce(entry, told_of_entry(entry, wallet.account.alerts))
        self.wallets[key] = wallet
        self.postponed.pop(key, None)
        self._remember_graces(key, changed)
        if reservation is not None:
            self.reservations[ReservationKey(*key, reservation.reservation_id)] = reservation

    def _announce(self, entry: Entry, told: Iterable[Announcement]) -> None:
        """Have others told of a movement, in the transaction that saves it."""
        self.changes.announced.extend(
            OutboxEvent(entry.account_id, self._terms.make_id(), *one, entry.create_time) for one in told
        )

    def _replay(self, entries: list[Entry], work: Work) -> Outcome:
        if entries[0].fingerprint != work.origin.fingerprint:
            raise errors.reused(work.origin.request_id or "", entries[0].kind.name, entries[0].create_time)
        return Outcome(tuple(entries), tuple(self._as_of(entry) for entry in entries), replayed=True)

    def _as_of(self, entry: Entry) -> Reservation | None:
        """Return the reservation as it was right after an entry about it."""
        after = entry.reservation
        if after is None:
            return None
        key = ReservationKey(entry.account_id, entry.credit_type, after.reservation_id)
        row = self.reservations[key]
        return row._replace(
            state=after.state,
            confirmed=after.confirmed,
            refunded=after.refunded,
            expire_time=after.expire_time,
            update_time=entry.create_time,
            slices=row.slices if entry.kind == EntryKind.REFUND else entry.slices,
        )


def _is_about_a_reservation(work: Work) -> bool:
    """Tell that a work cannot be an account's first use: there is no reservation yet that it could name."""
    return any(isinstance(command, ON_RESERVATION) for _, command in work.steps)
