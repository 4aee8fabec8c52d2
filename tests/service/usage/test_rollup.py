"""The rollup of usage: exact at any point, bounded rounds, any number of servers (C4, C5)."""

import asyncio
from collections import Counter
from datetime import datetime
from threading import Event, Thread
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit.v1 import usage_pb2
from creditd.domain.commands import Clawback, Remove, Restore, WriteOff
from creditd.domain.errors import Refusal
from creditd.domain.instant import SECOND, Instant
from creditd.domain.usage.usage_errors import UsageBehind
from creditd.domain.usage.usage_periods import RankingSpan, span_of
from creditd.ledger.ids import uuid7
from creditd.server.handlers.usage_handlers import write_figures
from creditd.service.usage import usage, usage_rollup
from creditd.service.usage.usage import Figures, TypeUsage
from creditd.service.usage.usage_rebuild import UsageRebuild
from creditd.service.usage.usage_rollup import LATENESS, RollupRounds
from creditd.storage.usage import usage_rollups
from creditd.storage.usage.usage_contributions import Dimension
from tests.service.usage.analytics import ZONE, analytics, periods
from tests.support.databases import migrated_database
from tests.support.desk import Desk, desk_at
from tests.support.statements import statements_of
from tests.support.usage_rolling import LABEL, positions, reports_at, roll_all, roller_at
from tests.support.usage_sums import FIELDS, balance_of_all, figures_by_day, used_by
from tests.support.works import add, confirm, deduct, origin, refund, reservation_of, reserve, work

pytestmark = pytest.mark.requirement("C4", "C5")

ACCOUNTS = ("ann", "bob", "eve")


def summary(desk: Desk, account: str, zone: str = ZONE) -> TypeUsage | None:
    """Return an account's usage of chat credits."""
    found = asyncio.run(reports_at(desk).summary(account, ["chat"], periods(desk, zone)))
    return found.types[0] if found.types else None


def by_day(desk: Desk, figures: list[Figures], zone: str = ZONE) -> dict[str, dict[str, int]]:
    """Return by day what is not 0, as an answer shows it."""
    found = {}
    for period, of_point in zip(periods(desk, zone), figures, strict=True):
        message = usage_pb2.UsageFigures()
        write_figures(message, of_point)
        shown = {name: getattr(message, name) for name in FIELDS if getattr(message, name)}
        if shown:
            day = datetime.fromtimestamp(period.start / SECOND, ZoneInfo(zone))
            found[day.strftime("%Y-%m-%d")] = shown
    return found


def require_equal(desk: Desk) -> None:
    """Hold what is told of each account and of all against plain SQL over the ledger."""
    first = datetime.fromtimestamp(periods(desk)[0].start / SECOND, ZoneInfo(ZONE)).strftime("%Y-%m-%d")
    for account in ACCOUNTS:
        found = summary(desk, account)
        expected = figures_by_day(desk.url, "chat", ZONE, account)
        assert by_day(desk, found.points if found else [{}] * len(periods(desk))) == expected
        parts = {part.value: (part.used, part.covered) for part in found.parts} if found else {}
        assert parts == used_by(desk.url, "chat", "spender_id", account)
    everybody = analytics(desk)
    expected = {day: one for day, one in figures_by_day(desk.url, "chat", ZONE).items() if day >= first}
    assert by_day(desk, everybody.points) == expected
    assert tuple(everybody.balance) == balance_of_all(desk.url, "chat")
    month = span_of(Instant(periods(desk)[-1].end - 1), RankingSpan.MONTH)
    ranked = used_by(desk.url, "chat", "account_id", micros=month)
    top = [(part.value, (part.used, part.covered)) for part in everybody.top if part.dimension == Dimension.ACCOUNT]
    assert top == sorted(ranked.items(), key=lambda one: (-sum(one[1]), one[0]))


def attempt(desk: Desk, step: tuple[str, str, int], held: list[Any]) -> None:
    """Do a step; a refusal changes nothing."""
    name, account, amount = step
    makes: dict[str, Any] = {
        "add": lambda: add(account, amount),
        "deduct": lambda: deduct(account, amount, spender_id="one" if amount % 2 else "two"),
        "reserve": lambda: reserve(account, amount, spender_id="one"),
        "confirm": lambda: confirm(held.pop(amount % len(held)), None),
        "refund": lambda: refund(held[amount % len(held)], None if amount % 3 else 1),
        "claw back": lambda: work(account, Clawback(origin(None), (), amount)),
        "restore": lambda: work(account, Restore(origin(None), uuid7(), amount)),
        "remove": lambda: work(account, Remove(origin(None), amount)),
        "write off": lambda: work(account, WriteOff(origin(None), None)),
    }
    if name in ("confirm", "refund") and not held:
        return
    try:
        outcome = desk.do(makes[name]())
    except Refusal:
        return
    if name in ("reserve", "deduct", "confirm"):
        held.append(reservation_of(outcome))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [*["add", "deduct", "reserve", "confirm", "refund"] * 2, "claw back", "restore", "remove", "write off"]
        ),
        st.sampled_from(ACCOUNTS),
        st.integers(1, 30),
    ),
    max_size=12,
)
HISTORIES = st.lists(st.tuples(STEPS, st.sampled_from([0, 60, 900, 40_000, 90_000]), st.booleans()), max_size=5)


@pytest.mark.timeout(300)
def test_any_history_is_told_as_plain_sql_adds_it_up_rolled_up_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds come at any moment, are made by two servers in turn, and are too small for what there is."""
    monkeypatch.setattr(usage_rollup, "ENTRIES_AT_A_TIME", 7)
    monkeypatch.setattr(usage_rollup, "STRETCH_ENTRIES", 3)
    monkeypatch.setattr(usage_rollup, "WALLETS_BESIDE", 2)
    monkeypatch.setattr(usage_rollup, "SUMMED_AT", 3)
    monkeypatch.setattr(usage_rollup, "SUMMED_AT_A_TIME", 5)

    with migrated_database() as url, desk_at(url) as desk, desk_at(url) as other:
        rollers = roller_at(desk), roller_at(other)
        held: list[Any] = []

        @settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
        @given(HISTORIES)
        def told(history: list[tuple[list[tuple[str, str, int]], int, bool]]) -> None:
            for steps, seconds, is_first in history:
                for step in steps:
                    attempt(desk, step, held)
                for one in (desk, other):
                    one.clock.advance(seconds)
                rollers[is_first].roll_up_once()
            require_equal(desk)

        told()
        roll_all(rollers[0])
        require_equal(desk)


def test_a_round_is_bounded_and_the_next_goes_on_where_it_ended(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_rollup, "ENTRIES_AT_A_TIME", 4)
    monkeypatch.setattr(usage_rollup, "STRETCH_ENTRIES", 2)
    for account in ACCOUNTS:
        desk.do(add(account, 100))
        for _ in range(3):
            desk.do(deduct(account, 1))
    roller, seen = roller_at(desk), list[int]()
    with statements_of(desk.database) as statements:
        while roller.roll_up_once():
            seen.append(sum(positions(desk).values()))
    assert max(after - before for before, after in zip([0, *seen], seen, strict=False)) <= 4
    assert positions(desk) == {(account, "chat"): 4 for account in ACCOUNTS}
    assert len(statements) <= 11 * (len(seen) + 1)
    require_equal(desk)


def test_a_movement_of_many_grants_has_a_round_for_itself(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_rollup, "WEIGHT_AT_A_TIME", 3)
    for _ in range(5):
        desk.do(add("ann", 1))
    desk.do(deduct("ann", 5))
    assert roll_all(roller_at(desk)) >= 3
    require_equal(desk)


def test_two_servers_at_once_add_nothing_twice(desk: Desk) -> None:
    """Whoever has the row goes on; the other one leaves it."""
    for account in ACCOUNTS:
        desk.do(add(account, 100))
    is_over = Event()

    def roll(one: Desk) -> None:
        while not is_over.is_set():
            roller_at(one).roll_up_once()

    with desk_at(desk.url) as second, desk_at(desk.url) as third:
        threads = [Thread(target=roll, args=(one,)) for one in (second, third)]
        for thread in threads:
            thread.start()
        for number in range(60):
            desk.do(deduct(ACCOUNTS[number % 3], 1))
            if number % 20 == 0:
                require_equal(desk)
        is_over.set()
        for thread in threads:
            thread.join()
    roll_all(roller_at(desk))
    require_equal(desk)


def test_a_round_that_is_cut_short_has_done_nothing(desk: Desk) -> None:
    desk.do(add("ann", 100))
    desk.do(deduct("ann", 1))
    with desk.database.connection() as connection:
        rollup = usage_rollups.take_turn(connection, usage_rollups.SERVED)
        assert rollup is not None
        wallets = usage_rollups.wallets_after(connection, rollup.edition, usage_rollup.BEGINNING, 10)
        assert usage_rollups.add_up(connection, rollup.edition, "", wallets, 100)
        connection.rollback()
    assert positions(desk) == {}
    roll_all(roller_at(desk))
    require_equal(desk)


def test_while_one_adds_up_another_leaves_it(desk: Desk) -> None:
    desk.do(add("ann", 100))
    with desk.database.transaction() as connection:
        assert usage_rollups.take_turn(connection, usage_rollups.SERVED)
        made = RollupRounds(desk.database, desk.clock, LABEL).roll_up()
        assert (made.is_ours, made.entries, made.has_more) == (False, 0, False)


_LATE = """
INSERT INTO accounts SELECT 'bob', version, status, unlimited, unlimited_until, create_time, update_time FROM accounts
WHERE account_id = 'ann';
INSERT INTO wallets SELECT 'bob', credit_type, base_version, version, available, reserved, debt, next_expire_time,
    account_version, update_time FROM wallets WHERE account_id = 'ann';
INSERT INTO entries (account_id, credit_type, version, kind, amount, available_delta, reserved_delta, debt_delta,
    available_after, reserved_after, debt_after, slices, request_id, ordinal, fingerprint, actor, reason, create_time)
SELECT 'bob', credit_type, version, kind, amount, available_delta, reserved_delta, debt_delta, available_after,
    reserved_after, debt_after, slices, request_id, ordinal, fingerprint, actor, reason, create_time
FROM entries WHERE account_id = 'ann'
"""


def test_what_is_committed_late_is_found(desk: Desk) -> None:
    """All was added up meanwhile, so that its entry is older than others that were; its wallet moves no more."""
    desk.do(add("ann", 100))
    with psycopg.connect(desk.url) as late:
        for statement in _LATE.split(";\n"):
            late.execute(statement.encode())
        desk.clock.advance(LATENESS / SECOND - 5)
        roll_all(roller_at(desk))
        assert positions(desk) == {("ann", "chat"): 1}
    require_equal(desk)
    roll_all(roller_at(desk))
    assert positions(desk)["bob", "chat"] == 1
    require_equal(desk)


def test_a_look_at_the_newest_is_not_taken_for_one_at_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was committed 80 seconds late is older than what most rounds look at, and the pass is elsewhere."""
    monkeypatch.setattr(usage_rollup, "WALLETS_BESIDE", 1)
    desk.do(add("ann", 100))
    roll_all(roller_at(desk))
    with psycopg.connect(desk.url) as late:
        for statement in _LATE.split(";\n"):
            late.execute(statement.encode())
        desk.clock.advance(80)
        roller_at(desk).roll_up_once()
        late.execute("UPDATE usage_editions SET after_account = 'z'")
    for seconds in (8, 4):
        desk.clock.advance(seconds)
        roller_at(desk).roll_up_once()
        require_equal(desk)
    assert positions(desk)["bob", "chat"] == 1


def test_sums_grow_from_round_to_round_by_what_is_new(desk: Desk) -> None:
    desk.do(add("ann", 100))
    for _ in range(3):
        desk.do(deduct("ann", 1, spender_id="one"))
        for _ in range(2):
            roller_at(desk).roll_up_once()
        require_equal(desk)


def test_what_there_was_no_room_for_is_not_taken_for_added_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it is older than what is committed late may be."""
    monkeypatch.setattr(usage_rollup, "WALLETS_BESIDE", 1)
    roll_all(roller_at(desk))
    for account in ACCOUNTS:
        desk.do(add(account, 100))
        for _ in range(5):
            desk.do(deduct(account, 1))
    desk.clock.advance(3 * LATENESS / SECOND)
    monkeypatch.setattr(usage_rollup, "ENTRIES_AT_A_TIME", 4)
    roller_at(desk).roll_up_once()
    assert sum(positions(desk).values()) == 4
    require_equal(desk)


def test_a_pass_leaves_out_no_wallet_for_which_there_was_no_room(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_rollup, "ENTRIES_AT_A_TIME", 2)
    for account in ACCOUNTS:
        desk.do(add(account, 100))
        for _ in range(3):
            desk.do(deduct(account, 1))
    desk.clock.advance(86_400)
    roll_all(roller_at(desk))
    assert positions(desk) == {(account, "chat"): 4 for account in ACCOUNTS}
    require_equal(desk)


def test_after_servers_were_away_for_long_a_read_adds_up_first(desk: Desk) -> None:
    desk.do(add("ann", 100))
    roll_all(roller_at(desk))
    desk.do(deduct("ann", 1))
    desk.clock.advance(86_400)
    require_equal(desk)


def test_too_many_entries_to_be_read_are_added_up_first_or_the_read_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "MOST_TAIL", 3)
    monkeypatch.setattr(usage_rollup, "SUMMED_AT", 1)
    desk.do(add("ann", 100))
    for _ in range(6):
        desk.do(deduct("ann", 1))
    require_equal(desk)
    for _ in range(6):
        desk.do(deduct("ann", 1))
    with desk.database.transaction() as connection:
        assert usage_rollups.take_turn(connection, usage_rollups.SERVED)
        for ask in (lambda: summary(desk, "ann"), lambda: analytics(desk)):
            with pytest.raises(UsageBehind):
                ask()
    require_equal(desk)


def test_more_new_entries_than_a_read_looks_at_are_not_read_by_a_round_either(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "MOST_NEW", 6)
    desk.do(add("ann", 100))
    for _ in range(5):
        desk.do(deduct("ann", 1))
    require_equal(desk)
    desk.do(deduct("ann", 1))
    rounds = roller_at(desk)
    roll_all(rounds)
    # All of it is added up by now. It is new all the same: something late may still come in beside it.
    with pytest.raises(UsageBehind):
        analytics(desk)
    assert summary(desk, "ann")
    desk.clock.advance((usage_rollup.LATENESS + usage_rollup.WHOLE_LOOK) / SECOND + 1)
    roll_all(rounds)
    require_equal(desk)


def test_where_too_much_is_new_wallets_are_come_by_in_the_order_of_their_keys(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.do(add("ann", 100))
    rounds = roller_at(desk)
    roll_all(rounds)
    monkeypatch.setattr(usage_rollup, "MOST_LOOKED_AT", 2)
    monkeypatch.setattr(usage_rollup, "WALLETS_AT_A_TIME", 1)
    desk.clock.advance(200)
    for account in ("ann", "bob", "cid"):
        desk.do(add(account, 10))
        desk.do(deduct(account, 1))
    rounds.roll_up_once()
    assert positions(desk) == {("ann", "chat"): 3}
    assert rounds.lag_seconds > 100
    for _ in range(3):
        rounds.roll_up_once()
    assert positions(desk) == {("ann", "chat"): 3, ("bob", "chat"): 2, ("cid", "chat"): 2}
    assert rounds.lag_seconds < 1
    require_equal(desk)


def summed(desk: Desk) -> dict[str, int]:
    """Return up to which version each account's own sums have its chat credits."""
    with desk.database.autocommit() as connection:
        return dict(map(tuple, connection.exec_driver_sql("SELECT account_id, summed FROM usage_positions")))


def test_an_account_s_own_sums_wait_until_enough_was_added_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_rollup, "SUMMED_AT", 4)
    desk.do(add("ann", 100))
    desk.do(add("bob", 100))
    for count in range(1, 9):
        desk.do(deduct("ann", 1, spender_id="one"))
        roll_all(roller_at(desk))
        assert summed(desk) == {"ann": 4 * ((count + 1) // 4), "bob": 0}
        require_equal(desk)


def test_sums_for_which_there_was_no_room_are_made_up_for_before_the_rounds_rest(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they are in mind, or the pass over all wallets finds them again."""
    monkeypatch.setattr(usage_rollup, "SUMMED_AT", 3)
    monkeypatch.setattr(usage_rollup, "SUMMED_AT_A_TIME", 4)
    monkeypatch.setattr(usage_rollup, "WALLETS_BESIDE", 1)
    roll_all(roller_at(desk))
    for account in ACCOUNTS:
        desk.do(add(account, 100))
        for _ in range(5):
            desk.do(deduct(account, 1))
    roller = roller_at(desk)
    assert roller.roll_up_once()
    assert sum(summed(desk).values()) == 4
    require_equal(desk)
    roll_all(roller)
    assert all(one > 3 for one in summed(desk).values())
    require_equal(desk)


def test_lag_is_how_long_ago_all_was_added_up(desk: Desk) -> None:
    roller = roller_at(desk)
    assert roller.lag_seconds != roller.lag_seconds
    roll_all(roller)
    assert roller.lag_seconds < 1
    desk.clock.advance(30)
    assert 30 <= roller.lag_seconds < 31
    roll_all(roller)
    assert roller.lag_seconds < 1


def rebuild(desk: Desk, label: str = LABEL, steps: int | None = None) -> UsageRebuild:
    """Rebuild, or make so many steps of it."""
    one = UsageRebuild(desk.database, desk.clock, label)
    one.begin()
    for number, _ in enumerate(one.steps(), 1):
        if number == steps:
            break
    return one


def editions(desk: Desk) -> Counter[int]:
    """Return how many rows there are of each edition, in all tables."""
    tables = "usage_positions", "usage_sums", "usage_parts", "usage_totals", "usage_ranks", "usage_editions"
    found: Counter[int] = Counter()
    with desk.database.autocommit() as connection:
        for table in tables:
            found.update(connection.exec_driver_sql(f"SELECT edition FROM {table}").scalars())  # noqa: S608
    return found


def test_a_rebuild_takes_the_place_of_what_was_damaged_and_leaves_nothing_behind(desk: Desk) -> None:
    for account in ACCOUNTS:
        desk.do(add(account, 100))
        desk.do(deduct(account, 1, spender_id="one"))
    roll_all(roller_at(desk))
    with psycopg.connect(desk.url) as connection:
        connection.execute("UPDATE usage_sums SET amount = amount + 1")
        connection.execute("UPDATE usage_totals SET amount = amount + 1")
    made = rebuild(desk)
    assert made.entries == 6
    assert editions(desk).keys() == {2}
    require_equal(desk)


def test_a_rebuild_that_was_interrupted_goes_on_while_servers_serve(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_rollup, "WALLETS_AT_A_TIME", 1)
    for account in ACCOUNTS:
        desk.do(add(account, 100))
    roll_all(roller_at(desk))
    for _ in range(2):
        rebuild(desk, steps=1)
        desk.do(deduct("ann", 1))
        require_equal(desk)
        roll_all(roller_at(desk))
        require_equal(desk)
    rebuild(desk)
    assert editions(desk).keys() == {2}
    assert positions(desk).keys() == {(account, "chat") for account in ACCOUNTS}
    desk.do(deduct("eve", 1))
    require_equal(desk)


def test_a_rebuild_that_took_long_is_served_when_it_has_what_came_in_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its readers would have to make up for it."""
    monkeypatch.setattr(usage_rollup, "WALLETS_AT_A_TIME", 1)
    for account in ACCOUNTS:
        desk.do(add(account, 100))
    roll_all(roller_at(desk))
    one = UsageRebuild(desk.database, desk.clock, LABEL)
    one.begin()
    for number, _ in enumerate(one.steps()):
        if number == 1:
            desk.do(deduct("ann", 1))
            desk.clock.advance(usage_rollup.MOST_BEHIND / SECOND + 60)
    assert positions(desk)["ann", "chat"] == 2
    with desk.database.transaction() as connection:
        assert usage_rollups.take_turn(connection, usage_rollups.SERVED)
        require_equal(desk)


def test_a_new_label_counts_after_a_rebuild(desk: Desk) -> None:
    desk.do(add("ann", 100))
    desk.do(deduct("ann", 1))
    roll_all(roller_at(desk, ""))
    roll_all(roller_at(desk, "model"))
    asked = reports_at(desk).summary("ann", ["chat"], periods(desk))
    assert asyncio.run(asked).label == ""
    rebuild(desk, "other", steps=1)
    rebuild(desk, "model")
    asked = reports_at(desk).summary("ann", ["chat"], periods(desk))
    assert asyncio.run(asked).label == "model"
    assert editions(desk).keys() == {3}


def test_a_sum_beyond_the_largest_int64_is_shown_as_that(desk: Desk) -> None:
    most = 2**63 - 1
    for account in ACCOUNTS:
        desk.do(add(account, most))
        desk.do(deduct(account, most))
    for _ in range(2):
        everybody = analytics(desk)
        (shown,) = by_day(desk, everybody.points).values()
        assert (shown["spent"], shown["purchased"]) == (most, most)
        assert [part.used for part in everybody.top] == [most] * 3
        roll_all(roller_at(desk))
