"""The known traps of what expires, each over the wire: time passes by the service's clock."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import reservation_pb2, source_pb2
from credit.v1.admin_service_pb2 import VerifyLedgerRequest
from tests.support.customer import Customer, kind_of, slices_of, state_of, summed
from tests.support.patience import eventually
from tests.support.refusals import read_refusal, refused
from tests.support.service import RunningService, running_service


def customer_of(service: RunningService, account: str) -> Customer:
    """Return a customer of a service of the test's own."""
    app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read")
    return Customer(service, app, service.as_caller("staff", "ADMIN"), account)


@pytest.fixture(scope="module")
def unswept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service that writes down nothing that expires, unless a command comes by."""
    with running_service(tmp_path_factory.mktemp("unswept"), sweep_interval_seconds=3_600.0) as service:
        yield service


@pytest.fixture
def half_free(customer: Customer) -> Customer:
    """Return a customer with 30 free credits that expire in a minute, and 100 purchased ones."""
    customer.top_up(30, source_pb2.SOURCE_FREE, seconds=60)
    customer.top_up(100)
    return customer


@pytest.mark.requirement("A3")
def test_trap_a_hold_shields_its_free_part_from_expiry(half_free: Customer) -> None:
    """What was held in time can be spent after the grant's time."""
    name = half_free.hold(50, seconds=120)
    assert slices_of(half_free.reservation(name)) == [("FREE", 30), ("PURCHASED", 20)]
    half_free.service.clock.advance(90)
    assert half_free.confirm(name).reservation.confirmed_amount == 50
    assert half_free.by_source() == {"PURCHASED": 80}


@pytest.mark.requirement("A3")
def test_trap_the_rest_of_a_hold_goes_back_to_its_purchased_part_first(half_free: Customer) -> None:
    name = half_free.hold(50, seconds=120)
    half_free.service.clock.advance(90)
    assert slices_of(half_free.confirm(name, 40).entry) == [("FREE", 30), ("PURCHASED", 10)]
    assert half_free.by_source() == {"PURCHASED": 90}


@pytest.mark.requirement("A4")
def test_trap_a_free_part_that_expired_under_a_hold_comes_back_free_and_keeps_the_grace(half_free: Customer) -> None:
    """It stays usable for a day, and then lapses with a row of its own."""
    name = half_free.hold(50, seconds=120)
    half_free.service.clock.advance(90)
    now = half_free.after(0).seconds
    assert slices_of(half_free.refund(name).entry) == [("PURCHASED", 20), ("FREE", 30)]
    assert half_free.by_source() == {"FREE": 30, "PURCHASED": 100}
    free = half_free.wallet().grants[0]
    assert now <= free.expire_time.seconds - 86_400 <= now + 60
    half_free.service.clock.advance(86_400 + 60)
    assert half_free.by_source() == {"PURCHASED": 100}
    eventually(lambda: half_free.kinds()[0] == "EXPIRE")


@pytest.mark.requirement("A4")
def test_trap_promo_credits_held_again_and_again_a_little_beyond_the_grace_are_lost(customer: Customer) -> None:
    """A grant has one grace: three holds of a day, each taken from what the one before gave back, do not make three."""
    customer.top_up(10, source_pb2.SOURCE_PROMO, seconds=60)
    customer.hold(10, seconds=120)
    customer.service.clock.advance(121)
    assert customer.figures() == (10, 0)
    customer.hold(4, seconds=86_400)
    spent = customer.deduct(6).reservation.name
    customer.service.clock.advance(86_400)
    assert customer.figures() == (0, 0)
    assert customer.refund(spent).entry.amount == 6
    assert customer.figures() == (0, 0)
    assert customer.kinds()[:4] == ["EXPIRE", "REFUND", "EXPIRE", "RELEASE"]
    assert refused(customer.app.credit.Reserve, customer.reserving(1)).metadata["available"] == "0"
    assert differences(customer.staff) == 0


@pytest.mark.requirement("A8")
def test_trap_a_grant_of_100_that_expires_after_60_were_spent_leaves_0(customer: Customer) -> None:
    """Only the 40 that are left lapse; nothing goes below zero."""
    customer.top_up(100, seconds=60)
    customer.deduct(60)
    customer.service.clock.advance(61)
    assert customer.figures() == (0, 0)
    expired = eventually(lambda: [entry for entry in customer.entries() if kind_of(entry) == "EXPIRE"])
    assert [(entry.amount, entry.available_after) for entry in expired] == [(40, 0)]
    assert refused(customer.app.credit.Reserve, customer.reserving(1)).metadata["available"] == "0"


@pytest.mark.requirement("A2", "A13")
def test_trap_a_balance_right_before_the_sweep_shows_what_has_expired(unswept: RunningService, account: str) -> None:
    """Both truths, that of expired grants and that of expired holds, in every way to read them."""
    customer = customer_of(unswept, account)
    customer.top_up(100, seconds=60)
    customer.top_up(10)
    kept, lost = customer.hold(20, seconds=30), customer.hold(5, seconds=45)
    unswept.clock.advance(46)
    assert customer.figures() == (110, 0)
    unswept.clock.advance(15)
    assert customer.figures() == (10, 0)
    many = credit.BatchGetBalancesRequest(account_ids=[account], credit_types=["chat"])
    wallet = customer.app.credit.BatchGetBalances(many).account_balances[0].wallets[0]
    balance = wallet.balance
    assert (balance.available, balance.reserved, balance.total) == (10, 0, 10)
    assert summed(wallet.grants) == {"PURCHASED": 10}
    assert [state_of(customer.reservation(name)) for name in (kept, lost)] == ["EXPIRED", "EXPIRED"]
    assert [kind_of(entry) for entry in customer.entries()] == ["RESERVE", "RESERVE", "ADMIN_ADD", "ADMIN_ADD"]


@pytest.mark.requirement("A2")
def test_trap_an_expired_hold_cannot_be_confirmed_before_the_sweep(unswept: RunningService, account: str) -> None:
    """Nor refunded, nor extended; what it held can be spent again at once."""
    customer = customer_of(unswept, account)
    customer.top_up(10)
    name = customer.hold(10, seconds=30)
    unswept.clock.advance(30)
    for call, request in (
        (customer.app.credit.Confirm, customer.confirming(name)),
        (customer.app.credit.Refund, customer.refunding(name)),
        (customer.app.credit.ExtendReservation, customer.extending(name, 60)),
    ):
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RESERVATION_EXPIRED")
    assert customer.deduct(10).balance.available == 0


@pytest.mark.requirement("A2")
def test_trap_reservations_are_listed_by_the_state_of_this_instant(unswept: RunningService, account: str) -> None:
    """A filter looks at the same state that is shown."""
    customer = customer_of(unswept, account)
    customer.top_up(10)
    short, long = customer.hold(1, seconds=30), customer.hold(2, seconds=300)
    unswept.clock.advance(31)

    def listed(state: reservation_pb2.ReservationState) -> list[tuple[str, str]]:
        request = credit.ListReservationsRequest(account_id=account, state=state)
        found = customer.app.credit.ListReservations(request).reservations
        return [(reservation.name, state_of(reservation)) for reservation in found]

    assert listed(reservation_pb2.RESERVATION_STATE_PENDING) == [(long, "PENDING")]
    assert listed(reservation_pb2.RESERVATION_STATE_EXPIRED) == [(short, "EXPIRED")]


@pytest.mark.requirement("A2")
def test_trap_confirm_and_sweep_racing_for_a_hold_have_one_winner(
    tmp_path_factory: pytest.TempPathFactory, account: str
) -> None:
    """Forty holds, each confirmed at the very instant at which it ends, while the sweep runs as often as it can."""
    folder = tmp_path_factory.mktemp("racing")
    with running_service(folder, sweep_interval_seconds=0.001) as service:
        customer = customer_of(service, account)
        customer.top_up(400)
        requests = [customer.reserving(10) for _ in range(40)]
        held = [customer.app.credit.Reserve(request).reservation for request in requests]
        ends = held[0].expire_time
        service.clock.advance(seconds_until(ends, service) - 0.05)

        def confirm_at_its_end(position: int) -> str:
            early = position % 8 * 0.0005
            while (left := seconds_until(held[position].expire_time, service) - early) > 0:
                time.sleep(left)
            try:
                customer.confirm(held[position].name)
            except grpc.RpcError as error:
                return read_refusal(error).reason
            return "OK"

        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(confirm_at_its_end, range(40)))
        assert set(outcomes) <= {"OK", "RESERVATION_EXPIRED"}
        spent = 10 * outcomes.count("OK")
        eventually(lambda: customer.kinds().count("RELEASE") == 40 - outcomes.count("OK"))
        assert customer.figures() == (400 - spent, 0)
        for reservation, outcome in zip(held, outcomes, strict=True):
            kinds = [kind_of(entry) for entry in customer.entries(reservation=reservation.name)]
            assert kinds == [{"OK": "CONFIRM"}.get(outcome, "RELEASE"), "RESERVE"]
        assert differences(customer.staff) == 0


def seconds_until(instant: Timestamp, service: RunningService) -> float:
    """Return how long it is until an instant, on the service's clock."""
    return instant.seconds + instant.nanos / 1e9 - service.clock.now() / 1e6


def differences(staff: SimpleNamespace) -> int:
    """Return how many differences there are between all ledgers and what is stored."""
    (*_, last) = staff.admin.VerifyLedger(VerifyLedgerRequest())
    found: int = last.summary.differences
    return found
