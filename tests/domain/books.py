"""One wallet's books, kept in memory as the ledger keeps them in the database: settle, decide, write down."""

from creditd.domain.commands import Add, Command, Confirm, Deduct, Extend, Refund, Remove, Reserve
from creditd.domain.decide import decide
from creditd.domain.entry import Entry, EntryKind
from creditd.domain.errors import Refusal
from creditd.domain.expiry import settle
from creditd.domain.grants import Grant, Source
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation, ReservationState
from creditd.domain.wallet import Movement, Origin, Rules, Wallet
from tests.domain.wallets import RULES, START

CALLER = Origin(actor="caller", request_id="request")


class Books:
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

    def settle(self) -> tuple[Movement, ...]:
        """Expire what is due, as the ledger does before each decision and a sweep does by itself."""
        pending = [r for r in self.reservations.values() if r.state == ReservationState.PENDING]
        ends = sorted((r.expire_time or START, r.reservation_id) for r in pending)
        due = [self.reservations[name] for end, name in ends if end <= self.now]
        next_hold_end = next((end for end, _ in ends if end > self.now), None)
        settled = settle(self.wallet, due, next_hold_end, self.now, self.rules)
        for movement in settled.movements:
            self._write_down(movement)
        self.wallet = settled.wallet
        return settled.movements

    def do(self, command: Command) -> Movement:
        """Decide a command now and write it down; a refused one has changed nothing."""
        self.settle()
        reservation = None
        if isinstance(command, Confirm | Refund | Extend):
            reservation = self.reservations.get(command.reservation_id)
        before = repr((self.wallet, reservation))
        try:
            movement = decide(self.wallet, reservation, command, self.now, self.rules)
        except Refusal:
            assert repr((self.wallet, reservation)) == before
            raise
        self._write_down(movement)
        return movement

    def _write_down(self, movement: Movement) -> None:
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
        command = Reserve(CALLER, self.new_name(), amount, expire_time=until, ttl=ttl, version=version)
        return _about_reservation(self.do(command))

    def deduct(self, amount: int, *, version: int | None = None) -> Reservation:
        return _about_reservation(self.do(Deduct(CALLER, self.new_name(), amount, version)))

    def confirm(
        self, held: Reservation, amount: int | None = None, *, allow_excess: bool = False, version: int | None = None
    ) -> Reservation:
        command = Confirm(CALLER, held.reservation_id, amount, allow_excess=allow_excess, version=version)
        return _about_reservation(self.do(command))

    def refund(self, of: Reservation, amount: int | None = None, *, version: int | None = None) -> Reservation:
        return _about_reservation(self.do(Refund(CALLER, of.reservation_id, amount, version)))

    def extend(self, held: Reservation, *, ttl: int | None = None, until: Instant | None = None) -> Reservation:
        return _about_reservation(self.do(Extend(CALLER, held.reservation_id, until, ttl)))

    def add(
        self, amount: int, source: Source, grant_id: str | None = None, *, expires: Instant | None = None
    ) -> Movement:
        kind = {
            Source.FREE: EntryKind.GRANT,
            Source.PROMO: EntryKind.PROMO,
            Source.PURCHASED: EntryKind.TOP_UP,
            Source.ADMIN: EntryKind.ADMIN_ADD,
        }[source]
        return self.do(Add(CALLER, kind, grant_id or self.new_name(), source, amount, expires))

    def remove(self, amount: int) -> Movement:
        return self.do(Remove(CALLER, amount))

    def state_of(self, reservation: Reservation) -> ReservationState:
        """Return where a reservation stands by now."""
        return self.reservations[reservation.reservation_id].state


def _about_reservation(movement: Movement) -> Reservation:
    assert movement.reservation is not None
    return movement.reservation
