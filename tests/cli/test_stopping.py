"""`creditd serve` told to stop: what is under way is finished, nothing is lost, and the process ends in time."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from credit.v1 import admin_service_pb2, money_pb2, package_pb2
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import payment_service_pb2 as payment
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit.v1.payment_admin_service_pb2_grpc import PaymentAdminServiceStub
from credit.v1.payment_service_pb2_grpc import PaymentServiceStub
from creditd.ledger.ids import uuid7
from tests.support.databases import migrated_database
from tests.support.market import PACKAGE, PRICE, STRIPE, Front, open_front
from tests.support.patience import eventually
from tests.support.ports import free_address
from tests.support.postgres import service_url
from tests.support.programs import PATIENCE_SECONDS, Creditd, Started
from tests.support.refusals import RefusedCall, read_refusal
from tests.support.tokens import bearer, write_public_key

pytestmark = pytest.mark.requirement("H3", "I5")

LISTENING = '"message":"listening"'
STOPPING = '"message":"stopping"'
WAITING = '"message":"waiting for providers"'
STOPPED = '"message":"stopped"'

METADATA = (("authorization", bearer("staff", ["ADMIN"])),)

CALLERS = 64
"""Callers that call again and again while the server stops."""

BEGUN = 300
"""Calls that are answered before the stop begins."""

SPENT = "SELECT count(*) FROM entries WHERE available_delta = -1"

TURNED_AWAY = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}

MANY = 40
"""Works that wait for the ledger."""


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    """Keep the fake providers."""
    with open_front() as front:
        yield front


@pytest.fixture
def database() -> Iterator[str]:
    """Return the URL of a database of the test's own, with the schema."""
    with migrated_database() as url:
        yield url


@pytest.fixture
def creditd(tmp_path: Path, database: str, front: Front) -> Creditd:
    """Return `creditd` with the fake providers, and no pause before it stops."""
    shop = {
        f"CREDITD_{name.upper()}": ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in front.fakes.settings.items()
    }
    own = {
        "CREDITD_DATABASE_URL": service_url(database),
        "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(tmp_path)),
        "CREDITD_PAGE_TOKEN_SECRET": "the secret of a test that is long enough",
        "CREDITD_LISTEN": free_address(),
        "CREDITD_METRICS_LISTEN": "",
        "CREDITD_DRAIN_SECONDS": "0",
        "CREDITD_SHUTDOWN_GRACE_SECONDS": str(PATIENCE_SECONDS),
    }
    return Creditd(tmp_path, shop | own)


@pytest.fixture
def channel(creditd: Creditd) -> Iterator[grpc.Channel]:
    """Provide a connection."""
    with grpc.insecure_channel(creditd.settings["CREDITD_LISTEN"]) as channel:
        yield channel


@contextmanager
def serving(creditd: Creditd) -> Iterator[Started]:
    """Serve until the block ends."""
    with creditd.started("serve") as started:
        started.says(LISTENING)
        # On a machine that is busy the first look at the database may be late: then calls are refused at first.
        with grpc.insecure_channel(creditd.settings["CREDITD_LISTEN"]) as channel:
            health = HealthStub(channel)
            eventually(lambda: health.Check(HealthCheckRequest()).status == HealthCheckResponse.SERVING)
        yield started


def one(database: str, query: Any) -> Any:
    """Return what a query finds."""
    with psycopg.connect(database) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def sell(channel: grpc.Channel) -> None:
    """Put a package on sale."""
    package = package_pb2.Package(
        package_id=PACKAGE,
        display_name="Small",
        price=money_pb2.Money(amount=PRICE, currency="THB"),
        credit_type="chat",
        credits=90,
        bonus=10,
    )
    request = payment_admin.CreatePackageRequest(package=package, request_id=uuid7())
    stub = PaymentAdminServiceStub(channel)
    stub.CreatePackage(request, metadata=METADATA, timeout=PATIENCE_SECONDS, wait_for_ready=True)


def top_up(channel: grpc.Channel, account: str, amount: int = 1_000) -> None:
    """Add credits."""
    request = admin_service_pb2.AddCreditsRequest(
        account_id=account,
        amounts=[admin_service_pb2.CreditAmount(credit_type="chat", amount=amount)],
        reason="test",
        request_id=uuid7(),
    )
    AdminServiceStub(channel).AddCredits(request, metadata=METADATA, timeout=PATIENCE_SECONDS, wait_for_ready=True)


def begin_to_deduct(channel: grpc.Channel, account: str, times: int) -> list[Any]:
    """Begin to deduct a credit so many times."""
    stub = CreditServiceStub(channel)
    requests = [
        credit.DeductRequest(account_id=account, credit_type="chat", amount=1, request_id=uuid7()) for _ in range(times)
    ]
    return [stub.Deduct.future(request, metadata=METADATA, timeout=PATIENCE_SECONDS) for request in requests]


@contextmanager
def wallet_held(database: str, account: str) -> Iterator[None]:
    """Lock a wallet, and let the ledger come to wait for it, until the block ends."""
    with psycopg.connect(database) as holding:
        holding.execute("SELECT FROM wallets WHERE account_id = %s FOR UPDATE", [account])
        yield


def is_waited_for(database: str) -> bool:
    """Tell whether a statement waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(one(database, waiting))


def is_apart(database: str) -> bool:
    """Tell whether the ledger has set works apart, and asks for what is free of their wallets."""
    asking = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%SKIP LOCKED%'"
    return bool(one(database, f"{asking} AND pid <> pg_backend_pid()"))


def test_a_purchase_that_is_asked_for_is_finished_though_its_caller_has_gone(
    creditd: Creditd, channel: grpc.Channel, front: Front, database: str
) -> None:
    """The provider answers only when the stop waits for nothing else any more: what it answers is stored."""
    stripe = front.fakes.apis["stripe"]
    with serving(creditd) as started, ThreadPoolExecutor(1) as pool:
        sell(channel)
        # Every call, as what looks for payments in the background calls too.
        stripe.misbehave("slow", seconds=PATIENCE_SECONDS)
        request = payment.CreatePurchaseRequest(
            account_id="ann",
            package_id=PACKAGE,
            provider=STRIPE,
            return_url="https://shop.example/thanks",
            request_id=uuid7(),
        )
        call = PaymentServiceStub(channel).CreatePurchase.future(request, metadata=METADATA)
        eventually(lambda: one(database, "SELECT ask_end_time FROM purchases"), PATIENCE_SECONDS)
        call.cancel()
        stopped = pool.submit(started.stop)
        started.says(WAITING)
        assert not one(database, "SELECT count(*) FROM purchases WHERE reference <> ''")
        stripe.behave()
        assert stopped.result(PATIENCE_SECONDS) == 0
        assert started.said.index(STOPPING) < started.said.index(WAITING) < started.said.index(STOPPED)
    assert one(database, "SELECT reference FROM purchases WHERE state = 1")
    assert one(database, "SELECT count(*) FROM purchases") == 1


def test_works_that_wait_for_the_ledger_are_done_and_answered(
    creditd: Creditd, channel: grpc.Channel, database: str
) -> None:
    with serving(creditd) as started, ThreadPoolExecutor(1) as pool:
        top_up(channel, "ann")
        top_up(channel, "bob")
        with wallet_held(database, "ann"):
            calls = begin_to_deduct(channel, "ann", 1)
            eventually(lambda: is_apart(database), PATIENCE_SECONDS)
            calls += begin_to_deduct(channel, "bob", MANY)
            stopped = pool.submit(started.stop)
            started.says(STOPPING)
        assert stopped.result(PATIENCE_SECONDS) == 0
        codes = Counter(call.code() for call in calls)
    # Those that the server had not taken when it stopped were turned away, by it or by the library.
    assert codes.keys() <= {grpc.StatusCode.OK, *TURNED_AWAY}
    assert codes[grpc.StatusCode.OK]
    assert one(database, SPENT) == codes[grpc.StatusCode.OK]


def test_it_ends_in_time_whatever_does_not(creditd: Creditd, channel: grpc.Channel, database: str) -> None:
    """A table is locked for longer than the grace: reads, a verification and a command are cut short."""
    creditd.settings["CREDITD_SHUTDOWN_GRACE_SECONDS"] = "1"
    with serving(creditd) as started:
        top_up(channel, "ann")
        with psycopg.connect(database) as holding:
            holding.execute("LOCK TABLE grants, wallets IN ACCESS EXCLUSIVE MODE")
            stub = AdminServiceStub(channel)
            verifying = stub.VerifyLedger(admin_service_pb2.VerifyLedgerRequest(), metadata=METADATA)
            calls = begin_to_deduct(channel, "ann", 3)
            reading = credit.ListTransactionsRequest(account_id="ann")
            calls.append(CreditServiceStub(channel).ListTransactions.future(reading, metadata=METADATA))
            eventually(lambda: is_waited_for(database), PATIENCE_SECONDS)
            assert started.stop() == 0
            assert started.said.count(STOPPED) == 1
            assert {call.code() for call in calls} <= TURNED_AWAY
            assert verifying.code() != grpc.StatusCode.OK
    assert one(database, "SELECT available FROM wallets WHERE account_id = 'ann'") == 1_000


def test_every_call_is_answered_at_a_stop_and_a_repeat_is_safe(
    creditd: Creditd, channel: grpc.Channel, database: str
) -> None:
    """What was under way is done, what came later is told why it was not; each id is spent once at the end."""
    stub = CreditServiceStub(channel)
    done: list[str] = []
    turned_away: list[tuple[credit.DeductRequest, RefusedCall]] = []

    def call_until_turned_away() -> None:
        while True:
            request = credit.DeductRequest(account_id="ann", credit_type="chat", amount=1, request_id=uuid7())
            try:
                stub.Deduct(request, metadata=METADATA, timeout=PATIENCE_SECONDS)
            except grpc.RpcError as error:
                turned_away.append((request, read_refusal(error)))
                return
            done.append(request.request_id)

    with serving(creditd) as started, ThreadPoolExecutor(CALLERS) as pool:
        top_up(channel, "ann", 1_000_000)
        calling = [pool.submit(call_until_turned_away) for _ in range(CALLERS)]
        eventually(lambda: len(done) >= BEGUN, PATIENCE_SECONDS)
        assert started.stop() == 0
        for caller in calling:
            caller.result(PATIENCE_SECONDS)
    told = Counter((refusal.code, refusal.reason, refusal.retry is not None) for _, refusal in turned_away)
    assert told == {(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", True): CALLERS}
    assert one(database, SPENT) >= len(done)
    with serving(creditd):
        for request, _ in turned_away:
            stub.Deduct(request, metadata=METADATA, timeout=PATIENCE_SECONDS, wait_for_ready=True)
    assert one(database, SPENT) == len(done) + CALLERS


def test_a_stop_is_said_to_who_watches(creditd: Creditd, channel: grpc.Channel) -> None:
    """A stream has no end of its own: it is not waited for, and its caller is told to come again."""
    request = credit.WatchBalanceRequest(account_id="ann", credit_type="chat")
    with serving(creditd) as started:
        top_up(channel, "ann")
        stream = CreditServiceStub(channel).WatchBalance(request, metadata=METADATA, timeout=PATIENCE_SECONDS)
        assert next(stream).balance.available == 1_000
        assert started.stop() == 0
        with pytest.raises(grpc.RpcError) as error:
            next(stream)
    refusal = read_refusal(error.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    assert refusal.retry is not None
