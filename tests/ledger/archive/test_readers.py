"""Who reads old entries is told the same as before, or that they are archived; nothing is left out without a word."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from creditd.domain import errors
from creditd.domain.instant import Instant
from creditd.domain.usage.usage import Measure
from creditd.domain.usage.usage_periods import Period
from creditd.domain.wallet import WalletKey
from creditd.service import statements
from creditd.service.history import History
from creditd.service.statements import Position, StatementPeriod, Statements
from creditd.service.usage import usage_rollup
from creditd.service.usage.usage import TypeUsage
from creditd.storage import entries
from tests.support.archiving import age, move_all, restore_all, stored
from tests.support.desk import Desk
from tests.support.sealing import seal_all
from tests.support.usage_rolling import reports_at, roll_all, roller_at
from tests.support.works import add, add_of_each, confirm, deduct, reservation_of, reserve

pytestmark = pytest.mark.requirement("C3", "C4", "D7")


def live(desk: Desk, account: str) -> Instant:
    """Write thirteen entries; return when the first was made."""
    start = desk.clock.now()
    desk.do(add(account, 1_000))
    for _ in range(6):
        desk.do(confirm(reservation_of(desk.do(reserve(account, 5)))))
    return start


def usage_since(desk: Desk, account: str, start: Instant) -> TypeUsage:
    """Return what an account has used since an instant."""
    day = 86_400 * 1_000_000
    period = Period(Instant(start - start % day), Instant(desk.clock.now() + day))
    report = asyncio.run(reports_at(desk).summary(account, ["chat"], [period]))
    return report.types[0]


async def done_here(work: Callable[[], Any]) -> Any:
    """Do work of another thread's at once."""
    return work()


def spent(usage: TypeUsage) -> int:
    """Return what was spent in all, of any source."""
    return sum(amount for (measure, _), amount in usage.points[0].items() if measure == Measure.SPENT)


def test_a_statement_that_had_begun_is_refused_when_its_entries_go(
    desk: Desk, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though what was left of them would fill a piece."""
    monkeypatch.setattr(statements, "ROWS_AT_A_TIME", 3)
    live(desk, account)
    threads: Any = SimpleNamespace(verification=done_here)
    reader = Statements(desk.database, desk.clock, threads)
    position = asyncio.run(reader.begin(account, ["chat"], StatementPeriod(None, None)))

    def step(at: Position) -> tuple[list[int], Position]:
        return asyncio.run(reader.step(account, at, lambda piece: [row.version for row in piece.rows]))

    first, rest = step(position)
    assert first == [1, 2, 3]
    age(desk)
    move_all(desk, tmp_path, account)
    assert stored(desk, account) == [1, 6, 12, 13]
    for at in (position, rest):
        with pytest.raises(errors.EntriesArchived):
            step(at)
    (part,) = position.parts
    assert step(Position((part,), 12))[0] == [13]


def test_a_statement_of_several_wallets_is_refused_before_any_of_it_is_told(
    desk: Desk, account: str, tmp_path: Path
) -> None:
    """Also if the first of them is whole."""
    live(desk, account)
    desk.do(add_of_each(account, {"api": 5}))
    age(desk)
    move_all(desk, tmp_path, account)
    threads: Any = SimpleNamespace(verification=done_here)
    reader = Statements(desk.database, desk.clock, threads)
    with pytest.raises(errors.EntriesArchived):
        asyncio.run(reader.begin(account, ["api", "chat"], StatementPeriod(None, None)))


def test_usage_of_archived_times_is_told_and_what_there_was_then_is_not(
    desk: Desk, account: str, tmp_path: Path
) -> None:
    """By the sums, which have it."""
    start = live(desk, account)
    before = usage_since(desk, account, start)
    age(desk)
    desk.do(deduct(account, 3))
    move_all(desk, tmp_path, account)
    after = usage_since(desk, account, start)
    assert spent(after) == spent(before) + 3 == 33
    assert (before.opening is not None, after.opening) == (True, None)
    assert after.closing is not None
    assert after.closing.available == 1_000 - 30 - 3


def test_what_the_sums_of_an_account_do_not_have_stays(
    desk: Desk, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the sums of all accounts have it: a read adds it up from the ledger."""
    monkeypatch.setattr(usage_rollup, "SUMMED_AT", 10_000)
    start = live(desk, account)
    before = usage_since(desk, account, start)
    age(desk)
    assert move_all(desk, tmp_path, account) == []
    monkeypatch.setattr(usage_rollup, "SUMMED_AT", 1)
    desk.do(deduct(account, 3))
    seal_all(desk)
    roll_all(roller_at(desk))
    assert move_all(desk, tmp_path, account)
    assert spent(usage_since(desk, account, start)) == spent(before) + 3


def test_a_stream_has_no_gap_whatever_comes_back_while_it_is_read(
    desk: Desk, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing was archived when it was read, and is not any more when that is looked at."""
    live(desk, account)
    age(desk)
    move_all(desk, tmp_path, account)
    threads: Any = SimpleNamespace(watching=done_here)
    history = History(desk.database, desk.clock, threads, None)  # type: ignore[arg-type]
    with pytest.raises(errors.EntriesArchived):
        asyncio.run(history.after(WalletKey(account, "chat"), 2))
    read = entries.entries_after

    def read_and_restored(*asked: Any) -> Any:
        found = read(*asked)
        restore_all(desk, tmp_path, account)
        return found

    monkeypatch.setattr(entries, "entries_after", read_and_restored)
    found = asyncio.run(history.after(WalletKey(account, "chat"), 2))
    assert [listed.entry.version for listed in found] == list(range(3, 14))
