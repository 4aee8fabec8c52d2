"""Any commands, in any order, at any times, on any wallet, keep the six invariants; sweeps change nothing.

Amounts are multiples of a unit, so that a naive model can move credits one by one also where they reach the limits of
an int64. Times are a few microseconds, so that things often fall on the same instant.
"""

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from creditd.domain.account import AccountStatus
from creditd.domain.entry import EntryKind
from creditd.domain.errors import Refusal
from creditd.domain.grants import Grant, Source, take
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation
from creditd.domain.wallet import MAX_BALANCE, Rules, Shift, moved
from tests.domain import invariants
from tests.domain.books import Books
from tests.domain.refusals import is_true
from tests.domain.tokens import CLAWBACK, Tokens
from tests.domain.wallets import START, left, wallet, with_plan, with_status

T = TypeVar("T")

amounts = st.integers(1, 12)
lifetimes = st.integers(1, 15)
sources = st.sampled_from(Source)
units = st.sampled_from([1, 7, MAX_BALANCE // 40])
openings = st.lists(st.tuples(sources, amounts, st.none() | lifetimes), max_size=5)
configurations = st.builds(
    Rules,
    order=st.permutations(tuple(Source)).map(tuple),
    default_ttl=st.just(5),
    max_ttl=st.just(12),
    grace=st.sampled_from([0, 1, 4, 30]),
)
statuses = st.sampled_from([AccountStatus.ACTIVE, *AccountStatus])
versions_off = st.sampled_from([None, None, None, 0, -1])
"""Which version a caller states: none, the one that the wallet is at, or the one before."""


class AnyStory(RuleBasedStateMachine):
    """A wallet to which anything may happen, beside the naive model of it."""

    books: Books
    reservations: Bundle[str] = Bundle("reservations")

    @initialize(rules=configurations, unit=units, opening=openings, debt=st.integers(0, 8))
    def begin(self, rules: Rules, unit: int, opening: list[tuple[Source, int, int | None]], debt: int) -> None:
        """Open the books on a wallet with some grants, and with debt if none of them is purchased."""
        grants: list[Grant] = []
        for number, (source, amount, life) in enumerate(opening):
            if sum(grant.remaining for grant in grants) + amount * unit <= MAX_BALANCE:
                expires = None if life is None else Instant(START + life)
                grants.append(Grant(f"opening-{number}", source, amount * unit, expires))
        owed = 0 if any(grant.source == Source.PURCHASED for grant in grants) else debt * unit
        self.unit = unit
        self.opening = wallet(*grants, debt=owed, rules=rules)
        self.books = Books(self.opening, rules)
        self.tokens = Tokens(grants, owed, unit, rules)
        self.followed = 0

    # -------------------------------------------------------------------------------------------------- commands

    @rule(target=reservations, amount=amounts, ttl=st.none() | st.integers(0, 13), off=versions_off)
    def reserve(self, amount: int, ttl: int | None, off: int | None) -> MultipleResults[str] | str:
        """Hold an amount: done if the account may spend it, for a time that is allowed; else refused."""
        version = self._settled_version(off)
        fits = ttl is None or 0 < ttl <= self.books.rules.max_ttl
        expected = fits and not off and self._may_spend(amount)
        held = self._attempt(lambda: self.books.reserve(amount * self.unit, ttl=ttl, version=version))
        assert (held is not None) == expected
        return _named(held)

    @rule(target=reservations, amount=amounts, off=versions_off)
    def deduct(self, amount: int, off: int | None) -> MultipleResults[str] | str:
        """Spend an amount: done if the account may spend it, else refused."""
        version = self._settled_version(off)
        expected = not off and self._may_spend(amount)
        spent = self._attempt(lambda: self.books.deduct(amount * self.unit, version=version))
        assert (spent is not None) == expected
        return _named(spent)

    @rule(name=reservations, amount=st.none() | amounts, allow_excess=st.booleans(), off=versions_off)
    def confirm(self, name: str, amount: int | None, *, allow_excess: bool, off: int | None) -> None:
        """Spend what is held, or less, or more if that is allowed."""
        version = self._settled_version(off)
        held = self.books.reservations[name]
        asked = self._credits(amount)
        spent = self._attempt(lambda: self.books.confirm(held, asked, allow_excess=allow_excess, version=version))
        if spent is not None:
            assert spent.captured == (asked or held.amount)
            assert spent.captured <= held.amount or allow_excess

    @rule(name=reservations, amount=st.none() | amounts, off=versions_off)
    def refund(self, name: str, amount: int | None, off: int | None) -> None:
        """Give back what is held, or part of what was spent."""
        version = self._settled_version(off)
        spent = self.books.reservations[name]
        asked = self._credits(amount)
        self._attempt(lambda: self.books.refund(spent, asked, version=version))

    @rule(name=reservations, ttl=st.integers(0, 13))
    def extend(self, name: str, ttl: int) -> None:
        """Give a hold more time."""
        held = self.books.reservations[name]
        extended = self._attempt(lambda: self.books.extend(held, ttl=ttl))
        if extended is not None:
            assert held.expire_time is not None
            assert extended.expire_time == max(held.expire_time, self.books.now + ttl)

    @rule(amount=amounts, source=sources, life=st.none() | st.integers(0, 15))
    def add(self, amount: int, source: Source, life: int | None) -> None:
        """Bring credits in."""
        expires = None if life is None else Instant(self.books.now + life)
        self._attempt(lambda: self.books.add(amount * self.unit, source, expires=expires))

    @rule(amount=amounts)
    def remove(self, amount: int) -> None:
        """Take available credits away."""
        self._attempt(lambda: self.books.remove(amount * self.unit))

    # ------------------------------------------------------------------------------------- what happens meanwhile

    @rule(amount=amounts)
    def claw_back(self, amount: int) -> None:
        """Take purchased credits away; what is not available of them becomes debt."""
        self.books.settle()
        self._follow()
        before = self.books.wallet
        bought = tuple(grant for grant in before.grants if grant.source == Source.PURCHASED)
        available = min(amount * self.unit, sum(grant.remaining for grant in bought))
        taken = take(bought, available)
        gone = {grant.grant_id for grant in taken.changed}
        kept = [*(grant for grant in before.grants if grant.grant_id not in gone), *taken.live]
        live = wallet(*{grant.grant_id: grant for grant in kept}.values(), rules=self.books.rules).grants
        shift = Shift(-available, 0, live, taken.changed, taken.slices, amount * self.unit - available)
        kind = EntryKind.ADMIN_REMOVE
        self.books.write_down(moved(before, kind, amount * self.unit, shift, CLAWBACK, self.books.now))
        self._follow()

    @rule(status=statuses)
    def change_status(self, status: AccountStatus) -> None:
        """Suspend, close or restore the account."""
        self.books.wallet = with_status(self.books.wallet, status)

    @rule(unlimited=st.booleans(), life=st.none() | lifetimes)
    def change_plan(self, *, unlimited: bool, life: int | None) -> None:
        """Switch the unlimited plan on or off."""
        until = None if life is None else Instant(self.books.now + life)
        self.books.wallet = with_plan(self.books.wallet, unlimited=unlimited, until=until)

    @rule(duration=st.integers(0, 20) | st.sampled_from([100, 10**12]), sweeps=st.lists(st.integers(0, 20), max_size=3))
    def wait(self, duration: int, sweeps: list[int]) -> None:
        """Let time pass."""
        self._pass_time_until(Instant(self.books.now + duration), sweeps)

    @rule(offset=st.integers(-1, 1))
    def wait_for_what_is_due_next(self, offset: int) -> None:
        """Let time pass until right before, at, or right after the next expiry."""
        first = invariants.first_expiry(self.books)
        if first is not None and first + offset > self.books.now:
            self._pass_time_until(Instant(first + offset), [])

    @rule(duration=st.integers(1, 3))
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
        for offset in sorted(sweeps):
            at_any_instants.now = min(Instant(self.books.now + offset), end)
            at_any_instants.settle()
        for books in (late, at_each_instant, at_any_instants, in_pieces):
            books.now = end
            books.settle(most=1 if books is in_pieces else None)
        while not in_pieces.wallet.is_settled(end):
            in_pieces.settle(most=1)
        assert _essence(late) == _essence(at_each_instant)
        assert _essence(late) == _essence(at_any_instants)
        assert _essence(late) == _essence(in_pieces)
        self.books = (late, at_each_instant, at_any_instants, in_pieces)[len(sweeps)]
        assert self.books.wallet.next_expire_time == invariants.first_expiry(self.books)
        self._follow()

    # ------------------------------------------------------------------------------------------ what must be true

    @invariant()
    def the_books_are_in_order(self) -> None:
        """Check the six invariants."""
        invariants.check(self.books, self.opening)

    @invariant()
    def the_naive_model_agrees(self) -> None:
        """Check each grant, the holds and the debt."""
        held = [reservation.reservation_id for reservation in invariants.pending(self.books)]
        assert left(self.books.wallet) == self.tokens.left()
        assert self.books.wallet.reserved == self.tokens.held(held)
        assert self.books.wallet.debt == self.tokens.owed()

    # ------------------------------------------------------------------------------------------------- in between

    def _credits(self, amount: int | None) -> int | None:
        return None if amount is None else amount * self.unit

    def _settled_version(self, off: int | None) -> int | None:
        self.books.settle()
        self._follow()
        return None if off is None else self.books.wallet.version + off

    def _is_unlimited(self) -> bool:
        return self.books.wallet.account.has_unlimited_plan(self.books.now)

    def _may_spend(self, amount: int) -> bool:
        covered = self._is_unlimited() or self.books.wallet.available >= amount * self.unit
        return covered and self.books.wallet.account.status == AccountStatus.ACTIVE

    def _follow(self) -> None:
        for movement in self.books.movements[self.followed :]:
            self.tokens.follow(movement, unlimited=self._is_unlimited())
        self.followed = len(self.books.movements)

    def _attempt(self, act: Callable[[], T]) -> T | None:
        """Do it, or see that the refusal tells the truth and has changed nothing."""
        self.books.settle()
        self._follow()
        before = _essence(self.books)
        try:
            outcome = act()
        except Refusal as reason:
            refusal = reason
        else:
            self._follow()
            return outcome
        note(f"refused: {refusal}")
        assert _essence(self.books) == before
        assert is_true(refusal, self.books)
        return None


def _named(reservation: Reservation | None) -> MultipleResults[str] | str:
    return multiple() if reservation is None else reservation.reservation_id


def _essence(books: Books) -> object:
    """Return all that the books hold but when it was written down."""
    return (
        books.wallet._replace(update_time=START),
        books.grants,
        {name: reservation._replace(update_time=START) for name, reservation in books.reservations.items()},
        [entry._replace(create_time=START) for entry in books.entries],
    )


def test_no_story_breaks_an_invariant() -> None:
    run_state_machine_as_test(AnyStory, settings=settings.get_profile("short"))


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_no_story_breaks_an_invariant_in_a_long_search() -> None:
    run_state_machine_as_test(AnyStory, settings=settings.get_profile("long"))
