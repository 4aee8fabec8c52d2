"""An entry is the ledger's row of one movement: who asked for it, why, and the figures before and after."""

from creditd.domain.commands import Reserve
from creditd.domain.entry import ReservationAfter
from creditd.domain.reservation import ReservationState
from creditd.domain.wallet import Origin
from tests.domain.books import WalletBooks
from tests.domain.wallets import MINUTE, START, after, free, wallet

ORIGIN = Origin("worker", "request-7", 42, "a picture", '{"model":"x"}', 3)


def test_each_movement_raises_the_version_by_exactly_one_and_the_entry_shows_the_same_number() -> None:
    books = WalletBooks(wallet(free(10)))
    held = books.reserve(4)
    books.extend(held, ttl=10 * MINUTE)
    books.refund(books.confirm(held, 2), 1)
    books.remove(1)
    assert [entry.version for entry in books.entries] == [1, 2, 3, 4, 5]
    assert [movement.wallet.version for movement in books.movements] == [1, 2, 3, 4, 5]


def test_it_says_who_asked_for_it_why_and_under_which_request_id() -> None:
    entry = WalletBooks(wallet(free(10))).do(Reserve(ORIGIN, "name", 4)).entry
    assert (entry.actor, entry.request_id, entry.fingerprint) == ("worker", "request-7", 42)
    assert (entry.reason, entry.metadata, entry.ordinal) == ("a picture", '{"model":"x"}', 3)
    assert (entry.account_id, entry.credit_type, entry.create_time) == ("alice", "spec", START)


def test_the_reservation_keeps_the_reason_and_metadata_that_it_was_made_with() -> None:
    reservation = WalletBooks(wallet(free(10))).do(Reserve(ORIGIN, "name", 4)).reservation
    assert reservation is not None
    assert (reservation.reason, reservation.metadata) == ("a picture", '{"model":"x"}')


def test_it_shows_the_figures_after_the_movement() -> None:
    books = WalletBooks(wallet(free(10), debt=5))
    books.reserve(4)
    entry = books.entries[-1]
    assert (entry.available_after, entry.reserved_after, entry.debt_after) == (6, 4, 5)


def test_it_shows_the_reservation_as_it_was_right_after_so_that_a_replay_gives_the_first_answer_again() -> None:
    books = WalletBooks(wallet(free(10)))
    held = books.reserve(4)
    books.refund(books.confirm(held, 3), 2)
    assert [entry.reservation for entry in books.entries] == [
        ReservationAfter(held.reservation_id, ReservationState.PENDING, 0, 0, after(5 * MINUTE)),
        ReservationAfter(held.reservation_id, ReservationState.CONFIRMED, 3, 0, after(5 * MINUTE)),
        ReservationAfter(held.reservation_id, ReservationState.CONFIRMED, 3, 2, after(5 * MINUTE)),
    ]


def test_a_movement_without_a_reservation_shows_none() -> None:
    assert WalletBooks(wallet(free(10))).remove(1).entry.reservation is None


def test_a_reservation_keeps_when_it_was_made_and_when_it_last_changed() -> None:
    books = WalletBooks(wallet(free(10)))
    held = books.reserve(4)
    books.wait(MINUTE)
    spent = books.confirm(held)
    assert (spent.create_time, spent.update_time) == (START, after(MINUTE))
