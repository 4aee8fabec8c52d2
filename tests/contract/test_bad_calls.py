"""What is no proper call: not our message, too large, too late. It is refused, and the server is well afterwards."""

import socket
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from credit.v1 import credit_service_pb2 as credit
from creditd.server.refusals import InvalidFields
from creditd.server.request_sizes import CALL_BYTES
from creditd.server.validation import MAX_VIOLATIONS, validate
from tests.contract.at_once import was_replayed
from tests.contract.leaks import tells_nothing_of_our_insides
from tests.support.customer import Customer
from tests.support.http2 import RESET, Connection
from tests.support.patience import eventually
from tests.support.refusals import read_refusal, refused
from tests.support.service import RunningService
from tests.support.tokens import bearer

RESERVE = "/credit.v1.CreditService/Reserve"
MEGABYTE = 1024 * 1024
INT64_MAX = 2**63 - 1
UNKNOWN_KIND: Any = 99


@pytest.fixture
def rich(customer: Customer) -> Iterator[Customer]:
    """Return a customer with 1,000 credits, who still has them after the test, on a server that is well."""
    customer.top_up(1_000)
    yield customer
    assert customer.figures() == (1_000, 0)
    assert customer.kinds() == ["ADMIN_ADD"]
    assert customer.deduct(1).balance.available == 999
    health = health_pb2_grpc.HealthStub(customer.service.channel())
    assert health.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING


def raw(service: RunningService, method: str = RESERVE) -> Any:
    """Return a call that sends bytes as they are."""
    return service.channel().unary_unary(method, request_serializer=bytes, response_deserializer=bytes)


@pytest.mark.requirement("H2")
@pytest.mark.parametrize(
    "message",
    [b"\xff\xff\xff", b"\x0a\x02\xff\xfe", b"\x0a\x7fshort", b"{}", b"\x00" * 100],
    ids=["no fields", "no UTF-8", "cut off", "JSON", "zeros"],
)
def test_bytes_that_are_no_message_are_refused(rich: Customer, message: bytes) -> None:
    metadata = [("authorization", bearer("app", ["ADMIN"]))]
    refusal = refused(raw(rich.service), message, metadata=metadata)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert tells_nothing_of_our_insides(refusal)
    assert refused(raw(rich.service), message).reason == "TOKEN_INVALID"


def test_fields_of_a_newer_client_are_passed_over(rich: Customer) -> None:
    message = rich.reserving(1, validate_only=True).SerializeToString() + b"\xfa\x3e\x03new"
    metadata = [("authorization", bearer("app", ["ADMIN"]))]
    assert raw(rich.service)(message, metadata=metadata)


@pytest.mark.parametrize("method", ["/credit.v1.CreditService/Nothing", "/nothing.v1.Nothing/Reserve", "/", "/Reserve"])
def test_a_method_that_is_not_there_is_unimplemented(rich: Customer, method: str) -> None:
    refusal = refused(raw(rich.service, method), b"")
    assert refusal.code == grpc.StatusCode.UNIMPLEMENTED
    assert tells_nothing_of_our_insides(refusal)


@pytest.mark.requirement("H3")
def test_a_message_over_the_limit_is_refused_with_a_reason(rich: Customer) -> None:
    """Saying what the limit of this method is."""
    request = rich.reserving(1, reason="x" * CALL_BYTES)
    refusal = refused(rich.app.credit.Reserve, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    assert refusal.metadata["maximum"] == str(CALL_BYTES)


@pytest.mark.requirement("H3")
@pytest.mark.parametrize("megabytes", [3, 64])
def test_a_message_far_over_the_limit_is_not_even_read(rich: Customer, megabytes: int) -> None:
    request = rich.reserving(1, reason="x" * (megabytes * MEGABYTE))
    assert refused(rich.app.credit.Reserve, request).code == grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.requirement("H3")
@pytest.mark.parametrize("count", [10_000, 1_000_000])
def test_a_list_far_too_long_costs_little(rich: Customer, count: int) -> None:
    """One violation tells enough: a million of them took 18 s and 3 GB to describe."""
    request = credit.ListTransactionsRequest(account_id=rich.account_id, kinds=[UNKNOWN_KIND] * count)
    refusal = refused(rich.app.credit.ListTransactions, request)
    assert refusal.reason == ("INVALID_FIELD" if request.ByteSize() <= CALL_BYTES else "MESSAGE_TOO_LARGE")
    assert len(refusal.violations) == (refusal.reason == "INVALID_FIELD")


@pytest.mark.requirement("H2")
def test_a_small_message_has_every_violation_reported(rich: Customer) -> None:
    request = credit.ListTransactionsRequest(account_id="?", kinds=[UNKNOWN_KIND] * 5)
    told = refused(rich.app.credit.ListTransactions, request).violations
    assert sorted(told) == ["account_id", *(f"kinds[{index}]" for index in range(5))]


def test_no_more_violations_are_described_than_fit() -> None:
    request = credit.ListTransactionsRequest(account_id="?", kinds=[UNKNOWN_KIND] * 500)
    with pytest.raises(InvalidFields) as refusal:
        validate(request)
    assert len(refusal.value.violations) == MAX_VIOLATIONS


@pytest.mark.requirement("A7", "H3")
def test_what_a_deadline_of_nothing_does_is_told_to_who_asks_again(customer: Customer) -> None:
    """A deadline is good to a millisecond: what was not begun by then was not done, what was done is there."""
    customer.top_up(1_000)
    port = int(customer.service.address.rpartition(":")[2])
    token = bearer("app", ["ADMIN"]).removeprefix("Bearer ")
    connection: Connection[str] = Connection(port, token, "0n")
    statuses = []
    for _ in range(20):
        request = customer.deducting(1)
        connection.call(RESERVE.replace("Reserve", "Deduct"), request.SerializeToString(), request.request_id)
        connection.flush()
        (answer,) = eventually(connection.receive)
        statuses.append(answer.status)
        made = customer.app.credit.Deduct.with_call(request)[1]
        assert was_replayed(made) or answer.status != 0
    connection.close()
    assert set(statuses) <= {0, grpc.StatusCode.DEADLINE_EXCEEDED.value[0], RESET}
    assert customer.figures() == (980, 0)


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"\0" * 5_000, b"PRI * HTTP/2.0"]
)
def test_a_connection_that_speaks_something_else_harms_nobody(rich: Customer, sent: bytes) -> None:
    host, _, port = rich.service.address.rpartition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(sent)
        assert rich.figures() == (1_000, 0)


@pytest.mark.requirement("A8")
@pytest.mark.parametrize("amount", [INT64_MAX, INT64_MAX - 1_000, 2**53 + 1])
def test_amounts_at_the_limit_of_an_int64_do_not_overflow(rich: Customer, amount: int) -> None:
    """Neither by themselves nor in a sum."""
    app = rich.app.credit
    calls = [(app.Reserve, rich.reserving(amount)), (app.Deduct, rich.deducting(amount))]
    calls.append((rich.staff.admin.RemoveCredits, rich.removing(amount)))
    for call, request in calls:
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INSUFFICIENT_CREDIT")
        assert refusal.metadata["required"] == str(amount)


@pytest.mark.requirement("A8")
def test_amounts_at_the_limit_about_a_reservation_do_not_overflow(customer: Customer) -> None:
    customer.top_up(1_000)
    app, name = customer.app.credit, customer.hold(10)
    too_much = customer.confirming(name, INT64_MAX, allow_excess=True)
    assert refused(app.Confirm, customer.confirming(name, INT64_MAX)).reason == "AMOUNT_EXCEEDS_RESERVATION"
    assert refused(app.Confirm, too_much).reason == "INSUFFICIENT_CREDIT"
    customer.confirm(name)
    assert refused(app.Refund, customer.refunding(name, INT64_MAX)).reason == "AMOUNT_EXCEEDS_CONFIRMED"
    customer.go_unlimited()
    huge = customer.deduct(INT64_MAX).reservation
    assert (huge.confirmed_amount, customer.figures()) == (INT64_MAX, (990, 0))
    assert customer.refund(huge.name).entry.amount == INT64_MAX
    assert customer.deduct(INT64_MAX).entry.amount == INT64_MAX
    assert customer.figures() == (990, 0)


def test_many_bad_calls_at_once_do_not_hold_up_a_good_one(rich: Customer) -> None:
    """On one connection, in one go."""
    bad = [rich.app.credit.Reserve.future(credit.ReserveRequest(account_id="?")) for _ in range(200)]
    assert rich.balance().version == 1
    for call in bad:
        with pytest.raises(grpc.RpcError) as failed:
            call.result()
        assert read_refusal(failed.value).reason == "INVALID_FIELD"
