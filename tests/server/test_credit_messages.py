"""The domain's values as messages."""

from credit.v1 import reservation_pb2
from creditd.domain.account import new_account
from creditd.domain.grants import Slice, Source
from creditd.domain.instant import SECOND, Instant
from creditd.domain.reservation import Reservation, ReservationState
from creditd.domain.wallet import new_wallet
from creditd.server.answer_sizes import SLICES_SHOWN
from creditd.server.credit_messages import balance_message, timestamp, write_reservation

CREATED = Instant(0)
END = Instant(90 * SECOND + 250_001)
HELD = Reservation(
    account_id="a",
    credit_type="chat",
    reservation_id="0190a0b0-1234-7123-8123-123456789012",
    state=ReservationState.PENDING,
    amount=3,
    confirmed=0,
    refunded=0,
    unlimited=False,
    slices=(Slice("0190a0b0-1234-7123-8123-123456789011", Source.PROMO, 3, None),),
    expire_time=END,
    create_time=CREATED,
    update_time=CREATED,
    reason="",
    metadata="",
)


def written(reservation: Reservation, now: Instant) -> reservation_pb2.Reservation:
    """Return a reservation in an answer of ``now``."""
    message = reservation_pb2.Reservation()
    write_reservation(message, reservation, now)
    return message


def test_a_time_is_told_to_the_microsecond_also_before_the_epoch() -> None:
    assert timestamp(Instant(1)).ToNanoseconds() == 1_000
    assert timestamp(Instant(-1)).ToNanoseconds() == -1_000


def test_a_time_that_is_zero_is_there() -> None:
    told = written(HELD, END)
    assert told.HasField("create_time")
    assert told.HasField("remaining_ttl")
    assert told.remaining_ttl.ToNanoseconds() == 0


def test_what_has_ended_has_no_time_left() -> None:
    told = written(HELD._replace(state=ReservationState.CONFIRMED), CREATED)
    assert told.expire_time.ToNanoseconds() == END * 1_000
    assert not told.HasField("remaining_ttl")


def test_no_more_slices_are_shown_than_asked_for_and_all_are_counted() -> None:
    many = HELD._replace(slices=HELD.slices * 10_001)
    told = written(many, CREATED)
    assert len(told.slices) == SLICES_SHOWN
    assert told.slice_count == 10_001


def test_a_balance_tells_when_it_moved_last_and_no_time_before_its_first_movement() -> None:
    unmoved = new_wallet(new_account("a", CREATED), "chat")
    assert not balance_message(unmoved).HasField("update_time")
    moved = unmoved._replace(version=1, available=5, reserved=2, update_time=END)
    told = balance_message(moved)
    assert (told.total, told.available, told.reserved, told.version) == (7, 5, 2, 1)
    assert told.update_time.ToNanoseconds() == END * 1_000
