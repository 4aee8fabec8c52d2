"""Which copies stay in memory when there is room for few."""

import pytest

from creditd.domain.account import new_account
from creditd.domain.instant import Instant
from creditd.domain.limits import NOTHING, WHOLE
from creditd.domain.reservation import Reservation, ReservationKey, ReservationState
from creditd.domain.wallet import WalletKey, new_wallet
from creditd.ledger.cache import WalletCache
from creditd.storage.changes import Changes


def changed(name: str) -> Changes:
    """Return the change of one account's wallet."""
    changes = Changes()
    changes.wallets[WalletKey(name, "chat")] = new_wallet(new_account(name, Instant(0)), "chat")
    return changes


def test_the_copies_that_were_not_used_for_longest_go_first() -> None:
    """To be read is to be used: a wallet that is only looked at stays as long as one that changes."""
    cache = WalletCache(max_wallets=2)
    for name in ("first", "second"):
        cache.keep(changed(name))
    assert cache.wallet(WalletKey("first", "chat"))
    cache.keep(changed("third"))
    assert [bool(cache.wallet(WalletKey(name, "chat"))) for name in ("first", "second", "third")] == [True, False, True]


def holding(name: str, *reservations: str) -> Changes:
    """Return the change of one account's wallet by holds that wait."""
    pending = (ReservationState.PENDING, 5, 0, 0, False, (), None)
    changes = changed(name)
    for each in reservations:
        changes.reservations[name, each] = Reservation(name, "chat", each, *pending, Instant(0), Instant(0), "", "")
    return changes


def test_nothing_is_kept_of_an_account_that_was_not_saved() -> None:
    cache = WalletCache()
    cache.keep(changed("first"))
    changes = changed("first")
    changes.wallets |= changed("second").wallets
    cache.keep(changes, frozenset({"first"}))
    assert [bool(cache.wallet(WalletKey(name, "chat"))) for name in ("first", "second")] == [False, True]


def test_a_reservation_is_known_by_the_copy_of_its_wallet_that_it_was_kept_with() -> None:
    """Once that is found to be stale, the sweep or another server may have ended it."""
    cache = WalletCache()
    cache.keep(holding("first", "r1"))
    cache.keep(changed("first"))
    assert cache.reservation(ReservationKey("first", "chat", "r1"))
    cache.drop(WalletKey("first", "chat"))
    assert cache.reservations == 0
    cache.keep(changed("first"))
    assert cache.reservation(ReservationKey("first", "chat", "r1")) is None


def test_reservations_go_with_a_wallet_for_which_there_is_no_room() -> None:
    cache = WalletCache(max_wallets=1)
    cache.keep(holding("first", "r1", "r2"))
    cache.keep(holding("second", "r3"))
    assert cache.reservations == 1
    assert cache.reservation(ReservationKey("second", "chat", "r3"))


def test_of_more_reservations_than_there_is_room_for_those_of_wallets_not_used_for_longest_go_first() -> None:
    cache = WalletCache(max_reservations=3)
    cache.keep(holding("first", "r1", "r2"))
    cache.keep(holding("second", "r3"))
    cache.keep(holding("first", "r4"))
    keys = [
        ReservationKey(*key) for key in (("first", "chat", "r1"), ("second", "chat", "r3"), ("first", "chat", "r4"))
    ]
    assert [bool(cache.reservation(key)) for key in keys] == [True, False, True]
    cache.keep(holding("first", "r5"))
    assert [bool(cache.reservation(key)) for key in keys] == [False, False, True]
    assert cache.reservations == 3


def test_a_reservation_that_has_ended_is_let_go() -> None:
    """Most are confirmed in moments: memory is for those that wait, however many were confirmed before."""
    held, confirmed = holding("first", "r1"), holding("first", "r1")
    pending = held.reservations["first", "r1"]
    confirmed.reservations["first", "r1"] = pending._replace(state=ReservationState.CONFIRMED, confirmed=5)
    cache = WalletCache()
    cache.keep(held)
    assert cache.reservation(ReservationKey("first", "chat", "r1")) == pending
    cache.keep(confirmed)
    assert cache.reservation(ReservationKey("first", "chat", "r1")) is None
    assert cache.reservations == 0


def test_a_reservation_is_known_under_its_own_wallet_alone() -> None:
    cache = WalletCache()
    cache.keep(holding("first", "r1"))
    cache.keep(changed("second"))
    assert cache.reservation(ReservationKey("second", "chat", "r1")) is None
    assert cache.reservation(ReservationKey("first", "other", "r1")) is None


def test_who_was_counted_in_a_dropped_wallet_is_known_until_it_is_loaded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of so many wallets, and of none in which nobody was."""
    monkeypatch.setattr("creditd.ledger.cache.MAX_DROPPED", 2)
    cache, names = WalletCache(), ("first", "second", "third")
    for name in (*names, "plain"):
        changes = changed(name)
        key = WalletKey(name, "chat")
        if name != "plain":
            changes.wallets[key] = changes.wallets[key]._replace(usage={WHOLE: NOTHING, "ann": NOTHING})
        cache.keep(changes)
        for _ in range(2):
            cache.drop(key)
    known = [cache.take_spenders(WalletKey(name, "chat")) for name in (*names, "plain")]
    assert known == [(), (WHOLE, "ann"), (WHOLE, "ann"), ()]
    assert cache.take_spenders(WalletKey("third", "chat")) == ()
