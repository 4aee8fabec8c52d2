"""The Idempotency-Key is the request id: what it did once it does once, over HTTP as over gRPC (H5)."""

import httpx
import pytest

from credit.v1 import credit_service_pb2 as pb
from tests.gateway.envoy import act, done, got
from tests.support.service import RunningService

pytestmark = [pytest.mark.gateway, pytest.mark.requirement("H5")]


def available(over_http: httpx.Client, account: str) -> str:
    """Return what can be spent."""
    (wallet,) = got(over_http, f"accounts/{account}/balances", creditTypes="chat")["accountBalance"]["wallets"]
    return str(wallet["balance"]["available"])


def test_a_second_try_is_answered_with_the_first_answer(over_http: httpx.Client, funded: str) -> None:
    first, second = (
        act(over_http, f"accounts/{funded}/reservations", "k", creditType="chat", amount="30") for _ in "ab"
    )
    assert second.json()["reservation"]["name"] == first.json()["reservation"]["name"]
    assert (first.headers.get("replayed"), second.headers["replayed"]) == (None, "true")
    assert available(over_http, funded) == "70"


def test_a_try_over_grpc_is_a_second_one_too(over_http: httpx.Client, service: RunningService, funded: str) -> None:
    app = service.as_caller("app", "SERVICE", scope="credits.spend")
    request = pb.ReserveRequest(account_id=funded, credit_type="chat", amount=30, request_id="k")
    held = app.credit.Reserve(request).reservation.name
    again = act(over_http, f"accounts/{funded}/reservations", "k", creditType="chat", amount="30")
    assert (again.json()["reservation"]["name"], again.headers["replayed"]) == (held, "true")


@pytest.mark.parametrize("key", ["a b", "a+b", "a&b=c", "a%20b", '"quoted"', "a/b?c#d", ",;:", "x" * 255])
def test_a_key_arrives_as_it_was_sent(over_http: httpx.Client, service: RunningService, funded: str, key: str) -> None:
    held = done(over_http, f"accounts/{funded}/reservations", key, creditType="chat", amount="1")["reservation"]["name"]
    app = service.as_caller("app", "SERVICE", scope="credits.spend")
    request = pb.ReserveRequest(account_id=funded, credit_type="chat", amount=1, request_id=key)
    assert app.credit.Reserve(request).reservation.name == held


def test_an_act_without_a_key_is_refused(over_http: httpx.Client, funded: str) -> None:
    answer = over_http.post(f"/v1/accounts/{funded}/reservations", json={"creditType": "chat", "amount": "1"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "INVALID_FIELD")
    assert available(over_http, funded) == "100"


def test_a_key_that_is_too_long_is_refused(over_http: httpx.Client, funded: str) -> None:
    answer = act(over_http, f"accounts/{funded}/reservations", "x" * 256, creditType="chat", amount="1")
    assert (answer.status_code, answer.json()["reason"]) == (400, "INVALID_FIELD")


def test_the_body_may_say_it_too(over_http: httpx.Client, funded: str) -> None:
    body = {"creditType": "chat", "amount": "30", "requestId": "in the body"}
    first, second = (over_http.post(f"/v1/accounts/{funded}/reservations", json=body) for _ in "ab")
    assert first.json()["reservation"]["name"] == second.json()["reservation"]["name"]


def test_of_two_the_header_counts(over_http: httpx.Client, funded: str) -> None:
    body = {"creditType": "chat", "amount": "30", "requestId": "in the body"}
    path = f"/v1/accounts/{funded}/reservations"
    first, second = (over_http.post(path, json=body, headers={"idempotency-key": key}) for key in ("one", "two"))
    assert first.json()["reservation"]["name"] != second.json()["reservation"]["name"]
    assert available(over_http, funded) == "40"


def test_a_key_on_what_only_reads_is_nothing(over_http: httpx.Client, funded: str) -> None:
    answer = over_http.get(f"/v1/accounts/{funded}/balances", headers={"idempotency-key": "k"})
    assert answer.status_code == 200
