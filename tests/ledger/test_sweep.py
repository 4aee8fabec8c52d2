"""The sweep writes down what is due, for each wallet once, and no wallet keeps it from the others."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Barrier

import psycopg
import pytest

from creditd.domain.wallet import WalletKey
from creditd.ledger import sweep as sweeping
from creditd.ledger.batch import Terms
from creditd.ledger.ids import uuid7
from creditd.ledger.set_aside import LONGEST_SECONDS, SetAside
from creditd.ledger.sweep import Sweep
from creditd.ledger.writer import Writer
from creditd.storage import wallets
from creditd.storage.database import Database, DatabaseSettings
from creditd.telemetry.statistics import LedgerStatistics
from tests.support.databases import clock_of, migrated_database
from tests.support.desk import RULES, Desk
from tests.support.ledger_books import Books
from tests.support.statements import statements_of
from tests.support.works import MINUTE, add, refund, reservation_of, reserve

NEVER_SECONDS = 3_600.0
"""Longer than any test: these sweeps run when they are told to."""


@pytest.fixture
def url() -> Iterator[str]:
    """Provide a database for one test alone: a sweep sees the wallets of all."""
    with migrated_database() as url:
        yield url


class Swept(Sweep):
    """The sweep of a server, with what it reads by."""

    def __init__(self, database: Database) -> None:
        """Sweep a database only when told to."""
        self.database = database
        self.clock = clock_of(database)
        writer = Writer(database, Terms(RULES, {}, uuid7), self.clock, LedgerStatistics(), is_apart=True)
        super().__init__(database, writer, self.clock, NEVER_SECONDS)


@pytest.fixture
def sweeps(url: str) -> Iterator[list[Swept]]:
    """Provide the sweeps of two servers."""
    with ExitStack() as stack:
        found = []
        for _ in range(2):
            database = Database(DatabaseSettings(url, pool_size=3))
            sweep = Swept(database)
            stack.callback(database.close)
            stack.callback(partial(sweep.close, 5))
            found.append(sweep)
        yield found


def pass_time(seconds: float, *sweeps: Swept) -> None:
    """Let time pass for the servers of sweeps."""
    for sweep in sweeps:
        sweep.clock.advance(seconds)


def test_two_sweeps_at_once_release_each_hold_once(desk: Desk, books: Books, account: str, sweeps: list[Swept]) -> None:
    accounts = [f"{account}-{number}" for number in range(50)]
    desk.write(*(add(name, 10) for name in accounts))
    desk.write(*(reserve(name, 3) for name in accounts for _ in range(3)))
    pass_time(61, *sweeps)
    together = Barrier(2)

    def sweep(one: Sweep) -> int:
        together.wait()
        return one.sweep_once()

    with ThreadPoolExecutor(2) as pool:
        # Each leaves to the other what that one holds.
        assert sum(pool.map(sweep, sweeps)) >= 50
    for name in accounts:
        assert books.kinds(name) == ["TOP_UP", *["RESERVE"] * 3, *["RELEASE"] * 3]
        assert books.are_whole(name)
    assert [one.sweep_once() for one in sweeps] == [0, 0]


def test_a_sweep_settles_a_wallet_in_which_more_is_due_than_a_round_takes(
    desk: Desk, books: Books, account: str, sweeps: list[Swept], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wallets, "MAX_DUE", 2)
    desk.do(add(account, 10))
    desk.write(*(reserve(account, 1) for _ in range(9)))
    pass_time(61, *sweeps)
    with statements_of(sweeps[0].database) as seen:
        assert [sweeps[0].sweep_once(), sweeps[1].sweep_once()] == [1, 0]
    assert seen.count("save") == 5, "two holds a round"
    assert books.kinds(account) == ["TOP_UP", *["RESERVE"] * 9, *["RELEASE"] * 9]
    assert books.figures(account) == (19, 10, 0)


def test_a_sweep_puts_off_a_wallet_in_which_nothing_is_due(
    desk: Desk, books: Books, account: str, sweeps: list[Swept]
) -> None:
    desk.do(add(account, 10))
    first = reservation_of(desk.do(reserve(account, 4)))
    desk.do(reserve(account, 1, ttl=2 * MINUTE))
    desk.do(refund(first))
    pass_time(61, *sweeps)
    assert [sweeps[0].sweep_once(), sweeps[1].sweep_once()] == [1, 0]
    assert books.figures(account) == (4, 9, 1)


@contextmanager
def spoiled(url: str, *accounts: str) -> Iterator[None]:
    """Have rows that no movement of ours would leave, so that these wallets cannot be settled, until the block ends."""
    change = "UPDATE wallets SET reserved = reserved + %s WHERE account_id = ANY(%s)"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(change, (-1, list(accounts)))
        yield
        connection.execute(change, (1, list(accounts)))


def test_wallets_that_cannot_be_settled_keep_nobody_from_those_behind_them(
    desk: Desk, url: str, books: Books, account: str, sweeps: list[Swept], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "WALLETS_AT_A_LOOK", 3)
    broken = [f"{account}-broken-{number}" for number in range(3)]
    for name in (*broken, account):
        desk.do(add(name, 10))
        desk.do(reserve(name, 1))
    pass_time(61, *sweeps)
    with spoiled(url, *broken):
        assert [sweeps[0].sweep_once() for _ in range(3)] == [0, 1, 0]
        assert books.figures(account).reserved == 0
        sweeps[0]._aside._clock = lambda: NEVER_SECONDS * 1e6
    assert sweeps[0].sweep_once() == 3
    assert [books.figures(name).reserved for name in broken] == [0, 0, 0]
    assert len(sweeps[0]._aside) == 0


def test_a_wallet_set_aside_is_not_tried_again_at_once(desk: Desk, url: str, account: str, sweeps: list[Swept]) -> None:
    desk.do(add(account, 10))
    desk.do(reserve(account, 1))
    pass_time(61, *sweeps)
    with spoiled(url, account):
        sweeps[0].sweep_once()
        with statements_of(sweeps[0].database) as seen:
            sweeps[0].sweep_once()
    assert len(seen) == 1


def test_each_failure_in_a_row_doubles_the_pause_up_to_the_longest() -> None:
    now = [0.0]
    aside = SetAside(1.0, lambda: now[0])
    key = WalletKey("alice", "chat")
    assert [aside.put(key) for _ in range(12)] == [*(2.0**n for n in range(10)), LONGEST_SECONDS, LONGEST_SECONDS]
    assert aside.is_waiting(key)
    now[0] = LONGEST_SECONDS
    assert not aside.is_waiting(key)
    aside.let_go(key)
    assert aside.put(key) == 1.0


def test_no_more_are_remembered_than_a_look_can_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creditd.ledger.set_aside.MAX_SET_ASIDE", 2)
    now = [0.0]
    aside = SetAside(1.0, lambda: now[0])
    keys = [WalletKey(name, "chat") for name in "abc"]
    assert [aside.put(key) for key in keys] == [1.0, 1.0, None]
    assert len(aside) == 2
    now[0] = 2 * LONGEST_SECONDS
    assert aside.put(keys[2]) == 1.0
    assert len(aside) == 1


def test_a_sweep_puts_off_many_wallets_by_a_few_statements(desk: Desk, account: str, sweeps: list[Swept]) -> None:
    accounts = [f"{account}-{number:03}" for number in range(90)]
    desk.write(*(add(name, 10) for name in accounts))
    first = [desk.do(reserve(name, 1)) for name in accounts]
    desk.write(*(reserve(name, 1, ttl=60 * MINUTE) for name in accounts))
    desk.write(*(refund(reservation_of(outcome)) for outcome in first))
    pass_time(61, *sweeps)
    with statements_of(sweeps[0].database) as seen:
        assert sweeps[0].sweep_once() == 90
    # A look, and what a transaction takes that waits for nobody: its time limit, locks on what is free, load and save.
    assert len(seen) <= 6
