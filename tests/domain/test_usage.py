"""What each kind of entry adds to usage: the table, and that it accounts for every credit of any story (C4, C5)."""

from collections import Counter
from itertools import chain

import pytest
from hypothesis import given, settings

from creditd.domain.account import AccountStatus
from creditd.domain.entry import Entry, EntryKind
from creditd.domain.grants import Source
from creditd.domain.usage.usage import OWED, PARTS, USED, WORTH, Contribution, Measure, contributions
from creditd.domain.wallet import Wallet
from tests.domain.books import WalletBooks
from tests.domain.chapters import Step, chapters, openings, tell
from tests.domain.story import Opening
from tests.domain.wallets import after, wallet, with_plan

pytestmark = pytest.mark.requirement("C4", "C5")

FREE, BOUGHT = Source.FREE, Source.PURCHASED


def added(entries: list[Entry]) -> Counter[tuple[Measure, int]]:
    """Return what entries add, by measure and source."""
    found: Counter[tuple[Measure, int]] = Counter()
    for entry in entries:
        for measure, source, amount in contributions(entry):
            found[measure, source] += amount
    return found


def net(figures: Counter[tuple[Measure, int]], signs: dict[Measure, int]) -> int:
    """Return what figures come to with the signs of their measures."""
    return sum(signs.get(measure, 0) * amount for (measure, _), amount in figures.items())


def worth(of: Wallet) -> int:
    """Return what a wallet is worth: its credits, those that are held included, less its debt."""
    return of.available + of.reserved - of.debt


def test_every_kind_is_in_the_table() -> None:
    assert PARTS.keys() == set(EntryKind)
    assert {part.measure for parts in PARTS.values() for part in parts} == set(Measure)


@settings(settings.get_profile("short"), max_examples=10)
@given(opening=openings, chapters=chapters)
def test_what_came_in_less_what_went_is_what_is_there_in_any_story(
    opening: Opening, chapters: list[list[Step]]
) -> None:
    story = tell(opening, chain.from_iterable(chapters))
    before, after, figures = story.opening, story.books.wallet, added(story.books.entries)
    assert net(figures, dict(WORTH)) == worth(after) - worth(before)
    assert net(figures, dict(OWED)) == after.debt - before.debt
    assert net(figures, {Measure.HELD: 1}) == after.reserved - before.reserved
    assert all(amount > 0 for (measure, _), amount in figures.items() if measure != Measure.HELD)
    spent = sum(r.confirmed - r.refunded for r in story.books.reservations.values())
    covered = net(figures, {Measure.COVERED: 1, Measure.UNCOVERED: -1})
    assert net(figures, dict(USED)) + covered == spent


def books(*grants: tuple[Source, int], debt: int = 0) -> WalletBooks:
    """Return books that begin with grants, each by an entry."""
    found = WalletBooks(wallet(debt=debt))
    for source, amount in grants:
        found.add(amount, source)
    found.entries.clear()
    return found


def test_a_hold_is_not_used_whether_it_is_given_back_or_ends_by_itself() -> None:
    one = books((FREE, 10))
    held = one.reserve(7)
    assert added(one.entries) == {(Measure.HELD, 0): 7}
    one.refund(held)
    one.reserve(5, ttl=5)
    one.wait(6)
    one.settle()
    assert added(one.entries) == {(Measure.HELD, 0): 0}
    assert [entry.kind for entry in one.entries][-1] == EntryKind.RELEASE


def test_a_refund_lowers_what_is_used_by_source_and_part_by_part() -> None:
    one = books((FREE, 3), (BOUGHT, 10))
    spent = one.confirm(one.reserve(8), 6)
    assert added(one.entries) == {(Measure.SPENT, FREE): 3, (Measure.SPENT, BOUGHT): 3, (Measure.HELD, 0): 0}
    one.refund(spent, 4)
    figures = added(one.entries)
    assert (figures[Measure.REFUNDED, BOUGHT], figures[Measure.REFUNDED, FREE]) == (3, 1)
    assert net(figures, dict(USED)) == 2


def test_what_a_plan_covers_is_covered_and_so_is_what_is_given_back_of_it() -> None:
    one = books((BOUGHT, 10))
    one.wallet = with_plan(one.wallet)
    spent = one.deduct(6)
    one.refund(spent, 2)
    assert added(one.entries) == {(Measure.COVERED, 0): 6, (Measure.UNCOVERED, 0): 2}


def test_credits_that_expire_under_a_hold_expire_when_they_lapse() -> None:
    """The hold keeps them, then their grace does; nothing has expired before that is over."""
    one = WalletBooks(wallet())
    one.add(10, FREE, expires=after(5))
    held = one.reserve(10, ttl=10)
    one.wait(7)
    one.settle()
    one.refund(held)
    assert (Measure.EXPIRED, FREE) not in added(one.entries)
    one.wait(one.rules.grace + 1)
    one.settle()
    assert added(one.entries)[Measure.EXPIRED, FREE] == 10


def test_a_clawback_takes_what_is_there_and_the_rest_is_owed_until_it_is_paid_or_written_off() -> None:
    one = books((BOUGHT, 10))
    one.deduct(6)
    one.entries.clear()
    one.claw_back(9)
    assert added(one.entries) == {(Measure.CLAWED_BACK, BOUGHT): 4, (Measure.INDEBTED, 0): 5}
    one.entries.clear()
    one.add(3, BOUGHT)
    assert added(one.entries)[Measure.REPAID, 0] == 3
    one.entries.clear()
    one.write_off(1)
    assert added(one.entries) == {(Measure.WRITTEN_OFF, 0): 1}
    one.entries.clear()
    one.restore(4)
    assert added(one.entries) == {(Measure.RESTORED, BOUGHT): 4, (Measure.REPAID, 0): 1}


def test_a_contribution_names_what_it_adds_to() -> None:
    one = books((FREE, 3))
    one.deduct(2)
    assert contributions(one.entries[-1]) == [Contribution(Measure.SPENT, FREE, 2)]
    assert one.wallet.account.status == AccountStatus.ACTIVE
