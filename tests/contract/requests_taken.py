"""A request of every method that is taken as it stands, to be spoilt one field at a time, and which fields it has."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from google.protobuf.message import Message

from credit.v1 import account_flag_pb2, account_pb2, balance_alert_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import support_service_pb2 as support
from credit.v1.credit_type_pb2 import CreditType
from credit.v1.limits_pb2 import GetLimitsRequest, Limit
from creditd.domain.resource_names import account_name, grant_name
from creditd.ledger.ids import uuid7
from tests.support.customer import Customer
from tests.support.flags import raise_flag


class Method(NamedTuple):
    """How to make a request that is taken, and of which kind each of its fields is."""

    make: Callable[[Customer], Message]
    fields: Mapping[str, str]


_SPENDING = {
    "account_id": "account_id",
    "credit_type": "credit_type",
    "amount": "amount",
    "request_id": "request_id",
    "expected_version": "count",
    "reason": "text",
    "metadata": "metadata",
    "spender_id": "prefix",
}

_ADJUSTING = {
    "account_id": "account_id",
    "amounts": "amounts",
    "amounts[0].credit_type": "credit_type",
    "amounts[0].amount": "amount",
    "reason": "reason",
    "request_id": "request_id",
    "metadata": "metadata",
}

_PAGE = {"account_id": "account_id", "credit_type": "filter", "page_size": "page_size", "page_token": "page_token"}

_USAGE = {
    "granularity": "enum",
    "time_zone": "time zone",
    "start_time": "timestamp",
    "end_time": "timestamp",
}

_CHANGING = {"name": "account", "reason": "reason", "request_id": "request_id"}


def _adding(customer: Customer) -> Message:
    return admin.AddCreditsRequest(
        account_id=customer.account_id,
        amounts=[admin.CreditAmount(credit_type="chat", amount=1)],
        reason="test",
        request_id=customer.request_id(),
    )


def _clearing(customer: Customer) -> Message:
    return account_flag_pb2.ClearAccountFlagRequest(
        name=raise_flag(customer.service.config.database_url, customer.account_id),
        reason="test",
        request_id=customer.request_id(),
    )


METHODS: Mapping[str, Method] = {
    "Reserve": Method(lambda c: c.reserving(1), _SPENDING | {"expire_time": "timestamp"}),
    "Deduct": Method(lambda c: c.deducting(1), _SPENDING),
    "Confirm": Method(
        lambda c: c.confirming(c.hold(1)),
        {
            "name": "reservation",
            "amount": "amount",
            "request_id": "request_id",
            "expected_version": "count",
            "reason": "text",
            "metadata": "metadata",
        },
    ),
    "Refund": Method(
        lambda c: c.refunding(c.hold(1)),
        {
            "name": "reservation",
            "amount": "amount",
            "request_id": "request_id",
            "expected_version": "count",
            "reason": "text",
            "metadata": "metadata",
        },
    ),
    "ExtendReservation": Method(
        lambda c: c.extending(c.hold(1), 600),
        {
            "name": "reservation",
            "expiration": "missing",
            "expire_time": "timestamp",
            "request_id": "request_id",
        },
    ),
    "GetBalance": Method(
        lambda c: credit.GetBalanceRequest(account_id=c.account_id, credit_types=["chat"]),
        {"account_id": "account_id", "credit_types": "credit_types"},
    ),
    "BatchGetBalances": Method(
        lambda c: credit.BatchGetBalancesRequest(account_ids=[c.account_id]),
        {"account_ids": "account_ids", "credit_types": "credit_types"},
    ),
    "GetReservation": Method(lambda c: credit.GetReservationRequest(name=c.hold(1)), {"name": "reservation"}),
    "ListReservations": Method(
        lambda c: credit.ListReservationsRequest(account_id=c.account_id), _PAGE | {"state": "enum"}
    ),
    "ListTransactions": Method(
        lambda c: credit.ListTransactionsRequest(account_id=c.account_id),
        _PAGE | {"kinds": "enums", "reservation": "named", "start_time": "timestamp", "end_time": "timestamp"},
    ),
    "GetHistoricalBalance": Method(
        lambda c: credit.GetHistoricalBalanceRequest(account_id=c.account_id, as_of_time=c.after(-1)),
        {"account_id": "account_id", "credit_type": "filter", "moment": "missing", "as_of_time": "timestamp"},
    ),
    "GetUsageSummary": Method(
        lambda c: credit.GetUsageSummaryRequest(account_id=c.account_id),
        {"account_id": "account_id", "credit_types": "credit_types"} | _USAGE,
    ),
    "WatchBalance": Method(
        lambda c: credit.WatchBalanceRequest(account_id=c.account_id, credit_type="chat"),
        {"account_id": "account_id", "credit_type": "credit_type", "after_version": "count"},
    ),
    "CreateCreditType": Method(
        lambda _: admin.CreateCreditTypeRequest(
            credit_type=CreditType(code="taken", display_name="Taken"), request_id=uuid7()
        ),
        {
            "credit_type": "missing",
            "request_id": "request_id",
            "credit_type.code": "credit_type",
            "credit_type.display_name": "display name",
            "credit_type.decimals": "decimals",
        },
    ),
    "AddCredits": Method(_adding, _ADJUSTING | {"source": "enum", "expire_time": "timestamp"}),
    "RemoveCredits": Method(lambda c: c.removing(1), _ADJUSTING),
    "SetAccountStatus": Method(
        lambda c: c.becoming(account_pb2.ACCOUNT_STATUS_ACTIVE), _CHANGING | {"status": "stated enum"}
    ),
    "SetPlan": Method(
        lambda c: c.planning(account_pb2.PLAN_KIND_STANDARD),
        _CHANGING | {"plan": "missing", "plan.kind": "stated enum", "plan.end_time": "timestamp"},
    ),
    "SetLimits": Method(
        lambda c: c.limiting(Limit(credit_type="chat", spender="*", most_per_day=1)),
        _CHANGING
        | {
            "limits": "limits",
            "limits[0].credit_type": "credit_type",
            "limits[0].spender": "prefix",
            "limits[0].most_per_day": "count",
        },
    ),
    "GetLimits": Method(lambda c: GetLimitsRequest(name=account_name(c.account_id)), {"name": "account"}),
    "SetBalanceAlerts": Method(
        lambda c: c.alerting(chat=10),
        _CHANGING | {"alerts": "alerts", "alerts[0].credit_type": "credit_type", "alerts[0].below": "amount"},
    ),
    "GetBalanceAlerts": Method(
        lambda c: balance_alert_pb2.GetBalanceAlertsRequest(name=account_name(c.account_id)), {"name": "account"}
    ),
    "ListAccountFlags": Method(
        lambda c: account_flag_pb2.ListAccountFlagsRequest(account_id=c.account_id),
        {"account_id": "prefix", "kind": "enum", "page_size": "page_size", "page_token": "page_token"},
    ),
    "ClearAccountFlag": Method(_clearing, {"name": "flag", "reason": "reason", "request_id": "request_id"}),
    "GetAccount": Method(lambda c: admin.GetAccountRequest(name=account_name(c.account_id)), {"name": "account"}),
    "ListAccounts": Method(
        lambda c: admin.ListAccountsRequest(account_id_prefix=c.account_id),
        {
            "account_id_prefix": "prefix",
            "status": "enum",
            "concern": "enum",
            "order": "enum",
            "page_size": "page_size",
            "page_token": "page_token",
        },
    ),
    "GetUsageAnalytics": Method(
        lambda _: admin.GetUsageAnalyticsRequest(credit_types=["chat"]),
        {"credit_types": "credit_types", "ranking": "enum", "top_size": "top_size"} | _USAGE,
    ),
    "ExplainReserve": Method(
        lambda c: support.ExplainReserveRequest(account_id=c.account_id, credit_type="chat", amount=1),
        {
            "account_id": "account_id",
            "credit_type": "credit_type",
            "amount": "amount",
            "spender_id": "prefix",
            "as_of_time": "timestamp",
            "version": "count",
        },
    ),
    "ReturnHold": Method(
        lambda c: support.ReturnHoldRequest(name=c.hold(1), reason="test", request_id=c.request_id()),
        {"name": "reservation", "request_id": "request_id", "expected_version": "count", "reason": "reason"},
    ),
    "GetGrant": Method(lambda c: support.GetGrantRequest(name=grant_of(c)), {"name": "grant"}),
    "ListGrants": Method(
        lambda c: support.ListGrantsRequest(account_id=c.account_id, credit_type="chat"),
        _PAGE | {"credit_type": "credit_type"},
    ),
    "ListGrantUses": Method(
        lambda c: support.ListGrantUsesRequest(account_id=c.account_id, credit_type="chat"),
        _PAGE
        | {
            "credit_type": "credit_type",
            "grant_id": "id",
            "reservation": "named",
            "start_time": "timestamp",
            "end_time": "timestamp",
        },
    ),
    "ListAccountHistory": Method(
        lambda c: support.ListAccountHistoryRequest(account_id=c.account_id),
        {"account_id": "account_id", "page_size": "page_size", "page_token": "page_token"},
    ),
    "Search": Method(
        lambda c: support.SearchRequest(query=c.account_id), {"query": "request_id", "account_id": "prefix"}
    ),
    "VerifyLedger": Method(lambda c: admin.VerifyLedgerRequest(account_id=c.account_id), {"account_id": "prefix"}),
}


def grant_of(customer: Customer) -> str:
    """Return the name of a grant that a customer has."""
    part = customer.top_up(1).slices[0]
    return grant_name(customer.account_id, "chat", part.grant_id)


def call_of(customer: Customer, method: str) -> Any:
    """Return the call of a method, made by whoever may."""
    staff = customer.staff
    known = getattr(customer.app.credit, method, None) or getattr(staff.support, method, None)
    return known or getattr(staff.admin, method)


def spoil(request: Any, path: str, value: Any) -> None:
    """Put a value into a field, which may lie within another, or clear it for None."""
    *parents, field = path.split(".")
    for parent in parents:
        name, _, index = parent.partition("[")
        request = getattr(request, name)[int(index[:-1])] if index else getattr(request, name)
    if value is None:
        request.ClearField(field) if field != "expiration" else request.ClearField("ttl")
    elif isinstance(value, dict | list | Message):
        request.ClearField(field)
        target = getattr(request, field)
        (target.update if isinstance(value, dict) else target.extend if isinstance(value, list) else target.CopyFrom)(
            value
        )
    else:
        setattr(request, field, value)
