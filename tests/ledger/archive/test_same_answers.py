"""Whenever a wallet is archived, it goes on as one that is not, to the last credit (requirements A6, D7)."""

from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creditd.domain import errors
from creditd.domain.commands import Add, Clawback, Remove
from creditd.domain.entry import EntryKind
from creditd.domain.errors import Refusal
from creditd.domain.grants import Source
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation
from creditd.ledger.archive.archiver import DAY
from creditd.ledger.ids import uuid7
from creditd.storage.historical_balances import HistoricalBalance, balances_after, versions_at
from creditd.storage.statements import stretch
from tests.support.archiving import age, broken_files, differences, filed, move_all, stored
from tests.support.desk import Desk
from tests.support.sealing import ledgers
from tests.support.works import add, confirm, deduct, origin, refund, reservation_of, reserve, work

pytestmark = pytest.mark.requirement("D7", "A6")

EXAMPLES = count()

AMOUNTS = st.integers(1, 60)
ACTS = st.one_of(
    st.tuples(st.sampled_from(["reserve", "deduct", "confirm", "refund", "wait"]), AMOUNTS),
    st.tuples(st.sampled_from(["add", "lend", "remove", "claw back"]), AMOUNTS),
    st.tuples(st.just("archive"), st.just(0)),
)


class Life:
    """One account's life; its twin lives the same one and is never archived."""

    def __init__(self, desk: Desk, account: str) -> None:
        self.desk = desk
        self.account = account
        self.held: list[Reservation] = []
        self.bought: list[str] = []

    def do(self, act: str, amount: int) -> tuple[int, int] | str:
        """Do it; return what is available and reserved afterwards, or why it was refused."""
        try:
            return self._do(act, amount)
        except Refusal as refusal:
            return refusal.reason

    def _do(self, act: str, amount: int) -> tuple[int, int] | str:
        if act == "add":
            outcome = self.desk.do(add(self.account, amount))
            self.bought += [part.grant_id for part in outcome.entries[-1].slices]
        elif act == "lend":
            end = Instant(self.desk.clock.now() + amount * DAY)
            lent = Add(origin(None), EntryKind.PROMO, uuid7(), Source.PROMO, amount, end)
            outcome = self.desk.do(work(self.account, lent))
        elif act == "remove":
            outcome = self.desk.do(work(self.account, Remove(origin(None), amount)))
        elif act == "claw back":
            of_them = (self.bought[amount % len(self.bought)],)
            outcome = self.desk.do(work(self.account, Clawback(origin(None), of_them, amount)))
        elif act == "deduct":
            outcome = self.desk.do(deduct(self.account, amount))
            self.held.append(reservation_of(outcome))
        elif act == "reserve":
            outcome = self.desk.do(reserve(self.account, amount))
            self.held.append(reservation_of(outcome))
        elif not self.held:
            return ""
        else:
            of = self.held[amount % len(self.held)]
            outcome = self.desk.do(confirm(of) if act == "confirm" else refund(of, None))
        entry = outcome.entries[-1]
        return entry.available_after, entry.reserved_after

    def balance_after(self, version: int) -> HistoricalBalance | None:
        """Return the balance right after a version, without its time."""
        with self.desk.database.listing() as connection:
            found = balances_after(connection, self.account, {"chat": version}, self.desk.clock.now()).get("chat")
        return found and found._replace(update_time=None)

    def version_at(self, instant: Instant, newest: int) -> int | None:
        """Return the version that counts at an instant; None if it was archived."""
        try:
            with self.desk.database.listing() as connection:
                return versions_at(connection, self.account, {"chat": newest}, instant, 1_000)["chat"]
        except errors.EntriesArchived:
            return None


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, min_size=6, max_size=24))
def test_an_archived_account_and_its_twin_have_the_same_balances_and_later_answers(
    desk: Desk, acts: list[tuple[str, int]]
) -> None:
    number = next(EXAMPLES)
    one, twin = Life(desk, f"one-{number}"), Life(desk, f"twin-{number}")
    instants: list[Instant] = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        for act, amount in [("add", 500), *acts, ("archive", 0), ("deduct", 1)]:
            if act == "wait":
                desk.clock.advance(amount * 86_400)
            elif act == "archive":
                age(desk)
                move_all(desk, folder, one.account)
            else:
                assert one.do(act, amount) == twin.do(act, amount)
            instants.append(desk.clock.now())
        for life in (one, twin):
            assert (differences(desk, life.account), ledgers(desk, life.account)) == ([], [])
        assert broken_files(desk, folder, one.account) == []
        there, whole, archived = stored(desk, one.account), stored(desk, twin.account), filed(folder, one.account)
        assert archived == list(range(1, len(archived) + 1))
        assert sorted({*there, *archived}) == whole
        last = archived[-1] if archived else 1
        with desk.database.listing() as connection:
            rows = [stretch(connection, who.account, "chat", last, whole[-1], 1_000) for who in (one, twin)]
        assert [row.version for row in rows[0]] == [row.version for row in rows[1]]
        for version in range(last, whole[-1] + 1):
            assert one.balance_after(version) == twin.balance_after(version)
        for instant in instants:
            told, true = one.version_at(instant, whole[-1]), twin.version_at(instant, whole[-1])
            # What ended by itself before it was written: whether it was the last one is told by those before it.
            assert told == true or (told is None and true is not None and true <= last)
