"""What a caller sends along is bounded before anything reads it, also for those who keep to no announced limit."""

import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.server.headers import MAX_HEADER_BYTES, MAX_HEADERS, read_headers
from creditd.server.refusals import MetadataTooLarge, TokenInvalid
from tests.support.customer import Customer
from tests.support.raw_http2 import RawConnection
from tests.support.refusals import refused
from tests.support.service import RunningService
from tests.support.tokens import bearer

pytestmark = pytest.mark.requirement("H3")

RESOURCE_EXHAUSTED, UNAUTHENTICATED = 8, 16
BALANCE = "/credit.v1.CreditService/GetBalance"


def test_what_calls_carry_is_read_by_name() -> None:
    assert read_headers((("te", "trailers"), ("x-a", "1"), ("x-a", "2"))) == {"te": "trailers", "x-a": "2"}
    assert read_headers(None) == {}


@pytest.mark.parametrize(
    "metadata",
    [
        [("x-a", "1")] * (MAX_HEADERS + 1),
        [(f"x-{number}", "1") for number in range(MAX_HEADERS + 1)],
        [("accept-language", "x" * MAX_HEADER_BYTES)],
        [("x" * MAX_HEADER_BYTES, "1")],
        [("x-bin", b"x" * MAX_HEADER_BYTES)],
    ],
    ids=["one name", "many names", "long value", "long name", "binary"],
)
def test_too_much_is_refused(metadata: list[tuple[str, str | bytes]]) -> None:
    with pytest.raises(MetadataTooLarge):
        read_headers(metadata)


def test_two_tokens_are_refused() -> None:
    """Even the same one twice."""
    with pytest.raises(TokenInvalid):
        read_headers([("authorization", "Bearer a"), ("te", "trailers"), ("authorization", "Bearer a")])


def status_with(service: RunningService, *fields: tuple[bytes, bytes], token: str = "") -> int:
    """Make a call with more headers, as a client would that keeps to no limit; return its grpc-status."""
    with RawConnection(service.address, token) as connection:
        stream = connection.begin(BALANCE, fields)
        connection.say(stream, 0, end=True)
        return next(status for ended, status in connection.ends() if ended == stream)


def test_megabytes_of_headers_are_refused_without_a_token(service: RunningService) -> None:
    """Before anything is made of them."""
    assert status_with(service, (b"accept-language", b"th," * 1_000_000)) == RESOURCE_EXHAUSTED
    assert status_with(service, *[(b"x-a", b"1")] * 5_000) == RESOURCE_EXHAUSTED


def test_a_call_with_two_tokens_is_nobodys(service: RunningService) -> None:
    """Whatever a proxy in front has checked, it was one of them."""
    token = bearer("app", ["ADMIN"])
    assert (
        status_with(service, (b"authorization", token.encode()), token=token.removeprefix("Bearer ")) == UNAUTHENTICATED
    )


def test_the_refusal_says_what_the_limits_are(customer: Customer) -> None:
    refusal = refused(
        customer.app.credit.GetBalance,
        credit.GetBalanceRequest(account_id=customer.account_id),
        metadata=[("x-a", "1")] * 65,
    )
    assert (refusal.code.name, refusal.reason) == ("RESOURCE_EXHAUSTED", "METADATA_TOO_LARGE")
    assert refusal.metadata["maximum"] == str(MAX_HEADER_BYTES)
    assert refusal.metadata["maximum_count"] == str(MAX_HEADERS)
