"""What a repeat helps is repeated with the same request id, for as long as there is time, and nothing else is."""

from collections.abc import Callable
from typing import Any

import pytest
from grpc import StatusCode

from credit.v1.credit_service_pb2 import ReserveRequest
from credit_client import InsufficientCredit, Manner, NoAnswer, VersionMismatch
from credit_client.failure import NEVER, Failure
from credit_client.retries import FIRST_SECONDS, MOST_SECONDS, pause_seconds
from creditd.ledger.work import DatabaseUnavailable, Overloaded, VersionConflict
from tests.client.onlooker import Onlooker
from tests.client.styles import Style
from tests.support.customer import CHAT, Customer

pytestmark = pytest.mark.requirement("H4")

LONG_SECONDS = 1_000.0


@pytest.fixture
def seen(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the request ids of the works that reach the ledger, as they come."""
    return planted(customer, monkeypatch, [])


def planted(customer: Customer, monkeypatch: pytest.MonkeyPatch, faults: list[Exception]) -> list[str]:
    """Have the ledger refuse a work with each fault, the last one first; return the request ids as they come."""
    ledger = customer.service.core.ledger
    submit: Callable[[Any], None] = ledger.submit
    ids: list[str] = []

    def submit_or_fail(ticket: Any) -> None:
        ids.append(ticket.item.origin.request_id)
        if faults:
            raise faults.pop()
        submit(ticket)

    monkeypatch.setattr(ledger, "submit", submit_or_fail)
    return ids


@pytest.mark.parametrize("fault", [VersionConflict, Overloaded, DatabaseUnavailable])
def test_it_is_tried_again_with_the_same_request_id(
    style: Style, customer: Customer, fault: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = planted(customer, monkeypatch, [fault(), fault()])
    onlooker = Onlooker()
    request = ReserveRequest(account_id=customer.account_id, credit_type=CHAT, amount=1)
    assert style.with_(manner=Manner(observer=onlooker)).call(request).balance.available == 99
    assert ids == [request.request_id] * 3
    # As long as it was told to.
    assert onlooker.pauses == [failure.pushback_seconds for failure in onlooker.failures]
    assert onlooker.methods == ["Reserve"]


def test_a_refusal_is_asked_for_once(style: Style, customer: Customer, seen: list[str]) -> None:
    with pytest.raises(InsufficientCredit) as refusal:
        style.call(ReserveRequest(account_id=customer.account_id, credit_type=CHAT, amount=101))
    assert seen == [refusal.value.request_id]
    assert refusal.value.tries == 1


def test_so_is_one_whose_code_is_also_that_of_a_conflict(style: Style, customer: Customer, seen: list[str]) -> None:
    version = customer.balance().version
    request = ReserveRequest(account_id=customer.account_id, credit_type=CHAT, amount=1, expected_version=version - 1)
    with pytest.raises(VersionMismatch) as refusal:
        style.call(request)
    assert (refusal.value.stated, refusal.value.current) == (version - 1, version)
    assert len(seen) == 1


def test_where_nobody_is_it_gives_up_when_its_time_is_over_and_says_by_which_id_to_ask_again(
    style: Style, customer: Customer
) -> None:
    onlooker = Onlooker()
    nowhere = style.with_(target="127.0.0.1:9", manner=Manner(call_seconds=3.0, observer=onlooker))
    request = ReserveRequest(account_id=customer.account_id, credit_type=CHAT, amount=1)
    with pytest.raises(NoAnswer) as failure:
        nowhere.call(request)
    assert failure.value.request_id == request.request_id
    assert (failure.value.code, failure.value.reason) == (StatusCode.UNAVAILABLE, "")
    assert failure.value.tries == len(onlooker.pauses) + 1 > 1
    assert sum(onlooker.pauses) < 3.0
    assert style.call(request).balance.available == 99


def half() -> float:
    """Give the same number each time."""
    return 0.5


@pytest.mark.parametrize(
    ("code", "pushback", "pause"),
    [
        (StatusCode.UNAVAILABLE, None, FIRST_SECONDS * 0.75),
        (StatusCode.CANCELLED, None, FIRST_SECONDS * 0.75),
        (StatusCode.UNAVAILABLE, 3.0, 3.0),
        (StatusCode.RESOURCE_EXHAUSTED, 3.0, 3.0),
        (StatusCode.ABORTED, 0.0, 0.0),
        (StatusCode.UNAVAILABLE, NEVER, None),
        (StatusCode.ABORTED, NEVER, None),
        (StatusCode.RESOURCE_EXHAUSTED, None, None),
        (StatusCode.ABORTED, None, None),
        (StatusCode.DEADLINE_EXCEEDED, None, FIRST_SECONDS * 0.75),
        (StatusCode.DEADLINE_EXCEEDED, NEVER, FIRST_SECONDS * 0.75),
        (StatusCode.INTERNAL, None, None),
        (StatusCode.FAILED_PRECONDITION, 3.0, None),
    ],
)
def test_what_is_tried_again_and_when(code: StatusCode, pushback: float | None, pause: float | None) -> None:
    failure = Failure(code, "", pushback_seconds=pushback)
    assert pause_seconds(failure, 1, LONG_SECONDS, half) == pause


def test_pauses_grow_up_to_a_bound_and_differ_between_callers() -> None:
    failure = Failure(StatusCode.UNAVAILABLE, "")
    pauses = [pause_seconds(failure, tries, LONG_SECONDS, lambda: 1.0) for tries in (1, 2, 3, 4, 5, 6, 60)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, MOST_SECONDS, MOST_SECONDS]
    assert pause_seconds(failure, 6, LONG_SECONDS, lambda: 0.0) == MOST_SECONDS / 2


def test_nobody_waits_for_a_try_that_comes_too_late() -> None:
    failure = Failure(StatusCode.RESOURCE_EXHAUSTED, "", pushback_seconds=540.0)
    assert pause_seconds(failure, 1, 540.0, half) is None
    assert pause_seconds(failure, 1, 540.1, half) == 540.0
