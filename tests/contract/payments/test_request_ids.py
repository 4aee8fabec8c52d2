"""A request id is the account's: whatever call brought it, no other takes it again (A7)."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import account_pb2, source_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import payment_service_pb2 as pb
from creditd.domain.resource_names import account_name
from creditd.ledger.ids import uuid7
from tests.contract.at_once import at_once, reasons
from tests.contract.payments.shopper import Shopper
from tests.support.answers import lasting
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("A7")

Call = Callable[[Shopper, str], tuple[Any, Any]]
"""Returns a method of the service and a request for it with an id; the request could be done if the id were new."""


def reserve(by: Shopper, request_id: str) -> tuple[Any, Any]:
    wallet: dict[str, Any] = {"account_id": by.account_id, "credit_type": "chat"}
    return by.staff.credit.Reserve, credit.ReserveRequest(**wallet, amount=1, request_id=request_id)


def deduct(by: Shopper, request_id: str) -> tuple[Any, Any]:
    wallet: dict[str, Any] = {"account_id": by.account_id, "credit_type": "chat"}
    return by.staff.credit.Deduct, credit.DeductRequest(**wallet, amount=1, request_id=request_id)


def hold(by: Shopper) -> str:
    method, request = reserve(by, uuid7())
    name: str = method(request).reservation.name
    return name


def confirm(by: Shopper, request_id: str) -> tuple[Any, Any]:
    return by.staff.credit.Confirm, credit.ConfirmRequest(name=hold(by), request_id=request_id)


def refund(by: Shopper, request_id: str) -> tuple[Any, Any]:
    return by.staff.credit.Refund, credit.RefundRequest(name=hold(by), request_id=request_id)


def extend(by: Shopper, request_id: str) -> tuple[Any, Any]:
    request = credit.ExtendReservationRequest(name=hold(by), request_id=request_id)
    request.ttl.seconds = 600
    return by.staff.credit.ExtendReservation, request


def add(by: Shopper, request_id: str) -> tuple[Any, Any]:
    amounts = [admin.CreditAmount(credit_type="chat", amount=100)]
    about: dict[str, Any] = {"account_id": by.account_id, "reason": "a gift", "request_id": request_id}
    return by.staff.admin.AddCredits, admin.AddCreditsRequest(**about, amounts=amounts, source=source_pb2.SOURCE_ADMIN)


def remove(by: Shopper, request_id: str) -> tuple[Any, Any]:
    amounts = [admin.CreditAmount(credit_type="chat", amount=1)]
    about: dict[str, Any] = {"account_id": by.account_id, "reason": "a mistake", "request_id": request_id}
    return by.staff.admin.RemoveCredits, admin.RemoveCreditsRequest(**about, amounts=amounts)


def set_status(by: Shopper, request_id: str) -> tuple[Any, Any]:
    request = admin.SetAccountStatusRequest(name=account_name(by.account_id), reason="looked at", request_id=request_id)
    request.status = account_pb2.ACCOUNT_STATUS_ACTIVE
    return by.staff.admin.SetAccountStatus, request


def set_plan(by: Shopper, request_id: str) -> tuple[Any, Any]:
    about: dict[str, Any] = {"name": account_name(by.account_id), "reason": "a trial is over", "request_id": request_id}
    plan = account_pb2.Plan(kind=account_pb2.PLAN_KIND_STANDARD)
    return by.staff.admin.SetPlan, admin.SetPlanRequest(**about, plan=plan)


def create_purchase(by: Shopper, request_id: str) -> tuple[Any, Any]:
    return by.staff.payment.CreatePurchase, by.buying(request_id=request_id)


def reverse_purchase(by: Shopper, request_id: str) -> tuple[Any, Any]:
    paid = by.purchases(page_size=100)[-1]
    return by.staff.payment_admin.ReversePurchase, by.reverse(paid, 1_000, request_id=request_id)


def cancel_purchase(by: Shopper, request_id: str) -> tuple[Any, Any]:
    request = pb.CancelPurchaseRequest(name=by.buy().name, request_id=request_id)
    return by.staff.payment.CancelPurchase, request


USES: dict[str, Call] = {
    "RESERVE": reserve,
    "DEDUCT": deduct,
    "CONFIRM": confirm,
    "REFUND": refund,
    "EXTEND": extend,
    "ADMIN_ADD": add,
    "ADMIN_REMOVE": remove,
    "ACCOUNT_STATUS": set_status,
    "PLAN": set_plan,
    "PURCHASE": create_purchase,
    "REVERSAL": reverse_purchase,
    "CANCELLATION": cancel_purchase,
}
"""What uses a request id, as a refusal names it."""


@pytest.fixture
def rich(shopper: Shopper) -> Shopper:
    """Return a shopper who has bought, and was given more."""
    shopper.bought()
    method, request = add(shopper, uuid7())
    method(request)
    return shopper


def test_a_request_id_that_anything_has_used_is_refused_to_everything_else(rich: Shopper) -> None:
    """The refusal says what used it, and when; the first use is answered again."""
    wrong = []
    for first, second in permutations(USES, 2):
        request_id = uuid7()
        method, request = USES[first](rich, request_id)
        other_method, other_request = USES[second](rich, request_id)
        answer = method(request)
        refusal = refused(other_method, other_request)
        found = (refusal.code, refusal.reason, refusal.metadata.get("used_by"))
        if found != (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED", first):
            wrong.append((first, second, found))
        used = Timestamp()
        used.FromJsonString(refusal.metadata["use_time"])
        assert abs(used.ToMicroseconds() - rich.market.service.clock.now()) < 60_000_000
        if first not in {"PURCHASE", "REVERSAL", "CANCELLATION"}:
            assert lasting(method(request)) == lasting(answer)
    assert wrong == []


@pytest.mark.parametrize("other", ["ACCOUNT_STATUS", "PLAN", "PURCHASE", "REVERSAL", "CANCELLATION"])
@pytest.mark.parametrize("entry", ["RESERVE", "ADMIN_ADD"])
def test_trap_one_request_id_brought_by_two_calls_at_once_is_used_once(rich: Shopper, other: str, entry: str) -> None:
    """By what is an entry and by what is none; on an account that was there, and on one that nobody has seen."""
    for number in range(12):
        by = rich if entry == "RESERVE" or other == "REVERSAL" else rich.another(f"{other.lower()}-{number}")
        request_id = uuid7()
        calls = [USES[entry](by, request_id), USES[other](by, request_id)]
        outcomes = at_once(lambda call: call[0](call[1]), calls)
        assert reasons(outcomes) == ["OK", "REQUEST_ID_REUSED"]


def test_writing_debt_off_takes_no_request_id_that_was_used(rich: Shopper) -> None:
    request_id = uuid7()
    method, request = set_plan(rich, request_id)
    method(request)
    write_off = admin.WriteOffDebtRequest(
        account_id=rich.account_id, credit_type="chat", reason="forgiven", request_id=request_id
    )
    assert refused(rich.staff.admin.WriteOffDebt, write_off).reason == "REQUEST_ID_REUSED"


def test_an_id_of_a_refused_change_stays_free(rich: Shopper) -> None:
    """A closed package of a purchase, an account with credits that was to be closed."""
    request_id = uuid7()
    nothing = rich.buying(request_id=request_id, package_id="none")
    assert refused(rich.staff.payment.CreatePurchase, nothing).reason == "PACKAGE_NOT_FOUND"
    closing = admin.SetAccountStatusRequest(name=account_name(rich.account_id), reason="gone", request_id=request_id)
    closing.status = account_pb2.ACCOUNT_STATUS_CLOSED
    assert refused(rich.staff.admin.SetAccountStatus, closing).reason == "ACCOUNT_NOT_EMPTY"
    method, request = reserve(rich, request_id)
    assert method(request).reservation.name
