"""Who opens an account that was never seen: its owner and services by any use, staff by what they do on record (A11).

Staff may mistype an account. A look, or an attempt to take something, leaves nothing of one that does not exist.
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import grpc
import psycopg
import pytest
from google.protobuf.descriptor import Descriptor
from psycopg import sql

from credit.v1 import (
    account_flag_pb2,
    account_pb2,
    admin_service_pb2,
    balance_alert_pb2,
    credit_service_pb2,
    limits_pb2,
    support_service_pb2,
)
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import payment_admin_service_pb2 as payment_admin
from creditd.domain.resource_names import account_name, grant_name
from tests.support.customer import Customer
from tests.support.refusals import details_of, read_refusal
from tests.support.rules import rules_of

pytestmark = pytest.mark.requirement("A11")

UNKNOWN = "01890000-0000-7000-8000-000000000000"


class By(NamedTuple):
    """Who calls: with which roles and scope, and whether the account is theirs."""

    roles: tuple[str, ...]
    scope: str = ""
    owns: bool = False


OWNERS = {
    "its user": By(("USER",), owns=True),
    "its premium user": By(("PREMIUM",), owns=True),
    "its user, who is staff too": By(("USER", "SUPPORT"), owns=True),
}
SERVICES = {
    "a service that spends": By(("SERVICE",), "credits.spend"),
    "a service that reads": By(("SERVICE",), "credits.read"),
    "a service that tops up": By(("SERVICE",), "credits.admin"),
    "a service with a role of staff": By(("SERVICE", "ADMIN"), "credits.spend credits.read credits.admin"),
}
STAFF = {
    "support": By(("SUPPORT",)),
    "finance": By(("FINANCE",)),
    "an administrator": By(("ADMIN",)),
    "a super administrator": By(("SUPER_ADMIN",)),
    "an administrator of that name": By(("ADMIN",), owns=True),
    "an administrator with a service's scopes": By(("ADMIN",), "credits.spend credits.read credits.admin"),
    "an administrator who is another's user": By(("ADMIN", "USER")),
}
CALLERS: Mapping[str, By] = OWNERS | SERVICES | STAFF


def first_of(stream: Any) -> Any:
    """Return what a stream says first, and end it."""
    try:
        return next(stream)
    finally:
        stream.cancel()


Use = Callable[[SimpleNamespace, Customer], Any]

LOOKS: dict[str, Use] = {
    "GetBalance": lambda by, c: by.credit.GetBalance(credit.GetBalanceRequest(account_id=c.account_id)),
    "BatchGetBalances": lambda by, c: by.credit.BatchGetBalances(
        credit.BatchGetBalancesRequest(account_ids=[c.account_id])
    ),
    "WatchBalance": lambda by, c: first_of(
        by.credit.WatchBalance(credit.WatchBalanceRequest(account_id=c.account_id, credit_type="spec"), timeout=20)
    ),
}
TAKINGS: dict[str, Use] = {
    "Reserve": lambda by, c: by.credit.Reserve(c.reserving(1, credit_type="spec")),
    "Deduct": lambda by, c: by.credit.Deduct(c.deducting(1, credit_type="spec")),
    "BatchReserve": lambda by, c: by.credit.BatchReserve(
        credit.BatchReserveRequest(requests=[c.reserving(1, credit_type="spec")])
    ),
    "BatchDeduct": lambda by, c: by.credit.BatchDeduct(
        credit.BatchDeductRequest(requests=[c.deducting(1, credit_type="spec")])
    ),
    "RemoveCredits": lambda by, c: by.admin.RemoveCredits(c.removing(1, credit_type="spec")),
    "WriteOffDebt": lambda by, c: by.admin.WriteOffDebt(
        admin_service_pb2.WriteOffDebtRequest(
            account_id=c.account_id, credit_type="spec", reason="test", request_id=c.request_id()
        )
    ),
}
ON_RECORD: dict[str, Use] = {
    "AddCredits": lambda by, c: by.admin.AddCredits(
        admin.AddCreditsRequest(
            account_id=c.account_id,
            amounts=[admin.CreditAmount(credit_type="chat", amount=1)],
            reason="test",
            request_id=c.request_id(),
        )
    ),
    "SetPlan": lambda by, c: by.admin.SetPlan(c.planning(account_pb2.PLAN_KIND_UNLIMITED)),
    "SetLimits": lambda by, c: by.admin.SetLimits(c.limiting()),
    "SetBalanceAlerts": lambda by, c: by.admin.SetBalanceAlerts(c.alerting(chat=1)),
    "SetAccountStatus": lambda by, c: by.admin.SetAccountStatus(c.becoming(account_pb2.ACCOUNT_STATUS_SUSPENDED)),
}
NEVER: dict[str, Use] = {
    "GetAccount": lambda by, c: by.admin.GetAccount(admin.GetAccountRequest(name=account_name(c.account_id))),
    "GetLimits": lambda by, c: by.admin.GetLimits(limits_pb2.GetLimitsRequest(name=account_name(c.account_id))),
    "GetBalanceAlerts": lambda by, c: by.admin.GetBalanceAlerts(
        balance_alert_pb2.GetBalanceAlertsRequest(name=account_name(c.account_id))
    ),
    "ListTransactions": lambda by, c: by.credit.ListTransactions(
        credit.ListTransactionsRequest(account_id=c.account_id)
    ),
    "GetHistoricalBalance": lambda by, c: by.credit.GetHistoricalBalance(
        credit.GetHistoricalBalanceRequest(account_id=c.account_id, as_of_time=c.after(-1))
    ),
    "GetUsageSummary": lambda by, c: by.credit.GetUsageSummary(credit.GetUsageSummaryRequest(account_id=c.account_id)),
    "ListReservations": lambda by, c: by.credit.ListReservations(
        credit.ListReservationsRequest(account_id=c.account_id)
    ),
    "GetReservation": lambda by, c: by.credit.GetReservation(credit.GetReservationRequest(name=held(c))),
    "Confirm": lambda by, c: by.credit.Confirm(c.confirming(held(c))),
    "Refund": lambda by, c: by.credit.Refund(c.refunding(held(c))),
    "ReturnHold": lambda by, c: by.support.ReturnHold(
        support_service_pb2.ReturnHoldRequest(name=held(c), reason="test", request_id=c.request_id())
    ),
    "ExtendReservation": lambda by, c: by.credit.ExtendReservation(c.extending(held(c), 60)),
    "BatchConfirm": lambda by, c: by.credit.BatchConfirm(credit.BatchConfirmRequest(requests=[c.confirming(held(c))])),
    "VerifyLedger": lambda by, c: list(by.admin.VerifyLedger(admin.VerifyLedgerRequest(account_id=c.account_id))),
    "ListAccounts": lambda by, c: by.admin.ListAccounts(admin.ListAccountsRequest(account_id_prefix=c.account_id)),
    "ListAccountFlags": lambda by, c: by.admin.ListAccountFlags(
        account_flag_pb2.ListAccountFlagsRequest(account_id=c.account_id)
    ),
    "ClearAccountFlag": lambda by, c: by.admin.ClearAccountFlag(
        account_flag_pb2.ClearAccountFlagRequest(
            name=f"accounts/{c.account_id}/flags/{UNKNOWN}", reason="test", request_id=c.request_id()
        )
    ),
    "ExplainReserve": lambda by, c: by.support.ExplainReserve(
        support_service_pb2.ExplainReserveRequest(account_id=c.account_id, credit_type="spec", amount=1)
    ),
    "GiveCredits": lambda by, c: by.support.GiveCredits(
        support_service_pb2.GiveCreditsRequest(
            account_id=c.account_id, credit_type="chat", amount=1, reason="test", request_id=c.request_id()
        )
    ),
    "GetGrant": lambda by, c: by.support.GetGrant(
        support_service_pb2.GetGrantRequest(name=grant_name(c.account_id, "spec", UNKNOWN))
    ),
    "ListGrants": lambda by, c: by.support.ListGrants(
        support_service_pb2.ListGrantsRequest(account_id=c.account_id, credit_type="spec")
    ),
    "ListGrantUses": lambda by, c: by.support.ListGrantUses(
        support_service_pb2.ListGrantUsesRequest(account_id=c.account_id, credit_type="spec")
    ),
    "ListAccountHistory": lambda by, c: by.support.ListAccountHistory(
        support_service_pb2.ListAccountHistoryRequest(account_id=c.account_id)
    ),
    "Search": lambda by, c: by.support.Search(support_service_pb2.SearchRequest(query=c.account_id)),
    "ListSubscriptions": lambda by, c: by.payment_admin.ListSubscriptions(
        payment_admin.ListSubscriptionsRequest(account_id=c.account_id)
    ),
}
USES: dict[str, Use] = LOOKS | TAKINGS | ON_RECORD | NEVER


def held(customer: Customer) -> str:
    """Return the name of a reservation that there cannot be."""
    return f"accounts/{customer.account_id}/wallets/spec/reservations/{UNKNOWN}"


def rows_of(customer: Customer) -> dict[str, int]:
    """Count what there is of the account."""
    counts: dict[str, int] = {}
    with psycopg.connect(customer.service.config.database_url) as connection:
        for table in ("accounts", "wallets", "entries", "grants"):
            query = sql.SQL("SELECT 1 FROM {} WHERE account_id = %s").format(sql.Identifier(table))
            counts[table] = len(connection.execute(query, [customer.account_id]).fetchall())
    return counts


def caller(customer: Customer, by: By) -> SimpleNamespace:
    """Return the stubs of a caller."""
    subject = customer.account_id if by.owns else "somebody"
    mfa_time = round(customer.service.seconds) if "SUPER_ADMIN" in by.roles else 0.0
    return customer.service.as_caller(subject, *by.roles, scope=by.scope, mfa_time=mfa_time)


def reason_of(call: Callable[[], Any]) -> str:
    """Return why a call was refused, or its one item; OK if it was not."""
    try:
        answer = call()
    except grpc.RpcError as error:
        refusal = read_refusal(error)
        return refusal.reason
    results = getattr(answer, "results", [])
    if results and results[0].HasField("error"):
        return str(details_of(results[0].error)["reason"])
    return "OK"


def may_open(name: str, by: By) -> bool:
    """Tell whether a use opens the account, if its caller is let through at all."""
    if name in ON_RECORD:
        return True
    as_owner = by.owns and not {"USER", "PREMIUM"}.isdisjoint(by.roles) and name in ("GetBalance", "WatchBalance")
    as_service = "SERVICE" in by.roles and name in LOOKS | TAKINGS and hasattr(credit_service_pb2, f"{name}Request")
    return as_owner or as_service


def test_every_rpc_about_an_account_is_here() -> None:
    services = (
        credit_service_pb2.DESCRIPTOR,
        admin_service_pb2.DESCRIPTOR,
        payment_admin.DESCRIPTOR,
        support_service_pb2.DESCRIPTOR,
    )
    named = {
        method.name
        for file in services
        for service in file.services_by_name.values()
        for method in service.methods
        if {"account_id", "account_ids", "account_id_prefix"} & set(method.input_type.fields_by_name)
        or names_an_account(method.input_type)
        or method.name.startswith("Batch")
    }
    # An event is of whom its provider names, and a purchase that is reversed has opened its account.
    assert named - USES.keys() == {"InspectPurchase", "ListPaymentEvents", "ReversePurchase"}


def names_an_account(request: Descriptor) -> bool:
    """Tell whether a request is about a resource whose name begins with an account."""
    name = request.fields_by_name.get("name")
    return name is not None and rules_of(name).string.pattern.startswith("^accounts/")


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("who", CALLERS)
def test_only_owners_services_and_acts_on_record_open_an_account(customer: Customer, who: str, name: str) -> None:
    by = CALLERS[who]
    reason = reason_of(lambda: USES[name](caller(customer, by), customer))
    rows = rows_of(customer)
    opened = may_open(name, by) and reason != "PERMISSION_DENIED"
    assert (rows["accounts"], min(rows["wallets"], rows["entries"], rows["grants"], 1)) == (opened, opened)
    if not opened:
        assert set(rows.values()) == {0}
    if not opened and name in LOOKS | TAKINGS and reason != "PERMISSION_DENIED":
        assert reason == "ACCOUNT_NOT_FOUND"


@pytest.mark.parametrize("name", LOOKS)
def test_staff_who_mistype_an_account_are_told_so(customer: Customer, name: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        LOOKS[name](caller(customer, STAFF["support"]), customer)
    refusal = read_refusal(caught.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND")
    assert refusal.metadata["account_id"] == customer.account_id
    assert "opens when its owner or a service first uses it" in refusal.message


def test_staff_see_all_of_many_accounts_or_which_one_is_not_there(customer: Customer) -> None:
    there, missing = customer.another("there"), customer.another("missing")
    there.balance()
    ids = [there.account_id, missing.account_id]
    support = caller(customer, STAFF["support"])
    with pytest.raises(grpc.RpcError) as caught:
        support.credit.BatchGetBalances(credit.BatchGetBalancesRequest(account_ids=ids))
    assert read_refusal(caught.value).metadata["account_id"] == missing.account_id
    assert rows_of(missing)["accounts"] == 0
    found = support.credit.BatchGetBalances(credit.BatchGetBalancesRequest(account_ids=ids[:1]))
    assert [one.account_id for one in found.account_balances] == [there.account_id]


def test_a_stream_that_staff_go_on_with_is_no_less_a_look(customer: Customer) -> None:
    """With a version it would wait for ever for a first movement."""
    request = credit.WatchBalanceRequest(account_id=customer.account_id, credit_type="spec", after_version=3)
    with pytest.raises(grpc.RpcError) as caught:
        next(caller(customer, STAFF["support"]).credit.WatchBalance(request, timeout=20))
    assert read_refusal(caught.value).reason == "ACCOUNT_NOT_FOUND"
    assert rows_of(customer)["accounts"] == 0


@pytest.mark.parametrize("name", ["Reserve", "Deduct"])
def test_staff_cannot_try_out_what_a_missing_account_could_spend(customer: Customer, name: str) -> None:
    """A dry run would show the sign-up credits of one that there is not."""
    making = customer.reserving if name == "Reserve" else customer.deducting
    request = making(1, credit_type="spec", validate_only=True)
    assert reason_of(lambda: getattr(customer.staff.credit, name)(request)) == "ACCOUNT_NOT_FOUND"
    assert reason_of(lambda: getattr(customer.app.credit, name)(request)) == "OK"
    assert rows_of(customer)["accounts"] == 0


def test_once_it_is_open_staff_see_it_and_may_spend_from_it(customer: Customer) -> None:
    customer.balance()
    administrator = caller(customer, STAFF["an administrator"])
    for use in LOOKS.values():
        use(caller(customer, STAFF["support"]), customer)
    TAKINGS["Deduct"](administrator, customer)
    assert customer.kinds("spec") == ["DEDUCT", "GRANT"]
