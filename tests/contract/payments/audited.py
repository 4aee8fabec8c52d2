"""The audit log as it is stored, and every administrative act there is, each with a request that does something."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import namedtuple_row

from credit.v1 import account_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1.account_flag_pb2 import ClearAccountFlagRequest
from credit.v1.balance_alert_pb2 import BalanceAlert, SetBalanceAlertsRequest
from credit.v1.limits_pb2 import Limit, SetLimitsRequest
from credit.v1.promo_service_pb2 import GeneratePromoCodesRequest
from creditd.domain.promo.promo_text import normalised
from creditd.domain.resource_names import account_name
from creditd.ledger.ids import uuid7
from tests.contract.payments.shopper import Shopper
from tests.contract.payments.staff_requests import create, declare, dismiss, inspect, replay, retire
from tests.support.flags import raise_flag
from tests.support.market import STRIPE
from tests.support.promos import ending, make_code, making, terms


class Example(NamedTuple):
    """An act as an example: its request, what it is about, and parts of what that was like before and after."""

    request: Any
    target: str
    account_id: str
    before: Any
    after: Any


def _account(shopper: Shopper) -> str:
    return account_name(shopper.account_id)


def adding(shopper: Shopper, amount: int = 7, **fields: Any) -> admin.AddCreditsRequest:
    """Return the request to add chat credits."""
    stated = {"account_id": shopper.account_id, "reason": "a gift", "request_id": uuid7()}
    amounts = [admin.CreditAmount(credit_type="chat", amount=amount)]
    return admin.AddCreditsRequest(amounts=amounts, **stated | fields)


def writing_off(shopper: Shopper, amount: int | None = None, **fields: Any) -> admin.WriteOffDebtRequest:
    """Return the request to write debt off, all of it unless an amount is stated."""
    stated = {"account_id": shopper.account_id, "credit_type": "chat", "reason": "goodwill", "request_id": uuid7()}
    return admin.WriteOffDebtRequest(**{"amount": amount} | stated | fields)


def _balances(*figures: tuple[int, int, int, int]) -> Any:
    names = ("version", "available", "reserved", "debt")
    return {"balances": [{"credit_type": "chat", **dict(zip(names, of, strict=True))} for of in figures]}


def _add(shopper: Shopper) -> Example:
    return Example(
        adding(shopper), _account(shopper), shopper.account_id, _balances((0, 0, 0, 0)), _balances((1, 7, 0, 0))
    )


def _remove(shopper: Shopper) -> Example:
    shopper.staff.admin.AddCredits(adding(shopper))
    amounts = [admin.CreditAmount(credit_type="chat", amount=3)]
    request = admin.RemoveCreditsRequest(
        account_id=shopper.account_id, amounts=amounts, reason="a mistake", request_id=uuid7()
    )
    return Example(request, _account(shopper), shopper.account_id, _balances((1, 7, 0, 0)), _balances((2, 4, 0, 0)))


def _write_off(shopper: Shopper) -> Example:
    purchase = shopper.bought()
    shopper.spend(60)
    shopper.staff.payment_admin.ReversePurchase(shopper.reverse(purchase))
    (version,) = {entry.version for entry in shopper.entries()[:1]}
    before, after = _balances((version, 0, 0, 60)), _balances((version + 1, 0, 0, 40))
    return Example(writing_off(shopper, 20), _account(shopper), shopper.account_id, before, after)


def _suspend(shopper: Shopper) -> Example:
    status = account_pb2.ACCOUNT_STATUS_SUSPENDED
    request = admin.SetAccountStatusRequest(
        name=_account(shopper), status=status, reason="a chargeback", request_id=uuid7()
    )
    return Example(request, _account(shopper), shopper.account_id, {"status": "ACTIVE"}, {"status": "SUSPENDED"})


def _plan(shopper: Shopper) -> Example:
    plan = account_pb2.Plan(kind=account_pb2.PLAN_KIND_UNLIMITED)
    request = admin.SetPlanRequest(name=_account(shopper), plan=plan, reason="a partner", request_id=uuid7())
    return Example(request, _account(shopper), shopper.account_id, {"unlimited": False}, {"unlimited": True})


def _limit(shopper: Shopper) -> Example:
    limit = Limit(credit_type="chat", spender="*", most_per_day=5)
    request = SetLimitsRequest(name=_account(shopper), limits=[limit], reason="a team", request_id=uuid7())
    after = {"limits": [{"credit_type": "chat", "spender_id": "*", "daily": 5}]}
    return Example(request, _account(shopper), shopper.account_id, {"limits": []}, after)


def _alert(shopper: Shopper) -> Example:
    alerts = [BalanceAlert(credit_type="chat", below=5)]
    request = SetBalanceAlertsRequest(name=_account(shopper), alerts=alerts, reason="as asked", request_id=uuid7())
    after = {"alerts": [{"credit_type": "chat", "below": 5}]}
    return Example(request, _account(shopper), shopper.account_id, {"alerts": []}, after)


def _clear(shopper: Shopper) -> Example:
    name = raise_flag(shopper.market.service.config.database_url, shopper.account_id)
    request = ClearAccountFlagRequest(name=name, reason="it was a test of ours", request_id=uuid7())
    before = {"kind": "REFUNDS", "event_count": 4, "clear_time": None}
    return Example(request, name, shopper.account_id, before, {"kind": "REFUNDS", "activated": False})


def _declare(shopper: Shopper) -> Example:
    request = declare(shopper)
    code = request.credit_type.code
    return Example(request, f"creditTypes/{code}", "", None, {"code": code, "decimals": 0})


def _create(shopper: Shopper) -> Example:
    request = create(shopper)
    return Example(request, f"packages/{request.package.package_id}", "", None, {"credits": 90, "retire_time": None})


def _retire(shopper: Shopper) -> Example:
    request = retire(shopper)
    return Example(request, request.name, "", {"retire_time": None}, {"credits": 90})


def _make_code(_: Shopper) -> Example:
    request = making(f"Audited-{uuid7()[-12:]}")
    name = f"promoCodes/{normalised(request.display_code)}"
    return Example(request, name, "", None, {"display_code": request.display_code, "end_time": None})


def _generate(_: Shopper) -> Example:
    request = GeneratePromoCodesRequest(prefix="vip", count=3, terms=terms(), reason="a fair", request_id=uuid7())
    return Example(request, "promoCodes", "", None, {"count": 3, "prefix": "vip"})


def _end_code(shopper: Shopper) -> Example:
    code = make_code(shopper.staff)
    return Example(ending(code), code.name, "", {"end_time": None}, {"display_code": code.display_code})


def _reverse(shopper: Shopper) -> Example:
    purchase = shopper.bought()
    before = {"state": "COMPLETED", "refunded": 0, "reversed": 0}
    after = {"state": "REFUNDED", "refunded": purchase.paid_amount, "reversed": 100}
    return Example(shopper.reverse(purchase), purchase.name, shopper.account_id, before, after)


def _inspect(shopper: Shopper) -> Example:
    request = inspect(shopper)
    return Example(request, request.name, shopper.account_id, {}, {})


def _replay(shopper: Shopper) -> Example:
    request = replay(shopper)
    return Example(request, request.name, shopper.account_id, {"state": "PARKED"}, {"state": "PENDING", "attempts": 0})


def _dismiss(shopper: Shopper) -> Example:
    request = dismiss(shopper)
    return Example(request, request.name, shopper.account_id, {"state": "PARKED"}, {"state": "DISMISSED"})


def _reconcile(_: Shopper) -> Example:
    request = payment_admin.ReconcilePaymentsRequest(provider=STRIPE)
    return Example(request, "providers/stripe", "", None, {"since": None})


ACTS: Mapping[str, Callable[[Shopper], Example]] = {
    "credits.add": _add,
    "credits.remove": _remove,
    "debt.write_off": _write_off,
    "account.set_status": _suspend,
    "account.set_plan": _plan,
    "account.set_limits": _limit,
    "account.set_balance_alerts": _alert,
    "account_flag.clear": _clear,
    "credit_type.create": _declare,
    "package.create": _create,
    "package.retire": _retire,
    "purchase.reverse": _reverse,
    "purchase.inspect": _inspect,
    "promo_code.create": _make_code,
    "promo_code.generate": _generate,
    "promo_code.end": _end_code,
    "payment_event.replay": _replay,
    "payment_event.dismiss": _dismiss,
    "payments.reconcile": _reconcile,
}
"""An example of each act, by what the audit log calls it."""


def method_of(shopper: Shopper, request: Any) -> Any:
    """Return the RPC that a request is for."""
    name = type(request).__name__.removesuffix("Request")
    staff = shopper.staff
    return next(getattr(stub, name) for stub in (staff.admin, staff.payment_admin, staff.promo) if hasattr(stub, name))


def done(shopper: Shopper, request: Any) -> Any:
    """Do an act; return its call, whose metadata say more. Of a stream all is read."""
    method = method_of(shopper, request)
    if not hasattr(method, "with_call"):
        stream = method(request)
        assert list(stream)
        return stream
    return method.with_call(request)[1]


def rows(url: str, where: str, *values: object) -> list[Any]:
    """Return the rows of the audit log that pass a condition, oldest first."""
    query = f"SELECT * FROM audit_events WHERE {where} ORDER BY event_id"  # noqa: S608 - a test's own.
    with psycopg.connect(url, row_factory=namedtuple_row) as connection:
        return connection.execute(query.encode(), values).fetchall()


def contains(document: Any, part: Any) -> bool:
    """Tell whether a document has all that a part of it says."""
    if part is None or document is None:
        return part is document
    return bool(json.loads(json.dumps(document)) | part == document)
