"""A balance is the truth however much is due, and an account of which there is much keeps nobody waiting."""

from collections.abc import Collection, Iterator
from concurrent.futures import Future
from threading import Event

import pytest

from creditd.domain.reservation import ReservationKey, ReservationState
from creditd.domain.weight import HEAVY_GRANTS, HEAVY_SLICES
from creditd.ledger.balances import AccountState, BalanceReader
from creditd.ledger.ids import uuid7
from creditd.ledger.work import Overloaded
from creditd.storage import wallets
from creditd.storage.wallets import MAX_DUE
from tests.support.desk import RULES, Desk
from tests.support.statements import statements_of
from tests.support.tickets import ask
from tests.support.works import add, reserve

SECONDS = 10.0


def ask_about(reader: BalanceReader, *accounts: str) -> "list[Future[AccountState | None]]":
    """Ask about accounts, one right after the other."""
    return [ask(reader.submit, account) for account in accounts]


def available(asked: "Future[AccountState | None]") -> int:
    """Wait for an account's state; return how much it has."""
    state = asked.result(SECONDS)
    assert state is not None
    return state.wallets["chat"].available


@pytest.fixture
def reader(desk: Desk) -> Iterator[BalanceReader]:
    """Provide a reader with its threads."""
    reader = BalanceReader(desk.database, desk.clock, RULES)
    yield reader
    reader.close(SECONDS)


def make_heavy(desk: Desk, account: str) -> None:
    """Give an account more grants than a light one has."""
    desk.write(*(add(account, 1) for _ in range(HEAVY_GRANTS + 1)))


def test_a_heavy_account_keeps_none_waiting_that_are_asked_about_with_it(
    desk: Desk, account: str, reader: BalanceReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_heavy(desk, account)
    desk.do(add(f"{account}-light", 7))
    go_on, whole = Event(), reader._read_whole

    def late(account_id: str) -> dict[str, AccountState]:
        assert go_on.wait(SECONDS)
        return whole(account_id)

    monkeypatch.setattr(reader, "_read_whole", late)
    heavy, light, nobody = ask_about(reader, account, f"{account}-light", f"{account}-nobody")
    assert available(light) == 7
    assert nobody.result(SECONDS) is None
    assert not heavy.done()
    go_on.set()
    assert available(heavy) == HEAVY_GRANTS + 1


def test_a_balance_is_right_at_once_however_much_is_due(desk: Desk, account: str, reader: BalanceReader) -> None:
    holds = MAX_DUE + 100
    desk.write(*(add(account, 20) for _ in range(HEAVY_GRANTS + 1)))
    desk.write(*(reserve(account, 1) for _ in range(holds)))
    desk.clock.advance(61)
    (asked,) = ask_about(reader, account)
    state = asked.result(SECONDS)
    assert state is not None
    wallet = state.wallets["chat"]
    assert (wallet.available, wallet.reserved) == (20 * (HEAVY_GRANTS + 1), 0)
    assert reader.read([account, "nobody"]) == {account: state}


def test_more_than_a_read_can_settle_is_refused_rather_than_told_wrong(
    desk: Desk, account: str, reader: BalanceReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wallets, "MAX_DUE_READ", 70)
    desk.do(add(account, 100))
    desk.write(*(reserve(account, 1) for _ in range(71)))
    desk.clock.advance(61)
    with pytest.raises(Overloaded):
        reader.read([account])


def test_heavy_reads_are_few_and_light_ones_go_on_beside_them(
    desk: Desk, account: str, reader: BalanceReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit into their queue is told so."""
    make_heavy(desk, account)
    desk.do(add(f"{account}-light", 7))
    monkeypatch.setattr(reader._apart, "_max_waiting", 0)
    heavy, light = ask_about(reader, account, f"{account}-light")
    assert available(light) == 7
    assert isinstance(heavy.exception(SECONDS), Overloaded)


def test_accounts_are_read_by_one_statement_and_a_heavy_one_by_one_more(
    desk: Desk, account: str, reader: BalanceReader
) -> None:
    make_heavy(desk, account)
    others = [f"{account}-{number}" for number in range(50)]
    desk.write(*(add(name, 1) for name in others))
    with statements_of(desk.database) as seen:
        assert reader.read([account, *others]).keys() == {account, *others}
    assert len(seen) == 2


def test_reservations_that_are_asked_for_at_once_are_read_by_one_statement(
    desk: Desk, account: str, reader: BalanceReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are at this instant; one that there is not is told so."""
    desk.do(add(account, 10))
    held = [desk.do(reserve(account, 1)).reservations[0] for _ in range(3)]
    keys = [ReservationKey(account, "chat", one.reservation_id) for one in held if one]
    go_on, together = Event(), reader._read_light

    def late(accounts: Collection[str]) -> tuple[dict[str, AccountState], set[str]]:
        assert go_on.wait(SECONDS)
        return together(accounts)

    monkeypatch.setattr(reader, "_read_light", late)
    with statements_of(desk.database) as seen:
        (first,) = ask_about(reader, account)
        asked = [ask(reader.submit, key) for key in [*keys, ReservationKey(account, "chat", uuid7())]]
        go_on.set()
        states = [one.result(SECONDS) for one in asked]
    assert available(first) == 7
    assert [state and state.state for state in states] == [ReservationState.PENDING] * 3 + [None]
    assert len(seen) == 2
    desk.clock.advance(61)
    ended = ask(reader.submit, keys[0]).result(SECONDS)
    assert ended is not None
    assert ended.state == ReservationState.EXPIRED


def test_a_reservation_of_many_slices_is_read_apart(desk: Desk, account: str, reader: BalanceReader) -> None:
    desk.write(*(add(account, 1) for _ in range(HEAVY_SLICES + 1)))
    held = desk.do(reserve(account, HEAVY_SLICES + 1)).reservations[0]
    assert held is not None
    key = ReservationKey(account, "chat", held.reservation_id)
    with statements_of(desk.database) as seen:
        found = ask(reader.submit, key).result(SECONDS)
    assert found is not None
    assert len(found.slices) == HEAVY_SLICES + 1
    assert len(seen) == 2
