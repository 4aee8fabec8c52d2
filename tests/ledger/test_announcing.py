"""What others are told of a movement is committed with it: by every way into the ledger, once, or not at all (H6)."""

import pytest
from sqlalchemy import text

from creditd.domain.events.balance_alert import BalanceAlert
from creditd.domain.events.outbox import OutboxKind
from creditd.domain.instant import SECOND
from creditd.domain.wallet import SYSTEM, WalletKey
from creditd.ledger.work import Work
from creditd.storage.events import outbox
from tests.support.desk import Desk, before_saving
from tests.support.works import act, add, deduct, refund, reservation_of, reserve

_TOLD = text("SELECT kind, payload FROM outbox_events WHERE account_id = :account ORDER BY announce_time, event_id")


def told(desk: Desk, account: str) -> list[tuple[str, int]]:
    """Return what an account was told, and what is available, or what it was about."""
    with desk.database.autocommit() as connection:
        rows = connection.execute(_TOLD, {"account": account}).all()
    return [(OutboxKind(kind).name, payload.get("available", payload.get("amount"))) for kind, payload in rows]


def alert(desk: Desk, account: str, below: int) -> None:
    """Have an account told below a figure."""
    desk.accounts.set_alerts(account, act(None), (BalanceAlert("chat", below),))


def test_a_crossing_is_told_once_whatever_moves_the_credits(desk: Desk, account: str) -> None:
    desk.do(add(account, 100))
    alert(desk, account, 50)
    held = reservation_of(desk.do(reserve(account, 51)))
    desk.do(deduct(account, 1))
    desk.do(refund(held))
    desk.write(deduct(account, 40), deduct(account, 40))
    assert told(desk, account) == [("LOW_BALANCE", 49), ("LOW_BALANCE", 19)]


def test_an_account_without_alerts_is_told_nothing_of_what_it_spends(desk: Desk, account: str) -> None:
    desk.do(add(account, 10))
    desk.do(deduct(account, 10))
    assert told(desk, account) == []


def test_what_is_told_is_committed_with_the_save_or_not_at_all(
    desk: Desk, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An alert that is set makes copies stale: here there is none yet, and the one that is made now is trusted.
    alert(desk, account, 50)
    for work in (add(account, 100), deduct(account, 1)):
        desk.do(work)
    announce = outbox.announce
    tries = []

    def fail_once(connection: object, *events: object) -> None:
        tries.append(events)
        if len(tries) == 1:
            # After the save's own statement.
            message = "the connection is lost"
            raise ConnectionError(message)
        announce(connection, *events)  # type: ignore[arg-type]

    monkeypatch.setattr(outbox, "announce", fail_once)
    desk.write(deduct(account, 60))
    monkeypatch.undo()
    with desk.database.autocommit() as connection:
        query = text("SELECT available FROM wallets WHERE account_id = :account")
        available = connection.execute(query, {"account": account}).scalar_one()
    assert told(desk, account) == ([("LOW_BALANCE", 39)] if available == 39 else [])
    assert tries


def test_what_another_server_was_quicker_with_is_told_once(
    desk: Desk, other: Desk, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert(desk, account, 50)
    desk.do(add(account, 99))
    before_saving(monkeypatch, desk, lambda: other.do(deduct(account, 30)))
    desk.do(deduct(account, 55))
    assert told(desk, account) == [("LOW_BALANCE", 14)]


def test_a_hold_and_a_grant_that_end_are_told_where_they_are_settled(desk: Desk, account: str) -> None:
    desk.do(add(account, 100))
    alert(desk, account, 90)
    desk.do(reserve(account, 30, ttl=SECOND))
    desk.clock.advance(2)
    desk.do(Work.settling(WalletKey(account, "chat"), SYSTEM))
    assert told(desk, account) == [("LOW_BALANCE", 70), ("RESERVATION_EXPIRED", 30)]
