"""Which copies stay in memory when there is room for few."""

from creditd.domain.account import new_account
from creditd.domain.instant import Instant
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


def test_nothing_is_kept_of_an_account_that_was_not_saved() -> None:
    cache = WalletCache()
    cache.keep(changed("first"))
    changes = changed("first")
    changes.wallets |= changed("second").wallets
    cache.keep(changes, frozenset({"first"}))
    assert [bool(cache.wallet(WalletKey(name, "chat"))) for name in ("first", "second")] == [False, True]


def test_a_reservation_is_known_by_the_copy_of_its_wallet_that_it_was_kept_with() -> None:
    """Between two copies of a wallet another server may have ended it."""
    start = Instant(0)
    pending = (ReservationState.PENDING, 5, 0, 0, False, (), None)
    held = changed("first")
    held.reservations["first", "r1"] = Reservation("first", "chat", "r1", *pending, start, start, "", "")
    cache = WalletCache()
    cache.keep(held)
    cache.keep(changed("first"))
    assert cache.reservation(ReservationKey("first", "chat", "r1"))
    cache.drop(WalletKey("first", "chat"))
    cache.keep(changed("first"))
    assert cache.reservation(ReservationKey("first", "chat", "r1")) is None
