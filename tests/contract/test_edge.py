"""The gRPC edge as load balancers and tools see it: health, reflection, and a graceful end (H3)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from credit.v1 import credit_service_pb2 as credit
from tests.contract.at_once import was_replayed
from tests.support.customer import Customer
from tests.support.held_up import held_up
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("H3")

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
SERVICES = [
    "credit.v1.CreditService",
    "credit.v1.AdminService",
    "credit.v1.PaymentService",
    "credit.v1.PaymentAdminService",
    "credit.v1.WebhookService",
    "credit.v1.AccessService",
    "credit.v1.AuditService",
    "credit.v1.EventService",
    "credit.v1.EventEndpointService",
    "credit.v1.ApprovalService",
    "credit.v1.PromoService",
    "credit.v1.StatementService",
    "credit.v1.SupportService",
    "credit.v1.WorkflowService",
]


def health_of(channel: grpc.Channel, service: str = "") -> int:
    """Return what health says of a service, or of the server as a whole."""
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=20)
    status: int = answer.status
    return status


@pytest.mark.parametrize("name", ["", *SERVICES])
def test_health_is_told_of_the_server_and_of_each_service(service: RunningService, name: str) -> None:
    """To whoever asks, without a token. A busy machine may miss a look; the next one is a second away."""
    channel = service.channel()
    assert eventually(lambda: health_of(channel, name) == SERVING)


def test_health_of_a_service_that_is_not_there_is_not_found(service: RunningService) -> None:
    stub = health_pb2_grpc.HealthStub(service.channel())
    refusal = refused(stub.Check, health_pb2.HealthCheckRequest(service="credit.v1.Nothing"))
    assert refusal.code == grpc.StatusCode.NOT_FOUND


def test_health_can_be_watched(service: RunningService) -> None:
    watching = health_pb2_grpc.HealthStub(service.channel()).Watch(health_pb2.HealthCheckRequest(), timeout=20)
    assert any(seen.status == SERVING for seen in watching)
    watching.cancel()


def test_reflection_lists_the_services_and_describes_them(service: RunningService) -> None:
    database = ProtoReflectionDescriptorDatabase(service.channel())
    assert set(database.get_services()) == {
        *SERVICES,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    described = DescriptorPool(database).FindServiceByName("credit.v1.CreditService")
    assert {method.name for method in described.methods} >= {"Reserve", "Confirm", "Refund", "GetBalance"}


def test_reflection_can_be_switched_off(tmp_path: Path) -> None:
    with running_service(tmp_path, reflection=False) as service:
        with pytest.raises(grpc.RpcError) as failed:
            ProtoReflectionDescriptorDatabase(service.channel()).get_services()
        assert failed.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert eventually(lambda: health_of(service.channel()) == SERVING)


class Stopping(NamedTuple):
    """A customer of a service that is asked to stop when ``ending`` is closed; the customer's connections stay open."""

    customer: Customer
    ending: ExitStack


@pytest.fixture
def stopping(request: pytest.FixtureRequest, tmp_path: Path, account: str) -> Iterator[Stopping]:
    """Run a service of the test's own, with no time between showing that it ends and ending, or as many seconds."""
    with ExitStack() as ending:
        service = ending.enter_context(running_service(tmp_path, drain_seconds=getattr(request, "param", 0.0)))
        customer = Customer(service, service.as_caller("app", "ADMIN"), service.as_caller("staff", "ADMIN"), account)
        customer.top_up(100)
        kept, service.channels[:] = list(service.channels), []
        yield Stopping(customer, ending)
        for channel in kept:
            channel.close()


@pytest.mark.requirement("I5")
@pytest.mark.parametrize("stopping", [3.0], indirect=True)
def test_a_call_under_way_is_finished_and_new_ones_go_elsewhere(stopping: Stopping) -> None:
    """Health shows the end first, while calls are still taken; then they are turned away with a retry in sight."""
    customer, ending = stopping
    looking = grpc.insecure_channel(customer.service.address)
    with looking, ThreadPoolExecutor(1) as pool:
        with held_up(customer) as until_it_waits:
            under_way = customer.app.credit.Reserve.future(customer.reserving(30))
            until_it_waits()
            ended = pool.submit(ending.close)
            eventually(lambda: health_of(looking) == NOT_SERVING)
            assert customer.balance().available == 100
            eventually(lambda: is_turned_away(customer))
        assert under_way.result(timeout=20).balance.available == 70
        ended.result(timeout=20)
    assert refused(customer.app.credit.Reserve, customer.reserving(1)).code == grpc.StatusCode.UNAVAILABLE


def is_turned_away(customer: Customer) -> bool:
    """Tell whether a new call, on a new connection, is told to go elsewhere."""
    with grpc.insecure_channel(customer.service.address) as channel:
        try:
            health_of(channel)
        except grpc.RpcError as error:
            return bool(error.code() == grpc.StatusCode.UNAVAILABLE)
    return False


def test_a_stream_ends_with_the_word_to_go_on_elsewhere(stopping: Stopping) -> None:
    """From the version that its reader has seen."""
    customer, ending = stopping
    request = credit.WatchBalanceRequest(account_id=customer.account_id, credit_type="chat")
    stream = customer.app.credit.WatchBalance(request, timeout=20)
    assert next(stream).balance.version == 1
    ending.close()
    refusal = refused(lambda _: list(stream), None)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    assert int(refusal.trailing["grpc-retry-pushback-ms"]) > 0


@pytest.mark.requirement("A7")
def test_what_was_answered_before_the_end_is_there_for_the_next_server(customer: Customer, tmp_path: Path) -> None:
    """Its own work goes on too: a hold that a server left behind is given back by another."""
    customer.top_up(100)
    url = customer.service.config.database_url
    with running_service(tmp_path, database_url=url) as passing:
        there = Customer(passing, passing.as_caller("app", "ADMIN"), customer.staff, customer.account_id)
        request = customer.reserving(30, seconds=60)
        there.app.credit.Reserve(request)
    assert was_replayed(customer.app.credit.Reserve.with_call(request)[1])
    customer.service.clock.advance(120)
    eventually(lambda: customer.kinds()[0] == "RELEASE")
    assert customer.figures() == (100, 0)
