"""A client with the published service config repeats what a repeat helps, and nothing else."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from credit.v1.credit_service_pb2 import GetBalanceRequest, GetBalanceResponse
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from creditd.ledger.work import DatabaseUnavailable, Overloaded, VersionConflict
from creditd.server.request_sizes import CALL_BYTES
from tests.support.customer import Customer
from tests.support.refusals import refused
from tests.support.tokens import bearer

pytestmark = pytest.mark.requirement("H2")

SERVICE_CONFIG = Path(__file__).parents[2] / "docs" / "service_config.json"
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
