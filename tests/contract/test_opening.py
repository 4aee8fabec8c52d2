"""An account that was never seen is opened by its first use, with its sign-up credits, exactly once (A11)."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from credit.v1 import account_pb2, source_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from creditd.domain.resource_names import account_name
from tests.contract.at_once import at_once, reasons
from tests.support.customer import Customer, kind_of, slices_of
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("A11")


def is_open(customer: Customer) -> bool:
    """Tell whether staff find the account."""
    try:
        customer.staff.admin.GetAccount(admin.GetAccountRequest(name=account_name(customer.account_id)))
    except grpc.RpcError:
        return False
    return True


FIRST_USES: dict[str, Callable[[Customer], Any]] = {
    "GetBalance": lambda customer: customer.balance(),
    "BatchGetBalances": lambda customer: customer.app.credit.BatchGetBalances(
        credit.BatchGetBalancesRequest(account_ids=[customer.account_id])
    ),
    "WatchBalance": lambda customer: next(
        customer.app.credit.WatchBalance(
            credit.WatchBalanceRequest(account_id=customer.account_id, credit_type="spec"), timeout=20
        )
    ),
    "Reserve": lambda customer: customer.reserve(1, credit_type="spec"),
    "Deduct": lambda customer: customer.deduct(1, credit_type="spec"),
    "a refused Reserve": lambda customer: refused(customer.app.credit.Reserve, customer.reserving(5)),
    "AddCredits": lambda customer: customer.top_up(5),
    "SetPlan": lambda customer: customer.go_unlimited(),
    "SetLimits": lambda customer: customer.limit(),
    "SetBalanceAlerts": lambda customer: customer.staff.admin.SetBalanceAlerts(customer.alerting(chat=1)),
}


@pytest.mark.parametrize("use", FIRST_USES)
def test_the_first_use_opens_it_with_its_sign_up_credits(customer: Customer, use: str) -> None:
    FIRST_USES[use](customer)
    assert is_open(customer)
    *_, first = customer.entries("spec")
    assert (kind_of(first), first.version, first.amount, first.actor) == ("GRANT", 1, 1, "system")
    assert slices_of(first) == [("FREE", 1)]
    assert [kind_of(entry) for entry in customer.entries("")].count("GRANT") == 1


LOOKS: dict[str, Callable[[Customer], Any]] = {
    "GetAccount": lambda customer: refused(
        customer.staff.admin.GetAccount, admin.GetAccountRequest(name=account_name(customer.account_id))
    ),
    "ListTransactions": lambda customer: customer.page(),
    "ListReservations": lambda customer: customer.app.credit.ListReservations(
        credit.ListReservationsRequest(account_id=customer.account_id)
    ),
    "ListAccounts": lambda customer: customer.staff.admin.ListAccounts(
        admin.ListAccountsRequest(account_id_prefix=customer.account_id)
    ),
    "VerifyLedger": lambda customer: list(
        customer.staff.admin.VerifyLedger(admin.VerifyLedgerRequest(account_id=customer.account_id))
    ),
    "RemoveCredits": lambda customer: refused(customer.staff.admin.RemoveCredits, customer.removing(1)),
    "a dry run": lambda customer: customer.reserve(1, credit_type="spec", validate_only=True),
    "an invalid request": lambda customer: refused(customer.app.credit.Reserve, customer.reserving(0)),
    "an unknown credit type": lambda customer: refused(
        customer.app.credit.Reserve, customer.reserving(1, credit_type="nothing")
    ),
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_at_it_does_not_open_it(customer: Customer, look: str) -> None:
    LOOKS[look](customer)
    assert not is_open(customer)


@pytest.mark.requirement("A8")
def test_50_first_uses_at_once_open_it_once(customer: Customer) -> None:
    """Whatever they are; the one credit is spent once."""
    uses = [
        *[(customer.app.credit.Deduct, customer.deducting(1, credit_type="spec")) for _ in range(20)],
        *[(customer.app.credit.GetBalance, credit.GetBalanceRequest(account_id=customer.account_id))] * 20,
        *[(customer.app.credit.Reserve, customer.reserving(1)) for _ in range(10)],
    ]
    outcomes = at_once(lambda use: use[0](use[1]), uses)
    assert reasons(outcomes) == ["INSUFFICIENT_CREDIT"] * 29 + ["OK"] * 21
    assert customer.kinds("spec") == ["DEDUCT", "GRANT"]
    assert customer.figures("spec") == (0, 0)


def test_100_accounts_opened_at_once_in_batches_are_each_opened_once(customer: Customer) -> None:
    ids = [f"{customer.account_id}.{number}" for number in range(100)]
    request = credit.BatchGetBalancesRequest(account_ids=ids, credit_types=["spec"])
    for answer in at_once(customer.app.credit.BatchGetBalances, [request] * 8):
        assert [one.wallets[0].balance.available for one in answer.account_balances] == [1] * 100
        assert {one.wallets[0].balance.version for one in answer.account_balances} == {1}


def test_what_signs_up_with_nothing_has_a_free_credit_of_no_expiry(customer: Customer) -> None:
    (grant,) = customer.wallet("spec").grants
    assert (grant.source, grant.available, grant.HasField("expire_time")) == (source_pb2.SOURCE_FREE, 1, False)


@pytest.mark.parametrize("use", FIRST_USES)
def test_one_that_was_closed_and_opened_again_has_had_its_sign_up_credits(customer: Customer, use: str) -> None:
    customer.deduct(1, credit_type="spec")
    for _ in range(2):
        customer.become(account_pb2.ACCOUNT_STATUS_CLOSED)
        customer.become(account_pb2.ACCOUNT_STATUS_ACTIVE)
    if use in ("Reserve", "Deduct"):
        with pytest.raises(grpc.RpcError, match="1 required, 0 available"):
            FIRST_USES[use](customer)
    else:
        FIRST_USES[use](customer)
    assert [kind_of(entry) for entry in customer.entries("")].count("GRANT") == 1
    assert customer.figures("spec") == (0, 0)
