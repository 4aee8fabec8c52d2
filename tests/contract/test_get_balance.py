"""GetBalance shows all that an account has, at this instant (A13)."""

import grpc
import pytest

from credit.v1 import account_pb2, source_pb2
from credit.v1 import credit_service_pb2 as credit
from tests.support.customer import Customer, source_of
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("A13")


def test_it_shows_total_reserved_and_available_with_version_and_time(customer: Customer) -> None:
    customer.top_up(100)
    held = customer.reserve(30)
    balance = customer.balance()
    assert (balance.account_id, balance.credit_type) == (customer.account_id, "chat")
    assert (balance.total, balance.reserved, balance.available, balance.debt) == (100, 30, 70, 0)
    assert (balance.version, balance.update_time) == (held.entry.version, held.entry.create_time)


def test_it_shows_what_is_left_by_source_in_spend_order_with_expiries(customer: Customer) -> None:
    customer.top_up(40)
    free = customer.top_up(10, source_pb2.SOURCE_FREE, seconds=5_000)
    customer.top_up(20, source_pb2.SOURCE_PROMO, seconds=9_000)
    customer.top_up(30, source_pb2.SOURCE_ADMIN)
    customer.reserve(4)
    grants = customer.wallet().grants
    assert [(source_of(grant), grant.available) for grant in grants] == [
        ("FREE", 6),
        ("PROMO", 20),
        ("ADMIN", 30),
        ("PURCHASED", 40),
    ]
    assert [grant.HasField("expire_time") for grant in grants] == [True, True, False, False]
    assert grants[0].grant_id == free.slices[0].grant_id
    assert abs(grants[0].expire_time.seconds - customer.after(5_000).seconds) < 60


def test_it_shows_every_credit_type_or_those_asked_for(customer: Customer) -> None:
    customer.top_up(100)
    everything = customer.account_balance()
    codes = [wallet.balance.credit_type for wallet in everything.wallets]
    assert codes == sorted(codes)
    assert {"spec", "chat", "quiz_gen", "THB"} <= set(codes)
    some = [wallet.balance for wallet in customer.account_balance("spec", "chat", "spec").wallets]
    assert [(balance.credit_type, balance.available) for balance in some] == [("chat", 100), ("spec", 1)]


def test_a_wallet_before_its_first_movement_is_empty(customer: Customer) -> None:
    balance = customer.balance("THB")
    assert (balance.total, balance.version, len(customer.wallet("THB").grants)) == (0, 0, 0)
    assert not balance.HasField("update_time")


def test_an_unknown_credit_type_is_not_found(customer: Customer) -> None:
    request = credit.GetBalanceRequest(account_id=customer.account_id, credit_types=["chat", "nothing"])
    refusal = refused(customer.app.credit.GetBalance, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "CREDIT_TYPE_NOT_FOUND")
    assert refusal.metadata["credit_type"] == "nothing"


def test_it_shows_status_and_plan(customer: Customer) -> None:
    assert customer.account_balance().status == account_pb2.ACCOUNT_STATUS_ACTIVE
    assert customer.account_balance().plan.kind == account_pb2.PLAN_KIND_STANDARD
    account = customer.go_unlimited(3_600)
    customer.become(account_pb2.ACCOUNT_STATUS_SUSPENDED)
    found = customer.account_balance()
    assert found.status == account_pb2.ACCOUNT_STATUS_SUSPENDED
    assert (found.plan, found.plan.kind) == (account.plan, account_pb2.PLAN_KIND_UNLIMITED)


def test_many_accounts_come_in_the_order_asked_for(customer: Customer) -> None:
    """One that was never seen is opened, one that is named twice comes twice."""
    rich, unseen = customer.another("rich"), customer.another("unseen")
    rich.top_up(50)
    customer.top_up(7)
    ids = [rich.account_id, unseen.account_id, customer.account_id, rich.account_id]
    request = credit.BatchGetBalancesRequest(account_ids=ids, credit_types=["chat", "spec"])
    found = customer.app.credit.BatchGetBalances(request).account_balances
    assert [balance.account_id for balance in found] == ids
    assert [[wallet.balance.available for wallet in one.wallets] for one in found] == [[50, 1], [0, 1], [7, 1], [50, 1]]
    assert found[0] == rich.account_balance("chat", "spec")


def test_a_thousand_accounts_come_in_one_call_and_no_more(customer: Customer) -> None:
    ids = [f"{customer.account_id}.{number}" for number in range(1_001)]
    refusal = refused(customer.app.credit.BatchGetBalances, credit.BatchGetBalancesRequest(account_ids=ids))
    assert (refusal.code, refusal.violations) == (grpc.StatusCode.INVALID_ARGUMENT, ["account_ids"])
    request = credit.BatchGetBalancesRequest(account_ids=ids[:1_000], credit_types=["spec"])
    found = customer.app.credit.BatchGetBalances(request).account_balances
    assert [one.wallets[0].balance.available for one in found] == [1] * 1_000


@pytest.mark.requirement("A2")
def test_many_holds_that_end_at_once_are_all_back_at_that_instant(customer: Customer) -> None:
    customer.top_up(1_200)
    for part in range(0, 1_200, 400):
        requests = [customer.reserving(1, seconds=60 + part // 400) for _ in range(400)]
        customer.app.credit.BatchReserve(credit.BatchReserveRequest(requests=requests))
    assert customer.figures() == (0, 1_200)
    customer.service.clock.advance(63)
    assert customer.figures() == (1_200, 0)
