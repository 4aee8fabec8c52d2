"""Limits, without a server: what is counted, when it is refused, and what is given back (C7)."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditd.domain.account import new_account, with_limits
from creditd.domain.commands import Confirm, Deduct, Refund, Reserve
from creditd.domain.decide import decide
from creditd.domain.entry import Entry
from creditd.domain.errors import InvalidField, LimitExceeded
from creditd.domain.expiry import settle
from creditd.domain.fold import Fold, StoredCounts, StoredWallet
from creditd.domain.grants import Source
from creditd.domain.instant import SECOND, Instant
from creditd.domain.limits import DAY, EACH, HOUR, MAX_LIMITS, NOTHING, WHOLE, Count, Limit, Usage, are_counted, count
from creditd.domain.reservation import Reservation, ReservationState
from creditd.domain.wallet import Movement, Origin, Rules, Wallet
from tests.domain.wallets import purchased, wallet

pytestmark = pytest.mark.requirement("C7")

MIDNIGHT = Instant(20_000 * DAY)
PLENTY = 10**6
WHO = ["", "ann", "ben"]
ASKED = Origin("tests", "request")


def limited(*limits: Limit) -> Wallet:
    """Return a wallet with plenty of credits and with limits, of which nothing is used."""
    held = wallet(purchased(PLENTY))
    usage: Usage = dict.fromkeys(WHO, NOTHING)
    return held._replace(account=held.account._replace(limits=limits), usage=usage, update_time=MIDNIGHT)


def spend(held: Wallet, amount: int, now: int = 0, spender_id: str = "", rules: Rules = Rules()) -> Movement:  # noqa: B008
    """Deduct so many microseconds after midnight."""
    return decide(held, None, Deduct(ASKED, "r", amount, None, spender_id), Instant(MIDNIGHT + now), rules)


def on_spec(spender_id: str = WHOLE, **bounds: int) -> Limit:
    """Return a limit on the wallet of these tests."""
    return Limit("spec", spender_id, **bounds)


@pytest.mark.parametrize(
    ("limit", "amount", "which"),
    [
        (on_spec(least=3), 2, "LEAST_PER_MOVEMENT"),
        (on_spec(most=5), 6, "MOST_PER_MOVEMENT"),
        (on_spec(hourly=5), 6, "MOST_PER_HOUR"),
        (on_spec(daily=5), 6, "MOST_PER_DAY"),
        (on_spec("ann", daily=5), 6, "MOST_PER_DAY"),
        (on_spec(EACH, daily=5), 6, "MOST_PER_DAY"),
    ],
)
def test_one_more_is_refused_and_what_the_limit_says_is_not(limit: Limit, amount: int, which: str) -> None:
    step = 1 if which.startswith("LEAST") else -1
    spend(limited(limit), amount + step, spender_id="ann")
    with pytest.raises(LimitExceeded) as refused:
        spend(limited(limit), amount, spender_id="ann")
    assert refused.value.facts["which"] == which


def test_a_window_ends_exactly_with_the_clocks() -> None:
    held = spend(limited(on_spec(hourly=5, daily=8)), 5).wallet
    with pytest.raises(LimitExceeded) as refused:
        spend(held, 1, HOUR - 1)
    assert refused.value.facts["frees_time"].endswith("T01:00:00.000000Z")  # type: ignore[union-attr]
    assert refused.value.wait == 1
    held = spend(held, 3, HOUR).wallet
    with pytest.raises(LimitExceeded) as refused:
        spend(held, 1, DAY - 1)
    assert (refused.value.facts["which"], refused.value.wait) == ("MOST_PER_DAY", 1)
    spend(held, 5, DAY)


def test_an_accounts_own_limit_takes_the_place_of_the_default() -> None:
    rules = Rules(limits=(on_spec(daily=5), on_spec(EACH, most=2)))
    with pytest.raises(LimitExceeded):
        spend(limited(), 6, rules=rules)
    spend(limited(on_spec(most=7)), 7, rules=rules)
    with pytest.raises(LimitExceeded):
        spend(limited(on_spec(most=7)), 3, rules=rules, spender_id="ann")
    with pytest.raises(LimitExceeded):
        spend(limited(Limit("chat", WHOLE)), 6, rules=rules)


def test_only_a_window_has_to_be_counted() -> None:
    assert not are_counted((on_spec(least=1, most=2),), (), "spec")
    assert are_counted((on_spec("ann", hourly=2),), (), "spec")
    assert not are_counted((Limit("chat", WHOLE, daily=2),), (), "spec")
    assert are_counted((), (on_spec(daily=2),), "spec")
    assert not are_counted((on_spec(),), (on_spec(daily=2),), "spec")


def test_limits_that_make_no_sense_are_refused() -> None:
    account = new_account("alice", MIDNIGHT)
    for limits in (
        (on_spec(), on_spec()),
        (on_spec(least=2, most=1),),
        tuple(on_spec(f"s{number}") for number in range(MAX_LIMITS + 1)),
    ):
        with pytest.raises(InvalidField):
            with_limits(account, limits, MIDNIGHT)
    changed = with_limits(account, (on_spec("ben"), on_spec()), MIDNIGHT)
    assert (changed.version, changed.limits) == (2, (on_spec(), on_spec("ben")))


@dataclass
class Spent:
    """A reservation, and each amount that it counts, with when it was spent: the last one comes back first."""

    reservation: Reservation
    chunks: list[tuple[int, int]]

    def give_back(self, amount: int) -> None:
        """Take off what comes back, from the end."""
        while amount and self.chunks:
            time, last = self.chunks.pop()
            if last > amount:
                self.chunks.append((time, last - amount))
            amount -= min(amount, last)


@dataclass
class Story:
    """A wallet with limits, and beside it every amount that was spent."""

    wallet: Wallet
    now: Instant = MIDNIGHT
    spent: list[Spent] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    fold: Fold = field(default_factory=Fold)

    def used(self, scope: str, window: int) -> int:
        """Add up what was spent in the window of now, in the whole wallet or by a spender."""
        return sum(
            amount
            for one in self.spent
            if scope in {WHOLE, one.reservation.spender_id}
            for time, amount in one.chunks
            if time // window == self.now // window
        )

    def decide(self, command: Any, about: Reservation | None = None) -> Movement | None:
        """Decide a command; None if a limit refuses it, which then has to be true."""
        try:
            movement = decide(self.wallet, about, command, self.now, Rules())
        except LimitExceeded as refusal:
            facts = refusal.facts
            scope, limit, requested = str(facts.get("spender_id", WHOLE)), facts["limit"], facts["requested"]
            if "used" in facts:
                window = HOUR if facts["which"] == "MOST_PER_HOUR" else DAY
                assert facts["used"] == self.used(scope, window)
                assert self.used(scope, window) + int(requested) > int(limit)
            return None
        self.take_in(movement.wallet, movement.entry)
        return movement

    def take_in(self, after: Wallet, entry: Entry) -> None:
        """Go on from what was decided."""
        self.wallet = after
        self.fold.add(entry)

    def spend(self, amount: int, spender_id: str, minutes: int | None) -> None:
        """Reserve for so many minutes, or deduct."""
        command: Reserve | Deduct = Deduct(ASKED, f"r{len(self.spent)}", amount, None, spender_id)
        if minutes is not None:
            ttl = minutes * 60 * SECOND
            command = Reserve(ASKED, f"r{len(self.spent)}", amount, ttl=ttl, spender_id=spender_id)
        movement = self.decide(command)
        if movement and movement.reservation:
            self.spent.append(Spent(movement.reservation, [(self.now, amount)]))

    def confirm(self, one: Spent, amount: int) -> None:
        """Confirm less than was held, or more."""
        held = one.reservation
        movement = self.decide(Confirm(ASKED, held.reservation_id, amount, allow_excess=True), held)
        if movement and movement.reservation:
            one.reservation = movement.reservation
            if amount > held.amount:
                one.chunks.append((self.now, amount - held.amount))
            one.give_back(max(0, held.amount - amount))

    def refund(self, one: Spent, amount: int) -> None:
        """Refund what is pending whole, or part of what was confirmed."""
        held = one.reservation
        is_pending = held.state == ReservationState.PENDING
        back = held.amount if is_pending else min(amount, held.confirmed - held.refunded)
        if back:
            movement = self.decide(Refund(ASKED, held.reservation_id, None if is_pending else back), held)
            assert movement
            assert movement.reservation
            one.reservation = movement.reservation
            one.give_back(back)

    def pass_time(self, minutes: int) -> None:
        """Let time pass, and settle what has ended by then."""
        self.now = Instant(self.now + minutes * 60 * SECOND)
        pending = [one for one in self.spent if one.reservation.state == ReservationState.PENDING]
        due = sorted(
            (one.reservation for one in pending if (one.reservation.expire_time or 0) <= self.now),
            key=lambda held: (held.expire_time, held.reservation_id),
        )
        ends = [one.reservation.expire_time for one in pending if one.reservation not in due]
        settled = settle(self.wallet, due, min((end for end in ends if end), default=None), self.now, Rules())
        for expiration in settled.expirations:
            self.take_in(settled.wallet, expiration.entry)
            for one in self.spent:
                if expiration.reservation and one.reservation.reservation_id == expiration.reservation.reservation_id:
                    one.reservation = expiration.reservation
                    one.give_back(one.reservation.amount)

    def check(self, limits: dict[str, Limit]) -> None:
        """Find each count what was spent, and within its limit; the entries add up to it."""
        usage = self.wallet.usage or {}
        for scope in WHO:
            count = usage[scope].at(self.now)
            assert (count.in_hour, count.in_day) == (self.used(scope, HOUR), self.used(scope, DAY))
            limit = limits.get(scope) or limits.get(EACH if scope else WHOLE)
            if limit:
                assert count.in_hour <= (PLENTY if limit.hourly is None else limit.hourly)
                assert count.in_day <= (PLENTY if limit.daily is None else limit.daily)
            if scope in self.fold.usage:
                folded = self.fold.usage[scope].at(self.now)
                assert (folded.in_hour, folded.in_day) == (count.in_hour, count.in_day)


bounds = st.none() | st.integers(0, 30)
limit_sets = st.dictionaries(
    st.sampled_from(["", EACH, "ann"]),
    st.tuples(st.none() | st.integers(0, 3), st.none() | st.integers(3, 12), bounds, bounds),
    min_size=1,
)
steps = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "reserve", "deduct", "confirm", "refund", "time"]),
        st.integers(1, 12),
        st.sampled_from(WHO),
        st.integers(0, 9),
        st.sampled_from([1, 5, 29, 59, 60, 61, 400, 1_439, 1_440]),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(limit_sets, steps)
def test_used_is_what_was_spent_and_never_more_than_the_limit(
    chosen: dict[str, tuple[int | None, ...]], taken: list[tuple[str, int, str, int, int]]
) -> None:
    limits = {who: Limit("spec", who, *each) for who, each in chosen.items()}
    if not are_counted(tuple(limits.values()), (), "spec"):
        limits["ben"] = on_spec("ben", daily=20)
    story = Story(limited(*limits.values()))
    for what, amount, who, which, minutes in taken:
        one = story.spent[which % len(story.spent)] if story.spent else None
        if what == "time":
            story.pass_time(minutes)
        elif what in {"reserve", "deduct"}:
            story.spend(amount, who, min(minutes, 1_400) if what == "reserve" else None)
        elif one and what == "confirm" and one.reservation.state == ReservationState.PENDING:
            story.confirm(one, amount)
        elif one and what == "refund" and one.reservation.state <= ReservationState.CONFIRMED:
            story.refund(one, amount)
        story.check(limits)


def counts_about(instant: Instant) -> st.SearchStrategy[Count]:
    """Return counts of windows about an instant, as a row may hold them: an hour is part of its day."""
    hours = st.sampled_from([Instant(instant + offset * HOUR) for offset in (-25, -1, 0, 1, 24)])
    figures = st.tuples(hours, st.integers(0, 20), st.integers(0, 20))
    return figures.map(lambda one: Count(one[0], one[1], Instant(one[0] - one[0] % DAY), one[1] + one[2]))


NOON = Instant(MIDNIGHT + 12 * HOUR)


@given(counts_about(NOON), counts_about(NOON), st.none() | counts_about(NOON), st.integers(-50, 50))
def test_no_count_gives_back_more_than_it_has_whatever_was_lost(
    whole: Count, ann: Count, part: Count | None, amount: int
) -> None:
    """A count may be below the parts of its reservations: its row was pruned by a clock that was ahead, or lost."""
    usage = {WHOLE: whole, "ann": ann}
    counted = count(usage, "ann", part, amount, NOON)
    for one in (*counted.usage.values(), counted.part):
        assert 0 <= one.in_hour <= one.in_day, one
    assert counted.usage == {
        who: one.at(NOON).plus(counted.hour_delta, counted.day_delta) for who, one in usage.items()
    }
    assert min(amount, 0) <= counted.day_delta <= counted.hour_delta <= max(amount, 0)


TODAY = Instant(MIDNIGHT - MIDNIGHT % DAY)


def differences(stored: StoredCounts) -> set[str]:
    """Return the figures of counts that differ from those of one Deduct of 5 by ann at midnight."""
    movement = spend(limited(on_spec(daily=9)), 5, spender_id="ann")
    fold = Fold()
    fold.add(movement.entry._replace(version=1, available_after=0, available_delta=0))
    wallet = StoredWallet(1, 0, 0, 0, {Source.PURCHASED: -5}, 0, counts=stored)
    return {one.field for one in fold.compare(wallet) if one.field.startswith("counts.")}


FIVE = Count(MIDNIGHT, 5, TODAY, 5)
KEPT: Usage = {WHOLE: FIVE, "ann": FIVE}
BOTH = {"counts..day", "counts..hour"}
OF_ANN = {"counts.ann.day", "counts.ann.hour"}


@pytest.mark.parametrize(
    ("usage", "found"),
    [
        (KEPT, set()),
        ({**KEPT, "ann": FIVE.plus(1, 1)}, OF_ANN),
        ({**KEPT, WHOLE: FIVE.plus(0, -1)}, {"counts..day"}),
        ({**KEPT, "ben": Count(MIDNIGHT, 0, TODAY, 4)}, {"counts.ben.day"}),
        ({**KEPT, "ann": FIVE._replace(hour=Instant(MIDNIGHT + HOUR))}, {"counts.ann.hour"}),
        # In a later hour nothing but what was given back to an earlier one has happened.
        ({**KEPT, "ann": Count(Instant(MIDNIGHT + HOUR), 0, TODAY, 5)}, set()),
        ({**KEPT, "ann": FIVE._replace(hour=Instant(MIDNIGHT - HOUR))}, {"counts.ann.hour"}),
        # Lost, one or all.
        ({WHOLE: FIVE}, OF_ANN),
        ({}, BOTH | OF_ANN),
        ({**KEPT, WHOLE: FIVE._replace(day=Instant(TODAY - DAY))}, BOTH),
        ({**KEPT, WHOLE: FIVE._replace(day=Instant(TODAY + DAY))}, {"counts..day_start"}),
        # Of a day before, of somebody who has not spent since.
        ({**KEPT, "ben": Count(Instant(MIDNIGHT - HOUR), 4, Instant(TODAY - DAY), 4)}, set()),
    ],
)
def test_a_count_that_differs_from_the_entries_is_found(usage: Usage, found: set[str]) -> None:
    assert differences(StoredCounts(usage, TODAY)) == found


@pytest.mark.parametrize("usage", [KEPT, {}, {WHOLE: FIVE}, {"ann": FIVE}])
def test_counts_of_a_day_that_is_over_may_be_gone_one_by_one(usage: Usage) -> None:
    assert differences(StoredCounts(usage, Instant(TODAY + DAY))) == set()


def test_what_is_counted_today_has_entries_of_today() -> None:
    tomorrow = Instant(TODAY + DAY)
    forged = {"ann": Count(tomorrow, 0, tomorrow, 4)}
    assert differences(StoredCounts({**KEPT, **forged}, tomorrow)) == {"counts.ann.day"}


def test_only_those_that_were_asked_for_are_missed() -> None:
    assert differences(StoredCounts({}, TODAY, last=WHOLE)) == BOTH
    assert differences(StoredCounts({}, TODAY, after=WHOLE)) == OF_ANN
    assert differences(StoredCounts({}, TODAY, after="ann")) == set()
    assert differences(StoredCounts({}, TODAY, after=WHOLE, last="al")) == set()
