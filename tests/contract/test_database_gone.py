"""A database that goes away and comes back: callers are told to come again; no server needs a restart (H2, H3)."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import psycopg
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from credit.v1 import account_flag_pb2, support_service_pb2
from credit.v1 import credit_service_pb2 as credit
from creditd.development.postgres import EmbeddedPostgres
from tests.contract.at_once import was_replayed
from tests.contract.leaks import tells_nothing_of_our_insides
from tests.contract.requests_taken import METHODS
from tests.support.customer import Customer, state_of
from tests.support.patience import eventually
from tests.support.refusals import details_of, refused
from tests.support.service import RunningService, running_service

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
SERVICES = ("", "credit.v1.CreditService", "credit.v1.AdminService")

WELL_AGAIN_SECONDS = 10
"""Health looks every second; the rest is room for a loaded machine."""


@dataclass
class Fragile:
    """A service and the PostgreSQL that is its alone."""

    service: RunningService
    postgres: EmbeddedPostgres
    is_away: bool = False

    def go(self) -> None:
        """Let the database go away."""
        self.postgres.stop()
        self.is_away = True

    def come_back(self) -> None:
        """Let the database come back, if it is away."""
        if self.is_away:
            self.postgres.start()
        self.is_away = False

    def customer(self, account: str) -> Customer:
        """Return a customer of the service."""
        app = self.service.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin")
        return Customer(self.service, app, self.service.as_caller("staff", "ADMIN"), account)

    def health(self) -> set[int]:
        """Return the health of the server as a whole and of each service."""
        stub = health_pb2_grpc.HealthStub(self.service.channel())
        return {stub.Check(health_pb2.HealthCheckRequest(service=name)).status for name in SERVICES}


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fragile]:
    """Run a service on a PostgreSQL that may be stopped."""
    with tempfile.TemporaryDirectory(prefix="gone-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres", settings={"fsync": "off"})
        postgres.start()
        try:
            with running_service(tmp_path_factory.mktemp("fragile"), database_url=postgres.url) as service:
                yield Fragile(service, postgres)
        finally:
            postgres.stop()


@pytest.fixture
def away(fragile: Fragile, account: str) -> Iterator[tuple[Fragile, Customer]]:
    """Give a customer with 100 credits of a service whose database has just gone; it comes back at the end."""
    customer = fragile.customer(account)
    eventually(lambda: succeeds(customer.balance), seconds=WELL_AGAIN_SECONDS)
    customer.top_up(100)
    fragile.go()
    try:
        yield fragile, customer
    finally:
        fragile.come_back()


FLAG = "accounts/a/flags/01890000-0000-7000-8000-000000000000"
GRANT = "accounts/a/wallets/chat/grants/01890000-0000-7000-8000-000000000000"
NAME = "accounts/a/wallets/chat/reservations/01890000-0000-7000-8000-000000000000"

WITHOUT_DATABASE: Mapping[str, Callable[[Customer], Any]] = {
    "Confirm": lambda c: c.confirming(NAME),
    "Refund": lambda c: c.refunding(NAME),
    "ExtendReservation": lambda c: c.extending(NAME, 60),
    "ReturnHold": lambda c: support_service_pb2.ReturnHoldRequest(name=NAME, reason="test", request_id=c.request_id()),
    "GetReservation": lambda _: credit.GetReservationRequest(name=NAME),
    "ListCreditTypes": lambda _: credit.ListCreditTypesRequest(),
    "GetGrant": lambda _: support_service_pb2.GetGrantRequest(name=GRANT),
    "ClearAccountFlag": lambda c: account_flag_pb2.ClearAccountFlagRequest(
        name=FLAG, reason="test", request_id=c.request_id()
    ),
}


@pytest.mark.requirement("H2")
def test_every_call_is_told_that_the_database_is_away_and_when_to_come_again(away: tuple[Fragile, Customer]) -> None:
    _, customer = away
    stubs = {**vars(customer.app.credit), **vars(customer.staff.admin), **vars(customer.staff.support)}
    for method in {**METHODS, **WITHOUT_DATABASE}:
        make = WITHOUT_DATABASE.get(method) or METHODS[method].make
        refusal = refused(stubs[method], make(customer), timeout=20)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE"), method
        assert refusal.retry is not None, method
        assert 0 < int(refusal.trailing["grpc-retry-pushback-ms"]) < 10_000, method
        assert tells_nothing_of_our_insides(refusal), method
    batch = credit.BatchDeductRequest(requests=[customer.deducting(1) for _ in range(3)])
    for result in customer.app.credit.BatchDeduct(batch).results:
        assert details_of(result.error)["reason"] == "DATABASE_UNAVAILABLE"


@pytest.mark.requirement("H3")
def test_health_shows_it_and_shows_its_return(away: tuple[Fragile, Customer]) -> None:
    fragile, customer = away
    eventually(lambda: fragile.health() == {NOT_SERVING}, seconds=WELL_AGAIN_SECONDS)
    fragile.come_back()
    eventually(lambda: fragile.health() == {SERVING}, seconds=WELL_AGAIN_SECONDS)
    assert customer.deduct(1).balance.available == 99


def test_what_needs_no_database_is_answered_meanwhile(away: tuple[Fragile, Customer]) -> None:
    """A database that is away is for each call to find out: its server goes on, and needs no check to do so again."""
    fragile, customer = away
    eventually(lambda: fragile.health() == {NOT_SERVING}, seconds=WELL_AGAIN_SECONDS)
    assert refused(customer.app.credit.Deduct, customer.deducting(-1)).reason == "INVALID_FIELD"
    stranger = fragile.service.as_caller("stranger", "USER", scope="credits.read")
    assert refused(stranger.credit.GetBalance, credit.GetBalanceRequest(account_id=customer.account_id)).code is (
        grpc.StatusCode.PERMISSION_DENIED
    )
    assert fragile.service.server.health.takes_calls


def test_all_is_well_within_seconds_of_its_return(away: tuple[Fragile, Customer]) -> None:
    """Every call, on the same server, with all that there was."""
    fragile, customer = away
    refused(customer.app.credit.Deduct, customer.deducting(1))
    fragile.come_back()
    eventually(lambda: succeeds(customer.balance), seconds=WELL_AGAIN_SECONDS)
    stubs = {**vars(customer.app.credit), **vars(customer.staff.admin), **vars(customer.staff.support)}
    for method in METHODS:
        request = METHODS[method].make(customer)
        answer = stubs[method](request, timeout=20)
        if hasattr(answer, "__next__"):
            assert next(answer)
            answer.cancel()


def succeeds(call: Callable[[], Any]) -> bool:
    """Tell whether a call is answered."""
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE  # noqa: PT017 - any other code is a defect.
        return False
    return True


@pytest.mark.requirement("A7")
def test_what_was_refused_meanwhile_was_not_done_and_succeeds_afterwards(away: tuple[Fragile, Customer]) -> None:
    fragile, customer = away
    requests = [customer.deducting(1) for _ in range(5)]
    for request in requests:
        assert refused(customer.app.credit.Deduct, request).reason == "DATABASE_UNAVAILABLE"
    fragile.come_back()
    eventually(lambda: succeeds(customer.balance), seconds=WELL_AGAIN_SECONDS)
    assert [was_replayed(customer.app.credit.Deduct.with_call(request)[1]) for request in requests] == [False] * 5
    assert customer.figures() == (95, 0)


@pytest.mark.requirement("A2")
def test_a_hold_that_ended_meanwhile_is_given_back(fragile: Fragile, account: str) -> None:
    """The sweep goes on by itself."""
    customer = fragile.customer(account)
    eventually(lambda: succeeds(customer.balance), seconds=WELL_AGAIN_SECONDS)
    customer.top_up(10)
    name = customer.hold(10, seconds=60)
    fragile.go()
    fragile.service.clock.advance(61)
    fragile.come_back()
    eventually(lambda: succeeds(customer.balance), seconds=WELL_AGAIN_SECONDS)
    assert (customer.figures(), state_of(customer.reservation(name))) == ((10, 0), "EXPIRED")
    eventually(lambda: customer.kinds()[0] == "RELEASE")


@pytest.mark.requirement("A7")
def test_connections_that_were_cut_are_replaced_without_a_call_being_done_twice(
    customer: Customer, staff: SimpleNamespace
) -> None:
    """Callers that ask again under the same request id notice nothing else."""
    customer.top_up(100)
    with psycopg.connect(customer.service.config.database_url, autocommit=True) as cutting:
        for _ in range(10):
            cutting.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            request = customer.deducting(1)
            eventually(lambda request=request: succeeds(lambda: customer.app.credit.Deduct(request)))
            eventually(lambda: succeeds(customer.entries))
            eventually(lambda: succeeds(lambda: staff.credit.ListCreditTypes(credit.ListCreditTypesRequest())))
    assert customer.figures() == (90, 0)
    assert customer.balance().version == 11
