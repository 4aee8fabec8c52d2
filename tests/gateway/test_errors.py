"""Errors over HTTP say what they say over gRPC, under statuses that fit; what Envoy itself refuses looks the same."""

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest
from google.protobuf.json_format import ParseDict

from credit.v1 import credit_service_pb2 as pb
from tests.gateway.envoy import Gateway, Shown, act, done, got
from tests.support.market import Market
from tests.support.refusals import RefusedCall, refused
from tests.support.service import RunningService

pytestmark = [pytest.mark.gateway, pytest.mark.requirement("H5", "H1")]

NOBODY = "01975c5e-0000-7000-8000-000000000000"


class Pair(NamedTuple):
    """One refusal by both ways, and the status that it has to have over HTTP."""

    status: int
    reason: str
    over_http: httpx.Response
    over_grpc: RefusedCall


class Ways(NamedTuple):
    """Who may spend, who only reads and who is nobody, over HTTP and over gRPC; and an account with 100 credits."""

    app: tuple[httpx.Client, Any]
    reader: tuple[httpx.Client, Any]
    nobody: tuple[httpx.Client, Any]
    account: str

    def reserves(self, caller: tuple[httpx.Client, Any], status: int, reason: str, /, **fields: Any) -> Pair:
        """Have a Reserve refused by both ways."""
        stated = {"creditType": "chat", "amount": "1"} | fields
        key = stated.pop("key", uuid4().hex)
        request = ParseDict(stated | {"accountId": self.account, "requestId": key}, pb.ReserveRequest())
        over_http = act(caller[0], f"accounts/{self.account}/reservations", key, **stated)
        return Pair(status, reason, over_http, refused(caller[1].Reserve, request))


@pytest.fixture
def ways(gateway: Gateway, service: RunningService, over_http: httpx.Client, funded: str) -> Iterator[Ways]:
    """Return who calls."""
    with gateway.client({"accept-language": "en"}) as nobody:
        yield Ways(
            (over_http, service.as_caller("app", "SERVICE", scope="credits.spend credits.read").credit),
            (
                gateway.as_caller("reader", "SERVICE", scope="credits.read"),
                service.as_caller("reader", "SERVICE", scope="credits.read").credit,
            ),
            (nobody, service.as_bearer("").credit),
            funded,
        )


@pytest.fixture
def pairs(ways: Ways) -> list[Pair]:
    """Make calls that are refused, each by both ways."""
    over_http, stubs = ways.app
    path = f"accounts/{ways.account}"
    held = done(over_http, f"{path}/reservations", "one", creditType="chat", amount="5")["reservation"]["name"]
    done(over_http, f"{held}:confirm")
    missing = f"{path}/wallets/chat/reservations/{NOBODY}"
    confirm = pb.ConfirmRequest(name=held, request_id=uuid4().hex)
    listing = pb.ListTransactionsRequest(account_id=ways.account, page_token="x")  # noqa: S106 - no secret, and no token.
    listed = over_http.get(f"/v1/{path}/transactions", params={"pageToken": "x"})
    one = pb.GetReservationRequest(name=missing)
    return [
        ways.reserves(ways.app, 402, "INSUFFICIENT_CREDIT", amount="101"),
        ways.reserves(ways.app, 409, "REQUEST_ID_REUSED", amount="6", key="one"),
        ways.reserves(ways.app, 400, "INVALID_FIELD", amount="0"),
        ways.reserves(ways.app, 404, "CREDIT_TYPE_NOT_FOUND", creditType="none"),
        ways.reserves(ways.app, 409, "VERSION_MISMATCH", expectedVersion="99"),
        ways.reserves(ways.app, 413, "MESSAGE_TOO_LARGE", reason="x" * 20_000),
        ways.reserves(ways.reader, 403, "PERMISSION_DENIED"),
        ways.reserves(ways.nobody, 401, "TOKEN_INVALID"),
        Pair(409, "RESERVATION_CONFIRMED", act(over_http, f"{held}:confirm"), refused(stubs.Confirm, confirm)),
        Pair(404, "RESERVATION_NOT_FOUND", over_http.get(f"/v1/{missing}"), refused(stubs.GetReservation, one)),
        Pair(400, "PAGE_TOKEN_INVALID", listed, refused(stubs.ListTransactions, listing)),
    ]


def test_a_refusal_has_the_reason_and_the_figures_of_grpc(pairs: list[Pair], shown: Shown) -> None:
    for pair in pairs:
        told, original = pair.over_http.json(), pair.over_grpc
        shown(f"HTTP {pair.over_http.status_code} {told['reason']}, gRPC {original.code.name} {original.reason}")
        assert pair.over_http.status_code == pair.status, told
        assert pair.over_http.headers["content-type"] == "application/json"
        assert (told["code"], told["reason"]) == (original.code.name, original.reason)
        assert told["reason"] == pair.reason
        assert told["message"] == original.localized.message
        (info,) = [detail for detail in told["details"] if detail["@type"].endswith("/google.rpc.ErrorInfo")]
        own = {"correlation_id", "use_time", "size"}
        assert {name: info["metadata"][name] for name in info["metadata"] if name not in own} == {
            name: fact for name, fact in original.metadata.items() if name not in own
        }
        assert told["correlationId"] == info["metadata"]["correlation_id"] == pair.over_http.headers["x-correlation-id"]


def test_who_has_no_token_is_told_what_to_show(pairs: list[Pair]) -> None:
    (answer,) = [pair.over_http for pair in pairs if pair.status == 401]
    assert answer.headers["www-authenticate"] == "Bearer"


def test_who_comes_too_early_is_told_when_to_come_back(over_http: httpx.Client, market: Market, account: str) -> None:
    """By the service, whose delay stands in RetryInfo; the same key goes through then."""
    wanted = {"packageId": "small", "provider": "PAYMENT_PROVIDER_STRIPE", "returnUrl": "https://shop.example/thanks"}
    market.act(market.fakes.apis["stripe"].misbehave, "error")
    try:
        refusal = act(over_http, f"accounts/{account}/purchases", account, **wanted)
    finally:
        market.act(market.fakes.apis["stripe"].behave)
    assert (refusal.status_code, refusal.json()["reason"]) == (503, "PROVIDER_UNAVAILABLE")
    (retry,) = [detail for detail in refusal.json()["details"] if detail["@type"].endswith("/google.rpc.RetryInfo")]
    assert int(refusal.headers["retry-after"]) == math.ceil(float(retry["retryDelay"].removesuffix("s")))
    assert done(over_http, f"accounts/{account}/purchases", account, **wanted)["purchase"]["providerReference"]


def test_the_fields_at_fault_are_named(over_http: httpx.Client, funded: str) -> None:
    answer = act(over_http, f"accounts/{funded}/reservations", creditType="chat", amount="-1")
    (fault,) = [detail for detail in answer.json()["details"] if detail["@type"].endswith("BadRequest")]
    assert [violation["field"] for violation in fault["fieldViolations"]] == ["amount"]


@pytest.mark.parametrize("language", ["vi", "th", "he"])
def test_the_message_is_in_the_callers_language(
    gateway: Gateway, service: RunningService, funded: str, language: str
) -> None:
    caller = gateway.as_caller("app", "SERVICE", scope="credits.spend", language=language)
    answer = act(caller, f"accounts/{funded}/reservations", creditType="chat", amount="101")
    app = service.as_caller("app", "SERVICE", scope="credits.spend", language=language)
    request = pb.ReserveRequest(account_id=funded, credit_type="chat", amount=101, request_id=uuid4().hex)
    assert answer.json()["message"] == refused(app.credit.Reserve, request).localized.message


@pytest.mark.parametrize("hostile", ['"}],"reason":"X', "\\", '\\"', "<script>", "{[", "\u202e", "\x7f", "{", "]"])
def test_what_a_caller_says_changes_no_error(over_http: httpx.Client, funded: str, hostile: str) -> None:
    """What is sent comes back in facts and messages, and is data there."""
    query = {"creditType": "chat", "pageToken": hostile}
    answer = over_http.get(f"/v1/accounts/{funded}/reservations", params=query)
    assert (answer.status_code, answer.json()["reason"]) == (400, "PAGE_TOKEN_INVALID")
    other = act(over_http, f"accounts/{funded}/reservations", creditType=hostile, amount="1")
    assert (other.status_code, other.json()["reason"]) == (400, "INVALID_FIELD")
    assert json.loads(other.text) == other.json()


def test_a_correlation_id_goes_through_and_comes_back(over_http: httpx.Client, account: str) -> None:
    path = f"/v1/accounts/{account}/wallets/chat/reservations/{NOBODY}"
    answer = over_http.get(path, headers={"x-correlation-id": "order-7.a"})
    assert answer.json()["correlationId"] == answer.headers["x-correlation-id"] == "order-7.a"
    assert got(over_http, f"accounts/{account}/balances")


@pytest.mark.parametrize("stated", ["no spaces", "x" * 65, "<b>"])
def test_one_that_is_none_is_replaced(over_http: httpx.Client, account: str, stated: str) -> None:
    path = f"/v1/accounts/{account}/wallets/chat/reservations/{NOBODY}"
    answer = over_http.get(path, headers={"x-correlation-id": stated})
    given = answer.headers["x-correlation-id"]
    assert given != stated
    assert answer.json()["correlationId"] == given


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("GET", "/v1/nothing", b"", 404, "PATH_NOT_FOUND"),
        ("GET", "/elsewhere", b"", 404, "PATH_NOT_FOUND"),
        ("DELETE", "/v1/accounts/ann", b"", 404, "PATH_NOT_FOUND"),
        ("POST", "/credit.v1.CreditService/Reserve", b"{}", 404, "PATH_NOT_FOUND"),
        ("GET", "/v1/creditTypes?pageSiez=1", b"", 400, "REQUEST_MALFORMED"),
        ("GET", "/v1/creditTypes?pageSize=many", b"", 400, "REQUEST_MALFORMED"),
        ("GET", "/v1/accounts/a%2Fb", b"", 400, "REQUEST_MALFORMED"),
        ("POST", "/v1/accounts/ann/reservations", b"{", 400, "REQUEST_MALFORMED"),
        ("POST", "/v1/accounts/ann/reservations", b'{"amount": "many"}', 400, "REQUEST_MALFORMED"),
        (
            "POST",
            "/v1/accounts/ann/reservations",
            b'{"ttl": "1s", "expireTime": "2027-01-01T00:00:00Z"}',
            400,
            "REQUEST_MALFORMED",
        ),
        (
            "POST",
            "/v1/reservations:batchReserve",
            b'{"requests": [{"reason": "' + b"x" * 5_000_000 + b'"}]}',
            413,
            "MESSAGE_TOO_LARGE",
        ),
    ],
)
def test_what_envoy_refuses_looks_the_same(
    over_http: httpx.Client, method: str, path: str, body: bytes, status: int, reason: str
) -> None:
    answer = over_http.request(method, path, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    assert answer.headers["content-type"] == "application/json"
    assert {*answer.json()} == {"code", "reason", "message", "correlationId", "details"}


def test_headers_that_are_too_large_are_refused(over_http: httpx.Client) -> None:
    answer = over_http.get("/v1/creditTypes", headers={"x-much": "x" * 13_000})
    assert (answer.status_code, answer.json()["reason"]) == (431, "METADATA_TOO_LARGE")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("st`pc0no'~6", "x"),
        ("x-much*", "x"),
        ("x-name", "\u00e9"),
        ("x-tab", "a\tb"),
        ("x-bytes-bin", "no base64!"),
        ("grpc-encoding", "unheard-of"),
        ("grpc-tags-bin", "x"),
        ("grpc-timeout", "soon"),
        ("grpc-timeout", "99999999999S"),
        ("te", "gzip"),
        ("x-correlation-id", "\u00e9"),
        ("accept-language", "\u00e9"),
    ],
)
def test_a_header_that_grpc_does_not_take_is_left_out(
    over_http: httpx.Client, account: str, name: str, value: str
) -> None:
    """HTTP allows them, and gRPC hangs up on a call that has one."""
    headers = [(name.encode(), value.encode("latin-1"))]
    assert over_http.get(f"/v1/accounts/{account}/balances", headers=headers).status_code == 200


def test_a_deadline_may_be_stated(over_http: httpx.Client, account: str) -> None:
    answer = over_http.get(f"/v1/accounts/{account}/balances", headers={"grpc-timeout": "1n"})
    assert (answer.status_code, answer.json()["reason"]) == (504, "DEADLINE_EXCEEDED")
    assert over_http.get(f"/v1/accounts/{account}/balances", headers={"grpc-timeout": "20S"}).status_code == 200


def test_nobody_steers_envoy_by_headers(over_http: httpx.Client, account: str) -> None:
    """They are taken out of what comes from elsewhere, this machine included."""
    steering = {"x-envoy-upstream-rq-timeout-ms": "1", "x-envoy-max-retries": "99", "x-envoy-retry-on": "5xx"}
    answer = over_http.get(f"/v1/accounts/{account}/balances", headers=steering)
    assert answer.status_code == 200
