"""A connection that is lost leaves nothing half done, nothing done twice, and nobody without an answer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from creditd.ledger.work import DatabaseUnavailable, Outcome
from creditd.storage import database
from tests.support.cutting_proxy import CuttingProxy, Point, proxy_to
from tests.support.desk import Desk, desk_at
from tests.support.ledger_books import Books
from tests.support.patience import eventually
from tests.support.works import add, confirm, deduct, reservation_of, reserve


def is_save(message: bytes) -> bool:
    """Tell whether a message saves a batch."""
    return b"INSERT INTO entries" in message


def is_commit(message: bytes) -> bool:
    """Tell whether a message ends the transaction of a first use, which takes several statements."""
    return b"COMMIT\0" in message


DONE = Point.BEFORE_ANSWER
AROUND = (Point.BEFORE, DONE)

_OTHERS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'creditd' AND (wait_event_type = 'Lock' OR NOT %s)
"""


@pytest.fixture
def line(url: str) -> Iterator[tuple[CuttingProxy, str]]:
    """Provide a line to the database that can be cut."""
    with proxy_to(url) as line:
        yield line


@pytest.fixture
def proxy(line: tuple[CuttingProxy, str]) -> CuttingProxy:
    """Provide what cuts the line."""
    return line[0]


@pytest.fixture
def remote(line: tuple[CuttingProxy, str]) -> Iterator[Desk]:
    """Provide a writer at the far end of the line, which sends each statement in full."""
    with desk_at(line[1], prepare_threshold=None) as desk:
        yield desk


@pytest.mark.parametrize("point", AROUND, ids=["before", "after"])
def test_a_line_cut_around_the_save_leaves_one_effect(
    proxy: CuttingProxy, remote: Desk, books: Books, account: str, point: Point
) -> None:
    """Cut before, it is done again; cut after, the request id is looked up."""
    remote.do(add(account, 10))
    proxy.cut_at(is_save, point)
    outcome = remote.do(deduct(account, 4))
    assert proxy.cuts == 1
    assert outcome.replayed is (point is DONE)
    assert outcome.entries[0].available_after == 6
    assert books.kinds(account) == ["TOP_UP", "DEDUCT"]


@pytest.mark.parametrize("point", AROUND, ids=["before", "after"])
def test_a_line_cut_around_the_commit_of_a_first_use_leaves_one_effect(
    proxy: CuttingProxy, remote: Desk, books: Books, account: str, point: Point
) -> None:
    proxy.cut_at(is_commit, point)
    outcome = remote.do(add(account, 10))
    assert (proxy.cuts, outcome.replayed) == (1, point is DONE)
    assert books.figures(account) == (1, 10, 0)
    assert books.kinds(account) == ["TOP_UP"]


@pytest.mark.parametrize("point", AROUND, ids=["before", "after"])
def test_a_line_cut_under_a_batch_leaves_one_effect_of_each(
    proxy: CuttingProxy, remote: Desk, books: Books, account: str, point: Point
) -> None:
    accounts = [f"{account}-{number}" for number in range(20)]
    remote.write(*(add(name, 10) for name in accounts))
    held = [reservation_of(o) for o in remote.write(*(reserve(n, 4) for n in accounts)) if isinstance(o, Outcome)]
    proxy.cut_at(is_save, point)
    results = remote.write(*(confirm(reservation, 3) for reservation in held))
    assert [r.replayed for r in results if isinstance(r, Outcome)] == [point is DONE] * 20
    assert {tuple(books.kinds(name)) for name in accounts} == {("TOP_UP", "RESERVE", "CONFIRM")}
    assert all(books.are_whole(name) for name in accounts)


@pytest.mark.parametrize("point", AROUND, ids=["before", "after"])
def test_when_the_database_stays_away_the_same_request_tells_later_what_came_of_it(
    proxy: CuttingProxy, remote: Desk, books: Books, account: str, point: Point
) -> None:
    remote.do(add(account, 10))
    proxy.cut_at(is_save, point, stay_away=True)
    with pytest.raises(DatabaseUnavailable):
        remote.do(deduct(account, 4, "click"))
    with pytest.raises(DatabaseUnavailable):
        remote.do(deduct(account, 4, "click"))
    proxy.is_away = False
    assert remote.do(deduct(account, 4, "click")).replayed is (point is DONE)
    assert books.figures(account) == (2, 6, 0)


def test_connections_that_died_while_nobody_used_them_are_replaced_unnoticed(
    url: str, desk: Desk, books: Books, account: str
) -> None:
    desk.do(add(account, 10))
    with psycopg.connect(url, autocommit=True) as administrator:
        pids = administrator.execute(_OTHERS, [False]).fetchall()
        assert pids
        for pid in pids:
            administrator.execute("SELECT pg_terminate_backend(%s, 5000)", pid)
    outcome = desk.do(deduct(account, 4))
    assert not outcome.replayed
    assert books.figures(account) == (2, 6, 0)


def test_a_connection_that_is_ended_in_the_middle_of_a_save_leaves_one_effect(
    url: str, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BATCH_LOCK_TIMEOUT_MILLISECONDS", 60_000)
    with desk_at(url) as desk:
        end_it_in_the_middle(url, desk, account)
    assert books.figures(account) == (2, 6, 0)
    assert books.are_whole(account)


def end_it_in_the_middle(url: str, desk: Desk, account: str) -> None:
    """Save while a stranger holds the wallet, end the connection that waits for it, and let go."""
    desk.do(add(account, 10))
    with psycopg.connect(url) as holding, psycopg.connect(url, autocommit=True) as administrator:
        holding.execute("SELECT FROM wallets WHERE account_id = %s FOR UPDATE", [account])
        with ThreadPoolExecutor(1) as pool:
            saving = pool.submit(desk.do, deduct(account, 4))
            pid = eventually(lambda: administrator.execute(_OTHERS, [True]).fetchone())
            administrator.execute("SELECT pg_terminate_backend(%s, 5000)", pid)
            eventually(lambda: administrator.execute(_OTHERS, [True]).fetchone())
            holding.rollback()
            assert not saving.result().replayed
