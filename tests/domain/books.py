"""One wallet's books, kept in memory as the ledger keeps them in the database: settle, decide, write down."""

from creditd.domain.commands import (
    Add,
    Clawback,
    Command,
    Confirm,
    Deduct,
    Extend,
    Refund,
    Remove,
    Reserve,
    Restore,
    WriteOff,
)
from creditd.domain.decide import decide
from creditd.domain.entry import Entry, EntryKind
from creditd.domain.errors import Refusal
from creditd.domain.expiry import Expiration, Settled, lapse_late, settle
from creditd.domain.fold import Fold, StoredWallet
from creditd.domain.grants import Grant, Source, graces_of, in_spend_order
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation, ReservationState
from creditd.domain.wallet import Movement, Origin, Rules, Wallet
from tests.domain.wallets import RULES, START, by_source

CALLER = Origin(actor="caller", request_id="request")


class WalletBooks:
    """A wallet as it is now, its reservations, every grant that it ever had, its entries, and the time.

    What is known only from the movements is kept apart from the wallet, as rows are, so that the two can be compared.
    """

    def __init__(self, wallet: Wallet, rules: Rules = RULES, now: Instant = START) -> None:
        """Open the books on a wallet without reservations."""
        self.wallet = wallet
        self.rules = rules
        self.now = now
        self.grants: dict[str, Grant] = {grant.grant_id: grant for grant in wallet.grants}
        self.reservations: dict[str, Reservation] = {}
        self.entries: list[Entry] = []
        self.movements: list[Movement] = []
        self._names = 0

    def wait(self, microseconds: int) -> None:
        """Let time pass; nothing is swept meanwhile."""
        self.now = Instant(self.now + microseconds)

    def copy(self) -> "WalletBooks":
        """Return books that go on from here by themselves."""
        other = WalletBooks(self.wallet, self.rules, self.now)
        other.grants, other.reservations = dict(self.grants), dict(self.reservations)
        other.entries, other.movements = list(self.entries), list(self.movements)
        other._names = self._names
        return other

    def hold_ends(self) -> list[tuple[Instant, str]]:
        """Return when each pending reservation expires, soonest first."""
        pending = [r for r in self.reservations.values() if r.state == ReservationState.PENDING]
        return sorted((r.expire_time, r.reservation_id) for r in pending if r.expire_time is not None)

    def settle(self, most: int | None = None, *, work: int | None = None) -> tuple[Movement, ...]:
        """Expire what is due, as the ledger does before each decision and a sweep does by itself.

        At ``most`` so many holds in one go, or as many as touch ``work`` grants, holds and slices; the wallet may then
        not be settled yet.
        """
        ends = self.hold_ends()
        due = [self.reservations[name] for end, name in ends if end <= self.now][:most]
        next_hold_end = ends[len(due)][0] if len(ends) > len(due) else None
        return self._take_over(
            settle(self.wallet, due, next_hold_end, self.now, self.rules, work, graces=self.graces())
        )

    def _take_over(self, settled: Settled) -> tuple[Movement, ...]:
        movements = tuple([self._expire(expiration) for expiration in settled.expirations])
        expected = settled.wallet
        if movements:
            assert self.wallet._replace(next_expire_time=expected.next_expire_time) == expected
            self.movements[-1] = self.movements[-1]._replace(wallet=expected)
        self.wallet = expected
        return movements

    def _expire(self, expiration: Expiration) -> Movement:
        """Write an end down, with the wallet as its rows and the entry's figures say that it was in between."""
        entry, changed, reservation = expiration
        self.grants.update((grant.grant_id, grant) for grant in changed)
        live = [grant for grant in self.grants.values() if grant.remaining]
        between = self.wallet._replace(
            version=entry.version,
            available=entry.available_after,
            reserved=entry.reserved_after,
            debt=entry.debt_after,
            grants=in_spend_order(live, self.rules.order),
            update_time=entry.create_time,
        )
        movement = Movement(between, entry, changed, None, reservation)
        self.write_down(movement)
        return movement

    def do(self, command: Command) -> Movement:
        """Decide a command now and write it down; a refused one has changed nothing."""
        self.settle()
        reservation = None
        if isinstance(command, Confirm | Refund | Extend):
            reservation = self.reservations.get(command.reservation_id)
        before = repr((self.wallet, reservation))
        try:
            movement = decide(self.wallet, reservation, command, self.now, self.rules, self.graces())
        except Refusal:
            assert repr((self.wallet, reservation)) == before
            raise
        late = lapse_late(self.wallet, movement, self.now, self.rules)
        self.write_down(movement)
        if late:
            self._take_over(late)
        return movement

    def graces(self) -> dict[str, Instant]:
        """Return the graces of grants that have nothing left, as their rows tell."""
        return graces_of(grant for grant in self.grants.values() if not grant.remaining)

    def write_down(self, movement: Movement) -> None:
        """Take over what a movement says."""
        self.wallet = movement.wallet
        self.movements.append(movement)
        self.entries.append(movement.entry)
        self.grants.update((grant.grant_id, grant) for grant in movement.changed)
        if movement.reservation is not None:
            self.reservations[movement.reservation.reservation_id] = movement.reservation

    def new_name(self) -> str:
        """Return a name not used before; later ones sort after earlier ones, as UUIDv7 do."""
        self._names += 1
        return f"{self._names:06}"

    def reserve(
        self, amount: int, *, ttl: int | None = None, until: Instant | None = None, version: int | None = None
    ) -> Reservation:
        """Hold an amount."""
        command = Reserve(CALLER, self.new_name(), amount, expire_time=until, ttl=ttl, version=version)
        return _about_reservation(self.do(command))

    def deduct(self, amount: int, *, version: int | None = None) -> Reservation:
        """Spend an amount at once."""
        return _about_reservation(self.do(Deduct(CALLER, self.new_name(), amount, version)))

    def confirm(
        self, held: Reservation, amount: int | None = None, *, allow_excess: bool = False, version: int | None = None
    ) -> Reservation:
        """Spend what is held, or less, or more."""
        command = Confirm(CALLER, held.reservation_id, amount, allow_excess=allow_excess, version=version)
        return _about_reservation(self.do(command))

    def refund(self, of: Reservation, amount: int | None = None, *, version: int | None = None) -> Reservation:
        """Give back what is held, or part of what was spent."""
        return _about_reservation(self.do(Refund(CALLER, of.reservation_id, amount, version)))

    def extend(self, held: Reservation, *, ttl: int | None = None, until: Instant | None = None) -> Reservation:
        """Give a hold more time."""
        return _about_reservation(self.do(Extend(CALLER, held.reservation_id, until, ttl)))

    def add(
        self, amount: int, source: Source, grant_id: str | None = None, *, expires: Instant | None = None
    ) -> Movement:
        """Bring credits in by the way that fits their source."""
        kind = {
            Source.FREE: EntryKind.GRANT,
            Source.PROMO: EntryKind.PROMO,
            Source.PURCHASED: EntryKind.TOP_UP,
            Source.ADMIN: EntryKind.ADMIN_ADD,
        }[source]
        return self.do(Add(CALLER, kind, grant_id or self.new_name(), source, amount, expires))

    def remove(self, amount: int) -> Movement:
        """Take available credits away."""
        return self.do(Remove(CALLER, amount))

    def claw_back(self, amount: int, *first: str) -> Movement:
        """Take purchased credits back, from the grants named first."""
        return self.do(Clawback(CALLER, first, amount))

    def restore(self, amount: int, grant_id: str | None = None) -> Movement:
        """Give back what was clawed back."""
        return self.do(Restore(CALLER, grant_id or self.new_name(), amount))

    def write_off(self, amount: int | None = None) -> Movement:
        """Lower the debt."""
        return self.do(WriteOff(CALLER, amount))

    def state_of(self, reservation: Reservation) -> ReservationState:
        """Return where a reservation stands by now."""
        return self.reservations[reservation.reservation_id].state


def _about_reservation(movement: Movement) -> Reservation:
    assert movement.reservation is not None
    return movement.reservation


def folded(opening: Wallet) -> Fold:
    """Return a fold that goes on from an opening wallet, as if entries before it had led there."""
    fold = Fold()
    fold.available, fold.debt = opening.available, opening.debt
    fold.by_source.update(by_source(opening))
    return fold


def stored(books: WalletBooks) -> StoredWallet:
    """Return the figures of a wallet's rows."""
    wallet = books.wallet
    held = sum(reservation.held for reservation in books.reservations.values())
    figures = (wallet.version, wallet.available, wallet.reserved, wallet.debt)
    return StoredWallet(*figures, by_source(wallet), held, graces_of(books.grants.values()))
