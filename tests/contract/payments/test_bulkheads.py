"""What one kind of call waits for keeps no other kind waiting, and nobody works for a caller that has gone."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc
import psycopg
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from psycopg import sql

from credit.v1 import account_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import payment_service_pb2 as payment
from creditd.domain.resource_names import account_name
from tests.contract.payments.shopper import Shopper
from tests.support.customer import Customer
from tests.support.held_up import Locked, locked
from tests.support.market import STRIPE
from tests.support.patience import eventually, patience
from tests.support.refusals import read_refusal, refused
from tests.support.signed_webhooks import body_of, signed, stripe_event

VERIFY = admin.VerifyLedgerRequest()
REJECTED = payment_admin.ListRejectedWebhooksRequest()

NOTICED_SECONDS = patience(20)
"""A call that took longer has been held up; it takes milliseconds."""


@pytest.fixture
def seen(customer: Customer) -> Customer:
    """Return a customer with a movement."""
    customer.top_up(100)
    return customer


class Abandonable:
    """Calls that wait, each of them to be given up at the end."""

    def __init__(self) -> None:
        """Begin with none."""
        self.calls: list[Any] = []

    def begin(self, call: Any, *requests: Any) -> list[Any]:
        """Begin calls that have one answer, and return them."""
        begun = [call.future(request) for request in requests]
        self.calls += begun
        return begun

    def stream(self, call: Any, request: Any) -> Any:
        """Begin a call that has many answers."""
        self.calls.append(call(request))
        return self.calls[-1]

    def give_up(self) -> None:
        """Give all of them up."""
        for call in self.calls:
            call.cancel()


@contextmanager
def held(customer: Customer, table: str, beside: str = "") -> Iterator[tuple[Locked, Abandonable]]:
    """Lock a table until the block ends, and give up all calls then; count who has another one locked beside it."""
    calls = Abandonable()
    with ExitStack() as ending:
        held_table = ending.enter_context(locked(customer.service, table, beside))
        ending.callback(calls.give_up)
        yield held_table, calls


@contextmanager
def waiting_for_longer(customer: Customer, table: Locked, name: str) -> Iterator["Future[Any]"]:
    """Have somebody else wait for a table, with the service's own lock time-out, from before the block on."""
    url = customer.service.config.database_url
    with psycopg.connect(url, options="-c lock_timeout=5s") as connection, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(connection.execute, sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(name)))
        table.until(1)
        yield waiting
        connection.cancel()


def history(customer: Customer) -> credit.ListTransactionsRequest:
    """Return the request for a customer's ledger."""
    return credit.ListTransactionsRequest(account_id=customer.account_id)


def holds(customer: Customer) -> credit.ListReservationsRequest:
    """Return the request for a customer's reservations."""
    return credit.ListReservationsRequest(account_id=customer.account_id)


def hook() -> dict[str, Any]:
    """Return an event that is of no interest."""
    return stripe_event("customer.created", {"id": "cus_1"})


def is_answered(call: Any) -> bool:
    """Tell whether a call was answered. One that had waited for its longest was cut off as UNAVAILABLE, and was not."""
    return bool(call.done() and call.code() is not grpc.StatusCode.UNAVAILABLE)


def assert_others_go_on(shopper: Shopper, customer: Customer) -> None:
    """A webhook is taken in, an account, its ledger and its balance are read, and health is looked at."""
    stored = shopper.staff.webhook.IngestWebhook(
        signed(shopper.market, STRIPE, body_of(hook())), timeout=NOTICED_SECONDS
    )
    assert stored.result
    request = admin.GetAccountRequest(name=account_name(customer.account_id))
    assert customer.staff.admin.GetAccount(request, timeout=NOTICED_SECONDS).account_overview.account.account_id
    assert customer.staff.credit.ListTransactions(history(customer), timeout=NOTICED_SECONDS).entries
    assert customer.balance().available == 100
    assert_health_is_looked_at(customer)


def assert_health_is_looked_at(customer: Customer) -> None:
    """Looked at anew while this waits, and found well."""
    health = customer.service.server.health
    before = health.answered
    eventually(lambda: health.answered > before)
    stub = health_pb2_grpc.HealthStub(customer.service.channel())
    answer = stub.Check(health_pb2.HealthCheckRequest(service=""))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.requirement("J5")
def test_verifications_hold_up_nobody_else(shopper: Shopper, seen: Customer) -> None:
    """One is under way, the others wait in line; those who gave up are not waited for."""
    verify = seen.staff.admin.VerifyLedger
    with held(seen, "grants", beside="entries") as (table, calls):
        calls.stream(verify, VERIFY)
        table.until(1)
        for _ in range(3):
            assert refused(verify, VERIFY, timeout=0.2).code == grpc.StatusCode.DEADLINE_EXCEEDED
        waiting = [calls.stream(verify, VERIFY) for _ in range(4)]
        stored = shopper.staff.webhook.IngestWebhook(signed(shopper.market, STRIPE, body_of(hook())))
        assert stored.result
        assert seen.staff.admin.GetAccount(
            admin.GetAccountRequest(name=account_name(seen.account_id))
        ).account_overview.account.account_id
        assert seen.staff.credit.ListTransactions(history(seen)).entries
        assert_health_is_looked_at(seen)
        assert table.waiting == 1
        assert not any(is_answered(call) for call in waiting)


@pytest.mark.requirement("J5")
def test_queries_of_staff_hold_up_nobody_else(shopper: Shopper, seen: Customer) -> None:
    with held(seen, "rejected_webhooks") as (table, calls):
        begun = calls.begin(seen.staff.payment_admin.ListRejectedWebhooks, *[REJECTED] * 8)
        another = seen.service.as_caller("another", "ADMIN")
        begun += calls.begin(another.payment_admin.ListRejectedWebhooks, *[REJECTED] * 8)
        table.until(2)
        assert_others_go_on(shopper, seen)
        assert not any(is_answered(call) for call in begun)


@pytest.mark.requirement("J5")
def test_one_of_the_staff_holds_up_no_other(seen: Customer) -> None:
    with held(seen, "rejected_webhooks") as (table, calls):
        begun = calls.begin(seen.staff.payment_admin.ListRejectedWebhooks, *[REJECTED] * 8)
        table.until(1)
        another = seen.service.as_caller("another", "ADMIN")
        request = admin.ListAccountsRequest(page_size=1)
        assert another.admin.ListAccounts(request, timeout=NOTICED_SECONDS).account_overviews
        assert not any(is_answered(call) for call in begun)


@pytest.mark.requirement("J5")
def test_credit_types_that_are_not_there_hold_up_no_other_look_up(seen: Customer) -> None:
    with held(seen, "credit_types") as (table, calls):
        unknown = credit.GetBalanceRequest(account_id=seen.account_id, credit_types=["unknown"])
        begun = calls.begin(seen.staff.credit.GetBalance, *[unknown] * 8)
        table.until(1)
        request = admin.GetAccountRequest(name=account_name(seen.account_id))
        assert seen.staff.admin.GetAccount(request).account_overview.account.account_id
        assert not any(is_answered(call) for call in begun)


@pytest.mark.requirement("J5")
def test_lookups_hold_up_neither_health_nor_webhooks(shopper: Shopper, seen: Customer) -> None:
    with held(seen, "packages") as (table, calls):
        begun = calls.begin(seen.staff.payment.ListPackages, *[payment.ListPackagesRequest()] * 6)
        table.until(2)
        stored = shopper.staff.webhook.IngestWebhook(signed(shopper.market, STRIPE, body_of(hook())))
        assert stored.result
        assert seen.staff.credit.ListTransactions(history(seen)).entries
        assert_health_is_looked_at(seen)
        assert not any(is_answered(call) for call in begun)


@pytest.mark.requirement("J5")
def test_one_accounts_pages_hold_up_no_other_accounts(shopper: Shopper, seen: Customer) -> None:
    with held(seen, "reservations") as (table, calls):
        slow = seen.another("slow")
        begun = calls.begin(seen.staff.credit.ListReservations, *[holds(slow)] * 8)
        table.until(2)
        stored = shopper.staff.webhook.IngestWebhook(signed(shopper.market, STRIPE, body_of(hook())))
        assert stored.result
        assert seen.staff.credit.ListTransactions(history(seen)).entries
        assert_health_is_looked_at(seen)
        assert not any(is_answered(call) for call in begun)


@pytest.mark.requirement("J5")
def test_a_flood_from_one_account_is_refused_and_others_are_not(seen: Customer) -> None:
    with held(seen, "reservations") as (table, calls):
        flood = calls.begin(seen.staff.credit.ListReservations, *[holds(seen.another("flood"))] * 230)
        table.until(2)
        refusals = eventually(lambda: [call for call in flood if call.done()])
        refusal = read_refusal(refusals[0].exception())
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert refusal.retry
        assert seen.staff.credit.ListTransactions(history(seen)).entries


def test_a_read_ends_with_its_caller(seen: Customer) -> None:
    """Its statement is cancelled: one that began to wait before it, with the same time limit, still waits."""
    with held(seen, "reservations") as (table, calls), waiting_for_longer(seen, table, "reservations") as longer:
        (begun,) = calls.begin(seen.staff.credit.ListReservations, holds(seen))
        table.until(2)
        begun.cancel()
        table.until(1)
        assert not longer.done()


def test_a_verification_ends_with_its_caller(seen: Customer) -> None:
    """With the statement that it is at; and the next in line, whose caller has gone too, never begins."""
    verify = seen.staff.admin.VerifyLedger
    with held(seen, "grants") as (table, calls), waiting_for_longer(seen, table, "grants") as longer:
        first, second = (calls.stream(verify, VERIFY) for _ in range(2))
        table.until(2)
        second.cancel()
        first.cancel()
        table.until(1)
        assert not longer.done()
        calls.stream(verify, VERIFY)
        table.until(2)


@pytest.mark.requirement("H2")
def test_what_takes_too_long_is_unavailable_for_now(seen: Customer) -> None:
    """The read's time limit is over long before the lock is gone, and the caller hears when to come back."""
    with held(seen, "reservations"):
        refusal = refused(seen.staff.credit.ListReservations, holds(seen), timeout=20)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
    assert refusal.retry


@pytest.mark.requirement("H2")
def test_a_statement_that_is_cancelled_is_unavailable_for_now(seen: Customer) -> None:
    """A read, a command of the ledger, and a change of an account alike; nothing of them is done."""
    plan = admin.SetPlanRequest(
        name=account_name(seen.account_id),
        plan=account_pb2.Plan(kind=account_pb2.PLAN_KIND_UNLIMITED),
        reason="test",
        request_id=seen.request_id(),
    )
    with locked(seen.service, "wallets") as table, ThreadPoolExecutor(1) as pool:
        for call, request in (
            (seen.staff.credit.ListTransactions, history(seen)),
            (seen.app.credit.Reserve, seen.reserving(1)),
            (seen.staff.admin.SetPlan, plan),
        ):
            outcome = pool.submit(refused, call, request)
            while not outcome.done():
                table.cancel()
            refusal = outcome.result()
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
            assert refusal.retry
    assert seen.figures() == (100, 0)
