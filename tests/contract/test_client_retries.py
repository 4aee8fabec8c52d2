"""A client with the published service config repeats what a repeat helps, and nothing else."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from credit.v1.credit_service_pb2 import GetBalanceRequest, GetBalanceResponse
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit.v1.errors_pb2 import ErrorReason
from creditd.domain.errors import Refusal
from creditd.ledger.work import DatabaseUnavailable, Overloaded, VersionConflict
from creditd.server import status
from creditd.server.reasons import RETRY_MILLISECONDS
from creditd.server.request_sizes import CALL_BYTES
from tests.support.customer import Customer
from tests.support.error_reasons import Documented, documented
from tests.support.refusals import read_refusal, refused
from tests.support.tokens import bearer

pytestmark = pytest.mark.requirement("H2")

SERVICE_CONFIG = Path(__file__).parents[2] / "docs" / "service_config.json"
SOON_MILLISECONDS = 100

METADATA = [("authorization", bearer("app", ["ADMIN"]))]


@pytest.fixture
def stub(customer: Customer) -> Any:
    """Return a stub whose channel follows the service config; the customer has 100 credits."""
    customer.top_up(100)
    options = [("grpc.service_config", SERVICE_CONFIG.read_text())]
    channel = grpc.insecure_channel(customer.service.address, options=options)
    customer.service.channels.append(channel)
    return CreditServiceStub(channel)


@pytest.fixture
def faults(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Return a list: each error put into it refuses one work on its way to the ledger, the last one first."""
    ledger = customer.service.core.ledger
    submit: Callable[[Any], None] = ledger.submit
    planted: list[Exception] = []

    def submit_or_fail(work: Any) -> None:
        if planted:
            raise planted.pop()
        submit(work)

    monkeypatch.setattr(ledger, "submit", submit_or_fail)
    return planted


@pytest.mark.parametrize("fault", [VersionConflict, Overloaded, DatabaseUnavailable])
def test_what_a_repeat_helps_is_repeated(
    customer: Customer, stub: Any, faults: list[Exception], fault: type[Exception]
) -> None:
    faults += [fault(), fault()]
    assert stub.Reserve(customer.reserving(1), metadata=METADATA, timeout=20).balance.available == 99
    assert not faults


def planted(one: Documented) -> Exception:
    """Return an error that goes over the wire with a reason, with the figures of its example; a retry is soon."""
    if one.reason == "INTERNAL":
        return ValueError("a defect")
    kind = type("Planted", (Refusal,), {"reason": one.reason})
    facts = {fact: text for fact, text in one.metadata.items() if fact != "correlation_id"}
    if "retry_seconds" in facts:
        facts["retry_seconds"] = "1"
    error: Exception = kind(**facts)
    return error


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have callers come again soon after any refusal; tests/server/test_status.py shows how long each has them wait."""
    for reason in RETRY_MILLISECONDS:
        kind = status._KINDS[reason]._replace(next_retry=status._retries(SOON_MILLISECONDS))
        monkeypatch.setitem(status._KINDS, reason, kind)


@pytest.mark.usefixtures("soon")
def test_each_reason_is_repeated_if_its_documentation_says_so_and_no_other(
    customer: Customer, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them at once, each refusing a call of its own one time."""
    requests = {one.reason: customer.reserving(1) for one in documented().values()}
    errors = {requests[one.reason].request_id: planted(one) for one in documented().values()}
    ledger = customer.service.core.ledger
    submit: Callable[[Any], None] = ledger.submit
    seen: Counter[str] = Counter()

    def submit_or_fail(ticket: Any) -> None:
        request_id = ticket.item.origin.request_id
        seen[request_id] += 1
        if seen[request_id] == 1:
            raise errors[request_id]
        submit(ticket)

    monkeypatch.setattr(ledger, "submit", submit_or_fail)

    def outcome(reason: str) -> str:
        try:
            stub.Reserve(requests[reason], metadata=METADATA, timeout=60)
        except grpc.RpcError as error:
            return read_refusal(error).reason
        return "repeated"

    with ThreadPoolExecutor(len(requests)) as threads:
        outcomes = dict(zip(requests, threads.map(outcome, requests), strict=True))
    retried = {one.reason for one in documented().values() if one.retry}
    assert outcomes == {reason: "repeated" if reason in retried else reason for reason in requests}
    assert {reason: seen[request.request_id] for reason, request in requests.items()} == {
        reason: 2 if reason in retried else 1 for reason in requests
    }
    assert len(retried) > 1
    assert len(requests) == len(ErrorReason.values()) - 1


def test_a_bare_cancelled_is_repeated() -> None:
    """The library answers so, and not we, what reaches a server between its last call and its goodbye."""
    calls: list[GetBalanceRequest] = []

    def answer(request: GetBalanceRequest, context: grpc.ServicerContext) -> GetBalanceResponse:
        calls.append(request)
        if len(calls) == 1:
            context.abort(grpc.StatusCode.CANCELLED, "CANCELLED")
        return GetBalanceResponse()

    handler = grpc.unary_unary_rpc_method_handler(
        answer, GetBalanceRequest.FromString, GetBalanceResponse.SerializeToString
    )
    stopping = grpc.server(ThreadPoolExecutor(1))
    service = grpc.method_handlers_generic_handler("credit.v1.CreditService", {"GetBalance": handler})
    stopping.add_generic_rpc_handlers((service,))
    port = stopping.add_insecure_port("127.0.0.1:0")
    stopping.start()
    options = [("grpc.service_config", SERVICE_CONFIG.read_text())]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        assert CreditServiceStub(channel).GetBalance(GetBalanceRequest(), timeout=20) == GetBalanceResponse()
    stopping.stop(None)
    assert len(calls) == 2


def test_a_stated_version_that_has_moved_is_tried_once(customer: Customer, stub: Any) -> None:
    """Although its code, ABORTED, is one that is repeated."""
    works = customer.service.core.ledger.statistics.works
    request = customer.reserving(1, expected_version=customer.balance().version + 1)
    assert refused(stub.Reserve, request, metadata=METADATA, timeout=20).reason == "VERSION_MISMATCH"
    assert customer.service.core.ledger.statistics.works - works == 1
    assert customer.figures() == (100, 0)


def test_a_message_that_is_too_large_is_not_to_be_sent_again(customer: Customer, stub: Any) -> None:
    """Although its code, RESOURCE_EXHAUSTED, is one that is repeated."""
    request = customer.reserving(1, reason="x" * CALL_BYTES)
    refusal = refused(stub.Reserve, request, metadata=METADATA, timeout=20)
    assert refusal.reason == "MESSAGE_TOO_LARGE"
    assert refusal.trailing["grpc-retry-pushback-ms"] == "-1"
