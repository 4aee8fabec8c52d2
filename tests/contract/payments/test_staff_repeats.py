"""What staff do once for a request id, where it is about no account: credit types, packages, payment events (A7)."""

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import payment_admin_service_pb2 as payment_admin
from creditd.domain.resource_names import package_name
from creditd.ledger.ids import uuid7
from tests.contract.at_once import answers, at_once, was_replayed
from tests.contract.payments.events import event_becomes
from tests.contract.payments.shopper import Shopper
from tests.contract.payments.staff_requests import create, declare, dismiss, inspect, replay, retire
from tests.support.refusals import refused
from tests.support.service import running_service

pytestmark = pytest.mark.requirement("A7")


ACTS: Mapping[str, Callable[[Shopper], Any]] = {
    "CREDIT_TYPE": declare,
    "PACKAGE": create,
    "PACKAGE_RETIREMENT": retire,
    "EVENT_REPLAY": replay,
    "EVENT_DISMISSAL": dismiss,
    "INSPECTION": inspect,
}
"""A request of each act, by what a refusal calls it."""


def call_of(staff: SimpleNamespace, request: Any) -> Any:
    """Return the call of a request."""
    name = type(request).__name__.removesuffix("Request")
    return getattr(staff.admin, name, None) or getattr(staff.payment_admin, name)


def undo(shopper: Shopper, kind: str, request: Any) -> None:
    """Have what an act was about change after it."""
    if kind == "PACKAGE":
        name = package_name(request.package.package_id)
        shopper.staff.payment_admin.RetirePackage(payment_admin.RetirePackageRequest(name=name, request_id=uuid7()))
    if kind == "EVENT_REPLAY":
        event_becomes(shopper, shopper.event_called(request.name), "PARKED")
    if kind == "EVENT_DISMISSAL":
        again = payment_admin.ReplayPaymentEventRequest(name=request.name, reason="after all", request_id=uuid7())
        shopper.staff.payment_admin.ReplayPaymentEvent(again)


@pytest.mark.parametrize("kind", ACTS)
def test_a_repeat_is_answered_as_the_first_whatever_came_after_it(shopper: Shopper, kind: str) -> None:
    request = ACTS[kind](shopper)
    call = call_of(shopper.staff, request)
    first, made = call.with_call(request)
    undo(shopper, kind, request)
    again, repeated = call.with_call(request)
    assert again == first
    assert (was_replayed(made), was_replayed(repeated)) == (False, True)
    if kind.startswith("EVENT"):
        mine = [act for act in shopper.shown(request.name).acts if act.reason == request.reason]
        assert len(mine) == 1


@pytest.mark.parametrize("kind", ACTS)
def test_ten_at_once_with_one_id_have_one_effect_and_one_answer(shopper: Shopper, kind: str) -> None:
    request = ACTS[kind](shopper)
    outcomes = at_once(call_of(shopper.staff, request).with_call, [request] * 10)
    told = answers(outcomes)
    assert len(told) == 10
    assert all(answer == told[0][0] for answer, _ in told)
    assert sum(was_replayed(call) for _, call in told) == 9


@pytest.mark.parametrize("kind", ACTS)
def test_the_same_id_for_anything_else_is_refused(shopper: Shopper, kind: str) -> None:
    """The refusal says what used it, and when."""
    request = ACTS[kind](shopper)
    call_of(shopper.staff, request)(request)
    for other_kind in ACTS:
        other = ACTS[other_kind](shopper)
        other.request_id = request.request_id
        refusal = refused(call_of(shopper.staff, other), other)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
        assert refusal.metadata["used_by"] == kind
        used = Timestamp()
        used.FromJsonString(refusal.metadata["use_time"])
        assert abs(used.ToMicroseconds() - shopper.market.service.clock.now()) < 60_000_000


@pytest.mark.parametrize("kind", ACTS)
def test_one_that_was_refused_has_not_used_its_id(shopper: Shopper, kind: str) -> None:
    wrong, right = ACTS[kind](shopper), ACTS[kind](shopper)
    right.request_id = wrong.request_id
    if kind == "CREDIT_TYPE":
        wrong.credit_type.code, wrong.credit_type.decimals = "chat", 5
    elif kind == "PACKAGE":
        wrong.package.credit_type = "nothing"
    elif kind == "INSPECTION":
        wrong.name = f"accounts/{shopper.account_id}/purchases/{uuid7()}"
    else:
        wrong.name = "packages/nothing" if kind.startswith("PACKAGE") else f"paymentEvents/{uuid7()}"
    assert refused(call_of(shopper.staff, wrong), wrong).code.name in {"NOT_FOUND", "ALREADY_EXISTS"}
    _, call = call_of(shopper.staff, right).with_call(right)
    assert not was_replayed(call)


@pytest.fixture(scope="module")
def another(market: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Run another server on the same database; return its stubs."""
    url = market.service.config.database_url
    with running_service(tmp_path_factory.mktemp("another"), database_url=url) as server:
        yield server.as_caller("another", "ADMIN")


@pytest.mark.parametrize("kind", ["CREDIT_TYPE", "PACKAGE", "PACKAGE_RETIREMENT"])
def test_another_server_repeats_the_first_answer(shopper: Shopper, another: SimpleNamespace, kind: str) -> None:
    """As one does that was started after the first had died."""
    request = ACTS[kind](shopper)
    first = call_of(shopper.staff, request)(request)
    again, repeated = call_of(another, request).with_call(request)
    assert again == first
    assert was_replayed(repeated)
