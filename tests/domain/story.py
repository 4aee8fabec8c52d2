"""A wallet to which anything may happen, beside the naive model of it; after each step the two are compared.

Amounts are multiples of a unit, so that the model can move credits one by one also where they reach the limits of an
int64. Times are a few microseconds, so that things often fall on the same instant.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from creditd.domain.account import AccountStatus
from creditd.domain.entry import EntryKind
from creditd.domain.errors import Refusal
from creditd.domain.grants import Grant, Source
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation, ReservationState
from creditd.domain.wallet import MAX_BALANCE, Rules
from tests.domain import invariants
from tests.domain.books import WalletBooks, folded, stored
from tests.domain.coins import Coins
from tests.domain.truths import is_true
from tests.domain.wallets import START, left, wallet, with_plan, with_status

T = TypeVar("T")


@dataclass(frozen=True)
class Opening:
    """What a story begins with: grants as (source, amount, lifetime), and debt if none of them is purchased."""

    rules: Rules
    unit: int
    grants: list[tuple[Source, int, int | None]]
    debt: int


class Story:
    """Each public method is a step that may come at any time; it raises AssertionError if something is not right."""

    def __init__(self, opening: Opening) -> None:
        """Open the books."""
        unit = self.unit = opening.unit
        grants: list[Grant] = []
        for number, (source, amount, life) in enumerate(opening.grants):
            if sum(grant.remaining for grant in grants) + amount * unit <= MAX_BALANCE:
                expires = None if life is None else Instant(START + life)
                grants.append(Grant(f"opening-{number}", source, amount * unit, expires))
        owed = 0 if any(grant.source == Source.PURCHASED for grant in grants) else opening.debt * unit
        self.opening = wallet(*grants, debt=owed, rules=opening.rules)
        self.books = WalletBooks(self.opening, opening.rules)
        self.refusals: list[Refusal] = []
        self._coins = Coins(grants, owed, unit, opening.rules)
        self._fold = folded(self.opening)
        self._followed = 0
        self._first: tuple[str, ...] = ()
        self._steps_until_active = 0

    def step(self, name: str, arguments: dict[str, Any]) -> None:
        """Do a step by its name, and check all that must be true after it."""
        self._steps_until_active -= 1
        if not self._steps_until_active:
            self.books.wallet = with_status(self.books.wallet, AccountStatus.ACTIVE)
        self._settle()
        getattr(self, name)(**arguments)
        self._follow()
        self.check()

    def check(self) -> None:
        """Check the invariants, the model against each grant, the holds and the debt, and what the entries fold to."""
        invariants.check(self.books, self.opening)
        held = [reservation.reservation_id for reservation in invariants.pending(self.books)]
        assert left(self.books.wallet) == self._coins.left()
        assert self.books.wallet.reserved == self._coins.held(held)
        assert self.books.wallet.debt == self._coins.owed()
        assert self._fold.compare(stored(self.books)) == []

    # -------------------------------------------------------------------------------------------------- commands

    def reserve(self, amount: int, ttl: int | None, version_off: int | None) -> None:
        """Hold an amount: done if the account may spend it, for a time that is allowed; else refused."""
        fits = ttl is None or 0 < ttl <= self.books.rules.max_ttl
        expected = fits and not version_off and self._may_spend(amount)
        version = self._version(version_off)
        held = self._attempt(lambda: self.books.reserve(amount * self.unit, ttl=ttl, version=version))
        assert (held is not None) == expected

    def deduct(self, amount: int, version_off: int | None) -> None:
        """Spend an amount: done if the account may spend it, else refused."""
        expected = not version_off and self._may_spend(amount)
        version = self._version(version_off)
        spent = self._attempt(lambda: self.books.deduct(amount * self.unit, version=version))
        assert (spent is not None) == expected

    def confirm(self, which: int, amount: int | None, version_off: int | None, *, allow_excess: bool) -> None:
        """Spend what is held, or less, or more if that is allowed."""
        held = self._reservation(which, pending_last=True)
        if held is None:
            return
        asked = None if amount is None else amount * self.unit
        version = self._version(version_off)
        spent = self._attempt(lambda: self.books.confirm(held, asked, allow_excess=allow_excess, version=version))
        if spent is not None:
            assert spent.confirmed == (asked or held.amount)
            assert spent.confirmed <= held.amount or (allow_excess and self._is_active())

    def refund(self, which: int, amount: int | None, version_off: int | None) -> None:
        """Give back what is held, or part of what was spent."""
        spent = self._reservation(which, pending_last=False)
        if spent is None:
            return
        asked = None if amount is None else amount * self.unit
        version = self._version(version_off)
        if self._attempt(lambda: self.books.refund(spent, asked, version=version)) is not None:
            rest = spent.amount if spent.state == ReservationState.PENDING else spent.confirmed - spent.refunded
            refunds = [entry for entry in self.books.entries if entry.kind == EntryKind.REFUND]
            assert refunds[-1].amount == (asked or rest)

    def extend(self, which: int, ttl: int) -> None:
        """Give a hold more time."""
        held = self._reservation(which, pending_last=True)
        if held is None:
            return
        extended = self._attempt(lambda: self.books.extend(held, ttl=ttl))
        if extended is not None:
            assert self._is_active()
            assert held.expire_time is not None
            assert extended.expire_time == max(held.expire_time, self.books.now + ttl)

    def add(self, amount: int, source: Source, life: int | None) -> None:
        """Bring credits in."""
        expires = None if life is None else Instant(self.books.now + life)
        self._attempt(lambda: self.books.add(amount * self.unit, source, expires=expires))

    def remove(self, amount: int) -> None:
        """Take available credits away."""
        self._attempt(lambda: self.books.remove(amount * self.unit))

    def claw_back(self, amount: int, first: list[int]) -> None:
        """Take purchased credits back, whatever the grants that are named first: done unless the account is closed.

        Or unless more would be owed than fits.
        """
        names = list(self.books.grants)
        self._first = tuple(names[-1 - number % len(names)] for number in first if names)
        bought = sum(grant.remaining for grant in self.books.wallet.grants if grant.source == Source.PURCHASED)
        fits = self.books.wallet.debt + amount * self.unit - bought <= MAX_BALANCE
        clawed = self._attempt(lambda: self.books.claw_back(amount * self.unit, *self._first))
        assert (clawed is not None) == (fits and not self._is_closed())

    def restore(self, amount: int) -> None:
        """Give back what was clawed back."""
        self._attempt(lambda: self.books.restore(amount * self.unit))

    def write_off(self, amount: int | None) -> None:
        """Lower the debt: done if there is as much, unless the account is closed."""
        debt = self.books.wallet.debt
        asked = None if amount is None else amount * self.unit
        written_off = self._attempt(lambda: self.books.write_off(asked))
        assert (written_off is not None) == (0 < (asked or debt) <= debt and not self._is_closed())

    # ------------------------------------------------------------------------------------- what happens meanwhile

    def change_status(self, status: AccountStatus, steps: int) -> None:
        """Suspend or close the account for some steps."""
        self.books.wallet = with_status(self.books.wallet, status)
        self._steps_until_active = steps

    def change_plan(self, *, unlimited: bool, life: int | None) -> None:
        """Switch the unlimited plan on or off."""
        until = None if life is None else Instant(self.books.now + life)
        self.books.wallet = with_plan(self.books.wallet, unlimited=unlimited, until=until)

    def wait(self, duration: int, sweeps: list[int]) -> None:
        """Let time pass."""
        self._pass_time_until(Instant(self.books.now + duration), sweeps)

    def wait_for_what_is_due_next(self, offset: int, sweeps: list[int]) -> None:
        """Let time pass until right before, at, or some time after the next expiry."""
        first = invariants.first_expiry(self.books)
        if first is not None and first + offset > self.books.now:
            self._pass_time_until(Instant(first + offset), sweeps)

    def ask_a_server_whose_clock_is_behind(self, duration: int) -> None:
        """Let the time go back by a little."""
        self.books.wait(-duration)

    def _pass_time_until(self, end: Instant, sweeps: list[int]) -> None:
        """Settle late, at each instant, at any instants or in pieces: the outcome is the same."""
        late, at_each_instant = self.books.copy(), self.books.copy()
        at_any_instants, in_pieces = self.books.copy(), self.books.copy()
        while (first := invariants.first_expiry(at_each_instant)) is not None and first <= end:
            at_each_instant.now = first
            at_each_instant.settle()
            assert invariants.first_expiry(at_each_instant) != first
        for offset in sorted(sweeps):
            at_any_instants.now = min(Instant(self.books.now + offset), end)
            at_any_instants.settle()
        for books in (late, at_each_instant, at_any_instants, in_pieces):
            books.now = end
            books.settle(most=1 if books is in_pieces else None)
        while not in_pieces.wallet.is_settled(end):
            assert in_pieces.settle(most=1)
        assert essence(late) == essence(at_each_instant)
        assert essence(late) == essence(at_any_instants)
        assert essence(late) == essence(in_pieces)
        self.books = (late, at_each_instant, at_any_instants, in_pieces)[len(sweeps)]
        assert self.books.wallet.next_expire_time == invariants.first_expiry(self.books)

    # ------------------------------------------------------------------------------------------------- in between

    def _reservation(self, which: int, *, pending_last: bool) -> Reservation | None:
        """Return a reservation, counted from the last one back."""
        reservations = list(self.books.reservations.values())
        if pending_last:
            reservations.sort(key=lambda reservation: reservation.state == ReservationState.PENDING)
        return reservations[-1 - which % len(reservations)] if reservations else None

    def _version(self, off: int | None) -> int | None:
        return None if off is None else self.books.wallet.version + off

    def _is_active(self) -> bool:
        return self.books.wallet.account.status == AccountStatus.ACTIVE

    def _is_closed(self) -> bool:
        return self.books.wallet.account.status == AccountStatus.CLOSED

    def _is_unlimited(self) -> bool:
        return self.books.wallet.account.has_unlimited_plan(self.books.now)

    def _may_spend(self, amount: int) -> bool:
        return self._is_active() and (self._is_unlimited() or self.books.wallet.available >= amount * self.unit)

    def _settle(self) -> None:
        self.books.settle()
        self._follow()

    def _follow(self) -> None:
        for movement in self.books.movements[self._followed :]:
            self._coins.follow(movement, unlimited=self._is_unlimited(), first=self._first)
            self._fold.add(movement.entry)
            invariants.check_times(movement, self.books)
        self._followed = len(self.books.movements)

    def _attempt(self, act: Callable[[], T]) -> T | None:
        """Do it, or see that the refusal tells the truth and has changed nothing."""
        before = essence(self.books)
        try:
            outcome = act()
        except Refusal as reason:
            refusal = reason
        else:
            assert not self._is_closed()
            return outcome
        assert essence(self.books) == before
        assert is_true(refusal, self.books)
        self.refusals.append(refusal)
        return None


def essence(books: WalletBooks) -> object:
    """Return all that the books hold but when it was written down."""
    return (
        books.wallet._replace(update_time=START),
        dict(books.grants),
        {name: reservation._replace(update_time=START) for name, reservation in books.reservations.items()},
        [entry._replace(create_time=START) for entry in books.entries],
    )
