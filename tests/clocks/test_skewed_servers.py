"""A server whose wall clock is ten minutes off does what the others do: it decides by the database's clock."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import source_pb2
from credit.v1 import webhook_service_pb2 as webhook_pb
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit.v1.payment_provider_pb2 import PaymentProvider
from tests.clocks.skewed_servers import STRIPE_SECRET, SkewedServer, skewed_server
from tests.support.customer import Customer, state_of
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.service import RunningService
from tests.support.tokens import bearer

TOLERANCE_SECONDS = 60
"""Times on the wire are within this of the database's; the skewed servers' own clocks are ten times as far off."""


@pytest.fixture(params=[600, -600], ids=["ahead", "behind"], scope="module")
def skewed(
    request: pytest.FixtureRequest, service: RunningService, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SkewedServer]:
    """Provide a server that is ten minutes ahead, or behind; it alone sweeps."""
    with skewed_server(tmp_path_factory.mktemp("skewed"), service, request.param) as server:
        yield server


def await_sweep(customer: Customer) -> None:
    """Wait until the server that sweeps has written down the end of a hold that was made after all others."""
    mark = customer.another("mark")
    mark.top_up(1)
    mark.hold(1, seconds=1)
    eventually(lambda: "RELEASE" in mark.kinds())


@pytest.mark.requirement("A2")
def test_it_ends_no_hold_and_lapses_no_grant_before_its_time(skewed: SkewedServer, customer: Customer) -> None:
    customer.top_up(100)
    customer.top_up(50, source_pb2.SOURCE_PROMO, seconds=420)
    holds = [customer.hold(10, seconds=300) for _ in range(5)]
    await_sweep(customer)
    assert [state_of(customer.reservation(name)) for name in holds] == ["PENDING"] * 5
    there = skewed.serve(customer)
    assert there.figures() == customer.figures() == (100, 50)
    assert state_of(there.confirm(holds[0]).reservation) == "CONFIRMED"
    assert customer.kinds() == ["CONFIRM", *["RESERVE"] * 5, "ADMIN_ADD", "ADMIN_ADD"]


@pytest.mark.requirement("A2")
def test_it_takes_what_is_over_for_over(skewed: SkewedServer, customer: Customer) -> None:
    customer.top_up(100)
    held = customer.hold(10, seconds=1)
    there = skewed.serve(customer)
    eventually(lambda: customer.figures() == (100, 0))
    assert there.figures() == (100, 0)
    assert state_of(there.reservation(held)) == "EXPIRED"
    assert refused(there.app.credit.Confirm, there.confirming(held)).reason == "RESERVATION_EXPIRED"


def test_its_times_are_the_database_s(skewed: SkewedServer, customer: Customer) -> None:
    there = skewed.serve(customer)
    entry = there.top_up(100)
    held = there.reserve(10, seconds=120).reservation
    account = there.go_unlimited(seconds=300)
    now = time.time()
    assert abs(entry.create_time.seconds - now) < TOLERANCE_SECONDS
    assert abs(held.expire_time.seconds - now - 120) < TOLERANCE_SECONDS
    assert abs(account.update_time.seconds - now) < TOLERANCE_SECONDS
    assert there.account_balance("chat").plan == customer.account_balance("chat").plan


@pytest.mark.requirement("A9")
def test_what_it_makes_stands_in_the_order_of_making(skewed: SkewedServer, customer: Customer) -> None:
    there = skewed.serve(customer)
    servers = (there, customer, customer, there)
    for amount, server in enumerate(servers, 1):
        server.top_up(amount)
    oldest_first = [grant.available for grant in customer.wallet().grants]
    assert oldest_first == [1, 2, 3, 4]
    names = [server.hold(1) for server in servers]
    request = credit.ListReservationsRequest(account_id=customer.account_id)
    for server in (there, customer):
        listed = server.app.credit.ListReservations(request).reservations
        assert [reservation.name for reservation in listed] == names[::-1]


def test_it_takes_tokens_while_they_are_good_and_no_longer(skewed: SkewedServer, customer: Customer) -> None:
    there = skewed.serve(customer)
    there.top_up(1)
    stub = CreditServiceStub(there.service.channel())
    request = credit.GetBalanceRequest(account_id=customer.account_id)

    def token(ttl_seconds: int) -> tuple[tuple[str, str]]:
        return (("authorization", bearer("app", ["SERVICE"], "credits.read", ttl_seconds)),)

    assert stub.GetBalance(request, metadata=token(120)).account_balance.account_id == customer.account_id
    assert refused(stub.GetBalance, request, metadata=token(-120)).reason == "TOKEN_EXPIRED"


@pytest.mark.requirement("E7")
def test_it_takes_webhooks_that_were_signed_just_now_and_no_others(skewed: SkewedServer, customer: Customer) -> None:
    there = skewed.serve(customer)
    ingest = there.staff.webhook.IngestWebhook
    assert ingest(stripe_webhook(age_seconds=0)).result == webhook_pb.INGEST_RESULT_NOT_OF_INTEREST
    assert refused(ingest, stripe_webhook(age_seconds=600)).metadata["problem"] == "too_old"
    assert refused(ingest, stripe_webhook(age_seconds=-600)).metadata["problem"] == "in_the_future"


def stripe_webhook(age_seconds: int) -> webhook_pb.IngestWebhookRequest:
    """Return a webhook that says nothing about credits, signed so long ago."""
    event = {"id": f"evt_{time.monotonic_ns()}", "object": "event", "type": "plan.created", "livemode": False}
    body = json.dumps(event | {"data": {"object": {}}}).encode()
    seconds = int(time.time()) - age_seconds
    signature = hmac.new(STRIPE_SECRET.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    header = webhook_pb.WebhookHeader(name="stripe-signature", value=f"t={seconds},v1={signature}")
    return webhook_pb.IngestWebhookRequest(
        provider=PaymentProvider.PAYMENT_PROVIDER_STRIPE, body=body, headers=[header], remote_address="192.0.2.1"
    )


def test_it_tells_how_far_off_it_is(skewed: SkewedServer) -> None:
    offset_seconds = skewed.metric("creditd_clock_offset_seconds")
    assert abs(offset_seconds + skewed.skew_seconds) < TOLERANCE_SECONDS
    assert (skewed.metric("creditd_clock_doubts_total"), skewed.metric("creditd_clock_jumps_total")) == (0, 0)
    assert skewed.started.said.count("seconds ahead of this machine's") == 1


@pytest.mark.requirement("A2")
@pytest.mark.parametrize("skew_seconds", [600, -600])
def test_the_only_server_that_is_left_decides_no_other_way(
    skew_seconds: int, tmp_path: Path, customer: Customer
) -> None:
    """Its first decision is a read, and after that a command; it sweeps at once, or never."""
    customer.top_up(100)
    customer.top_up(7, source_pb2.SOURCE_FREE, seconds=300)
    over, live = customer.hold(10, seconds=1), customer.hold(10, seconds=300)
    eventually(lambda: customer.balance().reserved == 10)
    for sweep_interval_seconds in ("3600", "0.1"):
        with skewed_server(
            tmp_path, customer.service, skew_seconds, CREDITD_SWEEP_INTERVAL_SECONDS=sweep_interval_seconds
        ) as server:
            there = server.serve(customer)
            assert there.figures() == (97, 10)
            assert [state_of(there.reservation(name)) for name in (over, live)] == ["EXPIRED", "PENDING"]
            assert refused(there.app.credit.Confirm, there.confirming(over)).reason == "RESERVATION_EXPIRED"
    assert state_of(customer.confirm(live).reservation) == "CONFIRMED"
