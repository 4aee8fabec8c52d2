"""Reserve holds credits before costly work (A1, A2, A9)."""

from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import source_pb2
from tests.support.answers import lasting
from tests.support.customer import Customer, kind_of, slices_of, state_of
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service


@pytest.mark.requirement("A1", "A6")
def test_it_answers_with_the_reservation_the_entry_and_the_balance_after(customer: Customer) -> None:
    topped_up = customer.top_up(100)
    answer = customer.reserve(30, reason="a story", metadata={"model": "large"})
    reservation, entry, balance = answer.reservation, answer.entry, answer.balance
    assert reservation.name.startswith(f"accounts/{customer.account_id}/wallets/chat/reservations/")
    assert (reservation.account_id, reservation.credit_type) == (customer.account_id, "chat")
    assert (state_of(reservation), reservation.amount, reservation.confirmed_amount) == ("PENDING", 30, 0)
    assert slices_of(reservation) == slices_of(entry) == [("PURCHASED", 30)]
    assert reservation.slices[0].grant_id == topped_up.slices[0].grant_id
    assert (reservation.reason, dict(reservation.metadata)) == ("a story", {"model": "large"})
    assert (kind_of(entry), entry.amount, entry.available_delta, entry.reserved_delta) == ("RESERVE", 30, -30, 30)
    assert (entry.reservation, entry.actor, entry.reason) == (reservation.name, "app", "a story")
    assert (balance.available, balance.reserved, balance.total) == (70, 30, 100)
    assert balance.version == entry.version == topped_up.version + 1
    assert balance.update_time == entry.create_time == reservation.create_time
    assert customer.figures() == (70, 30)
    assert lasting(customer.reservation(reservation.name)) == lasting(reservation)


@pytest.mark.requirement("A1")
def test_it_is_refused_unless_the_available_balance_covers_it(customer: Customer) -> None:
    """The refusal says what is required and what there is, and changes nothing."""
    customer.top_up(100)
    customer.hold(40)
    before = customer.balance()
    refusal = refused(customer.app.credit.Reserve, customer.reserving(61))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INSUFFICIENT_CREDIT")
    assert (refusal.metadata["required"], refusal.metadata["available"]) == ("61", "60")
    assert customer.balance() == before
    assert customer.reserve(60).balance.available == 0


@pytest.mark.requirement("A7")
def test_a_refused_request_id_may_be_used_again(customer: Customer) -> None:
    """A refusal stores nothing: the same call succeeds once there are credits."""
    request = customer.reserving(10)
    assert refused(customer.app.credit.Reserve, request).reason == "INSUFFICIENT_CREDIT"
    customer.top_up(10)
    assert customer.app.credit.Reserve(request).reservation.amount == 10


@pytest.mark.requirement("A7")
def test_the_same_request_id_with_other_content_is_refused(customer: Customer) -> None:
    customer.top_up(100)
    request_id = customer.reserve(10).entry.request_id
    for other in (
        customer.reserving(11, request_id=request_id),
        customer.reserving(10, request_id=request_id, credit_type="spec"),
        customer.reserving(10, request_id=request_id, reason="other"),
        customer.reserving(10, request_id=request_id, seconds=60),
    ):
        refusal = refused(customer.app.credit.Reserve, other)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
        assert refusal.metadata["request_id"] == request_id
    deduction = customer.deducting(10, request_id=request_id)
    assert refused(customer.app.credit.Deduct, deduction).reason == "REQUEST_ID_REUSED"
    assert customer.figures() == (90, 10)


@pytest.mark.requirement("A2")
def test_it_lives_5_minutes_unless_the_request_says_otherwise(customer: Customer) -> None:
    customer.top_up(100)
    unstated = customer.reserve(1).reservation
    assert unstated.expire_time.ToNanoseconds() - unstated.create_time.ToNanoseconds() == 300 * 10**9
    short = customer.reserve(1, seconds=7).reservation
    assert short.expire_time.ToNanoseconds() - short.create_time.ToNanoseconds() == 7 * 10**9
    until = customer.after(1_000)
    assert customer.reserve(1, expire_time=until).reservation.expire_time == until


@pytest.mark.requirement("A2")
def test_a_lifetime_of_no_length_or_beyond_the_maximum_is_refused(customer: Customer) -> None:
    customer.top_up(1)
    for field, request in (
        ("ttl", customer.reserving(1, seconds=0)),
        ("ttl", customer.reserving(1, seconds=-1)),
        ("ttl", customer.reserving(1, seconds=86_401)),
        ("expire_time", customer.reserving(1, expire_time=customer.after(86_402))),
    ):
        refusal = refused(customer.app.credit.Reserve, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "EXPIRY_OUT_OF_RANGE")
        assert (refusal.violations, refusal.metadata["maximum_seconds"]) == ([field], "86400")
    assert customer.figures() == (1, 0)


@pytest.mark.requirement("A2")
@pytest.mark.parametrize("seconds", [0, -1, -86_400])
def test_an_expire_time_in_the_past_is_refused_and_the_server_says_what_time_it_is(
    customer: Customer, seconds: int
) -> None:
    customer.top_up(1)
    stated = customer.after(seconds)
    refusal = refused(customer.app.credit.Reserve, customer.reserving(1, expire_time=stated))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "EXPIRY_IN_PAST")
    assert refusal.violations == ["expire_time"]
    now = Timestamp()
    now.FromJsonString(refusal.metadata["server_time"])
    assert now.ToMicroseconds() >= stated.ToMicroseconds() - seconds * 1_000_000
    assert customer.figures() == (1, 0)


@pytest.mark.requirement("A2")
def test_the_longest_lifetime_is_a_day(customer: Customer) -> None:
    customer.top_up(1)
    assert state_of(customer.reserve(1, seconds=86_400).reservation) == "PENDING"


@pytest.mark.requirement("A2")
def test_an_expired_one_is_given_back_by_itself_within_seconds(customer: Customer) -> None:
    customer.top_up(20, source_pb2.SOURCE_FREE)
    customer.top_up(100)
    name = customer.hold(30, seconds=60)
    customer.service.clock.advance(60)
    released = eventually(lambda: [entry for entry in customer.entries() if kind_of(entry) == "RELEASE"], seconds=5)
    assert [(entry.reservation, entry.actor, entry.request_id) for entry in released] == [(name, "system", "")]
    assert slices_of(released[0]) == [("PURCHASED", 10), ("FREE", 20)]
    assert customer.by_source() == {"FREE": 20, "PURCHASED": 100}
    assert state_of(customer.reservation(name)) == "EXPIRED"


@pytest.mark.requirement("A2")
def test_from_its_time_on_it_can_no_longer_be_confirmed(customer: Customer) -> None:
    customer.top_up(10)
    name = customer.hold(10, seconds=60)
    customer.service.clock.advance(60)
    refusal = refused(customer.app.credit.Confirm, customer.confirming(name))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RESERVATION_EXPIRED")
    assert refusal.metadata["reservation"] == name
    assert customer.figures() == (10, 0)


@pytest.mark.requirement("A9")
def test_spend_order_is_free_then_promo_then_purchased(customer: Customer) -> None:
    for source in (source_pb2.SOURCE_PURCHASED, source_pb2.SOURCE_PROMO, source_pb2.SOURCE_FREE):
        customer.top_up(10, source)
    assert list(customer.by_source()) == ["FREE", "PROMO", "PURCHASED"]
    assert slices_of(customer.reserve(25).reservation) == [("FREE", 10), ("PROMO", 10), ("PURCHASED", 5)]


@pytest.mark.requirement("A9")
def test_within_a_source_the_soonest_to_expire_goes_first_then_the_oldest(customer: Customer) -> None:
    grants = [customer.top_up(10, seconds=seconds).slices[0].grant_id for seconds in (None, 9_000, None, 3_000)]
    oldest_for_good, later, newest_for_good, soon = grants
    taken = [part.grant_id for part in customer.reserve(40).reservation.slices]
    assert taken == [soon, later, oldest_for_good, newest_for_good]


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service with a lifetime, a maximum and a spend order of its own."""
    order = ("purchased", "admin", "promo", "free")
    folder = tmp_path_factory.mktemp("configured")
    with running_service(
        folder, reservation_ttl_seconds=60, reservation_max_ttl_seconds=120, spend_order=order
    ) as service:
        yield service


@pytest.mark.requirement("A2", "A9")
def test_lifetime_maximum_and_spend_order_are_configured(configured: RunningService, account: str) -> None:
    app, staff = configured.as_caller("app", "SERVICE", scope="credits.spend"), configured.as_caller("staff", "ADMIN")
    customer = Customer(configured, app, staff, account)
    customer.top_up(10, source_pb2.SOURCE_FREE)
    customer.top_up(10, source_pb2.SOURCE_PURCHASED)
    held = customer.reserve(15).reservation
    assert held.expire_time.ToNanoseconds() - held.create_time.ToNanoseconds() == 60 * 10**9
    assert slices_of(held) == [("PURCHASED", 10), ("FREE", 5)]
    too_long = customer.reserving(1, ttl=Duration(seconds=121))
    assert refused(app.credit.Reserve, too_long).metadata["maximum_seconds"] == "120"
