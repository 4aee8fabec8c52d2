"""A database that answers and is not what this version needs: every call is told to come again, until it is."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import grpc
import psycopg
import pytest
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc

from credit.v1 import credit_service_pb2 as credit
from creditd.bootstrap.credit import SERVICES
from creditd.storage.schema import migrate
from tests.support.customer import Customer
from tests.support.databases import migrate_to
from tests.support.patience import eventually, patience
from tests.support.postgres import admin_url, create_database, drop_database
from tests.support.refusals import read_refusal, refused
from tests.support.service import RunningService, running_service

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

METHODS = [(service.name, method) for service in SERVICES for method in service.methods]


@pytest.fixture(params=["nothing", "0007"])
def unready(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[RunningService]:
    """Run a service on a database that was never migrated, or not for long."""
    name = f"unready_{uuid4().hex}"
    url = create_database(admin_url(), name)
    if request.param != "nothing":
        migrate_to(url, request.param)
    with running_service(tmp_path, database_url=url, migrated=False) as service:
        yield service
    drop_database(admin_url(), name)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service on a database that tests may spoil."""
    with running_service(tmp_path_factory.mktemp("own")) as service:
        yield service


def require_all_unavailable(service: RunningService) -> None:
    """Call every method, as nobody in particular."""
    channel = service.channel()
    for service_name, method in METHODS:
        make = channel.unary_stream if method.server_streaming else channel.unary_unary
        call: Any = make(
            f"/credit.v1.{service_name}/{method.name}", lambda _: b"", GetMessageClass(method.output_type).FromString
        )
        refusal = refused(call, None, timeout=20)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE"), method.name
        assert refusal.retry is not None, method.name


def require_unavailable(stream: Any) -> None:
    """See a stream end as one that is to be opened again."""
    with pytest.raises(grpc.RpcError) as error:
        list(stream)
    refusal = read_refusal(error.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
    assert refusal.retry is not None


def health(service: RunningService) -> int:
    """Ask for the server's health."""
    return int(health_pb2_grpc.HealthStub(service.channel()).Check(health_pb2.HealthCheckRequest()).status)


def customer_of(service: RunningService, account: str) -> Customer:
    """Return a customer whom the server has not seen."""
    app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin")
    return Customer(service, app, service.as_caller("staff", "ADMIN"), account)


@pytest.mark.requirement("H2", "H3")
def test_every_call_is_unavailable_until_the_schema_is_there(unready: RunningService, account: str) -> None:
    assert health(unready) == NOT_SERVING
    require_all_unavailable(unready)
    migrate(unready.config.database_url)
    eventually(lambda: health(unready) != NOT_SERVING)
    customer = customer_of(unready, account)
    customer.top_up(10)
    assert customer.deduct(1).balance.available == 9


@pytest.mark.requirement("H3")
@pytest.mark.parametrize(
    ("spoil", "mend"),
    [
        ("UPDATE alembic_version SET version_num = '0007'", "UPDATE alembic_version SET version_num = '{}'"),
        ("UPDATE alembic_version SET version_num = 'abc'", "UPDATE alembic_version SET version_num = '{}'"),
        ("ALTER TABLE alembic_version RENAME TO away", "ALTER TABLE away RENAME TO alembic_version"),
        ("REVOKE ALL ON alembic_version FROM creditd_app", "GRANT SELECT ON alembic_version TO creditd_app"),
        ("REVOKE INSERT ON entries FROM creditd_app", "GRANT INSERT ON entries TO creditd_app"),
    ],
    ids=["older", "foreign", "gone", "forbidden", "bereft"],
)
def test_one_that_is_fit_no_more_is_used_no_more_until_it_is_again(
    own: RunningService, account: str, process_log: pytest.LogCaptureFixture, spoil: str, mend: str
) -> None:
    customer = customer_of(own, account)
    customer.top_up(10)
    watching = credit.WatchBalanceRequest(account_id=account, credit_type="chat")
    stream = customer.app.credit.WatchBalance(watching, timeout=patience(60))
    next(stream)
    with psycopg.connect(own.config.database_url, autocommit=True) as owner:
        (revision,) = owner.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
        owner.execute(spoil.encode())
        try:
            eventually(lambda: not own.server.health.takes_calls)
            assert health(own) == NOT_SERVING
            require_all_unavailable(own)
            # Whoever watched before is told to come again, and not kept waiting.
            require_unavailable(stream)
            assert sum("the database cannot be used" in line for line in process_log.messages) == 1
        finally:
            owner.execute(mend.format(revision).encode())
    eventually(lambda: own.server.health.takes_calls)
    assert customer.deduct(1).balance.available == 9


@pytest.mark.requirement("H2")
@pytest.mark.parametrize(
    ("spoil", "mend"),
    [
        ("ALTER TABLE wallets RENAME TO away", "ALTER TABLE away RENAME TO wallets"),
        ("ALTER TABLE wallets RENAME reserved TO away", "ALTER TABLE wallets RENAME away TO reserved"),
    ],
    ids=["table", "column"],
)
def test_a_table_that_is_changed_under_a_server_makes_no_defect_of_a_call(
    own: RunningService, account: str, spoil: str, mend: str
) -> None:
    """Its revision says nothing of it: somebody has changed it by hand."""
    customer = customer_of(own, account)
    customer.top_up(10)
    other = customer_of(own, f"{account}.other")
    with psycopg.connect(own.config.database_url, autocommit=True) as owner:
        owner.execute(spoil.encode())
        try:
            calls: list[tuple[Any, Any]] = [
                (customer.app.credit.Deduct, customer.deducting(1)),
                (other.app.credit.GetBalance, credit.GetBalanceRequest(account_id=other.account_id)),
            ]
            for call, request in calls:
                refusal = refused(call, request, timeout=20)
                assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
                assert refusal.retry is not None
        finally:
            owner.execute(mend.encode())
    assert customer.deduct(1).balance.available == 9


@pytest.mark.requirement("H2")
def test_a_privilege_that_is_lost_makes_no_defect_of_a_call(own: RunningService, account: str) -> None:
    """Also before the next look, a second later, has found it out."""
    customer = customer_of(own, account)
    customer.top_up(10)
    other = customer_of(own, f"{account}.other")
    with psycopg.connect(own.config.database_url, autocommit=True) as owner:
        owner.execute("REVOKE SELECT, INSERT ON entries FROM creditd_app")
        try:
            listing = credit.ListTransactionsRequest(account_id=customer.account_id)
            calls: list[tuple[Any, Any]] = [
                (customer.app.credit.Deduct, customer.deducting(1)),
                (other.app.credit.Deduct, other.deducting(1)),
                (customer.app.credit.ListTransactions, listing),
            ]
            for call, request in calls:
                refusal = refused(call, request, timeout=20)
                assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
                assert refusal.retry is not None
        finally:
            owner.execute("GRANT SELECT, INSERT ON entries TO creditd_app")
    eventually(lambda: own.server.health.takes_calls)
    assert customer.deduct(1).balance.available == 9
