"""A refusal explains itself: to programs by its reason and figures, to people in their language (H2)."""

from collections.abc import Callable, Mapping
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2

from credit.v1 import account_pb2
from credit.v1 import credit_service_pb2 as credit
from credit.v1.limits_pb2 import Limit
from creditd.ledger.account_lanes import AccountLanes
from creditd.ledger.work import Overloaded, VersionConflict
from tests.contract.leaks import tells_nothing_of_our_insides
from tests.support.customer import Customer
from tests.support.error_reasons import documented
from tests.support.refusals import RefusedCall, details_of, refused

pytestmark = pytest.mark.requirement("H2")

Provoke = Callable[[Customer], RefusedCall]


def _spent_twice(c: Customer) -> RefusedCall:
    name = c.hold(10)
    c.confirm(name)
    return refused(c.app.credit.Confirm, c.confirming(name))


def _given_back_twice(c: Customer) -> RefusedCall:
    name = c.hold(10)
    c.refund(name)
    return refused(c.app.credit.Refund, c.refunding(name))


def _too_late(c: Customer) -> RefusedCall:
    name = c.hold(10, seconds=60)
    c.service.clock.advance(60)
    return refused(c.app.credit.Confirm, c.confirming(name))


def _while(status: account_pb2.AccountStatus) -> Provoke:
    def provoke(c: Customer) -> RefusedCall:
        c.become(status, allow_balance=True)
        return refused(c.app.credit.Reserve, c.reserving(1))

    return provoke


def _over_the_limit(c: Customer) -> RefusedCall:
    c.limit(Limit(credit_type="chat", most_per_movement=5))
    return refused(c.app.credit.Reserve, c.reserving(6))


DOCUMENTED = documented()

REFUSALS: Mapping[str, tuple[Provoke, str, set[str]]] = {
    "INSUFFICIENT_CREDIT": (
        lambda c: refused(c.app.credit.Reserve, c.reserving(101)),
        "FAILED_PRECONDITION",
        {"credit_type", "required", "available"},
    ),
    "LIMIT_EXCEEDED": (_over_the_limit, "FAILED_PRECONDITION", {"credit_type", "which", "limit", "requested"}),
    "INVALID_FIELD": (
        lambda c: refused(c.app.credit.Reserve, c.reserving(0)),
        "INVALID_ARGUMENT",
        {"field", "rule"},
    ),
    "EXPIRY_OUT_OF_RANGE": (
        lambda c: refused(c.app.credit.Reserve, c.reserving(1, seconds=10**6)),
        "INVALID_ARGUMENT",
        {"field", "maximum_seconds"},
    ),
    "EXPIRY_IN_PAST": (
        lambda c: refused(c.app.credit.Reserve, c.reserving(1, expire_time=c.after(-1))),
        "INVALID_ARGUMENT",
        {"field", "server_time"},
    ),
    "PAGE_TOKEN_INVALID": (
        lambda c: refused(
            c.app.credit.ListTransactions,
            credit.ListTransactionsRequest(account_id=c.account_id, page_token="x"),  # noqa: S106 - no secret.
        ),
        "INVALID_ARGUMENT",
        set(),
    ),
    "REQUEST_ID_REUSED": (
        lambda c: refused(c.app.credit.Deduct, c.deducting(1, request_id=c.entries()[0].request_id)),
        "ALREADY_EXISTS",
        {"request_id", "used_by", "use_time"},
    ),
    "RESERVATION_NOT_FOUND": (
        lambda c: refused(c.app.credit.Confirm, c.confirming(c.hold(1).replace("/chat/", "/THB/"))),
        "NOT_FOUND",
        {"reservation"},
    ),
    "RESERVATION_CONFIRMED": (_spent_twice, "FAILED_PRECONDITION", {"reservation"}),
    "RESERVATION_REFUNDED": (_given_back_twice, "FAILED_PRECONDITION", {"reservation"}),
    "RESERVATION_PENDING": (
        lambda c: refused(c.app.credit.Refund, c.refunding(c.hold(2), 1)),
        "FAILED_PRECONDITION",
        {"credit_type", "reservation", "requested", "reserved"},
    ),
    "RESERVATION_EXPIRED": (_too_late, "FAILED_PRECONDITION", {"reservation"}),
    "AMOUNT_EXCEEDS_RESERVATION": (
        lambda c: refused(c.app.credit.Confirm, c.confirming(c.hold(1), 2)),
        "FAILED_PRECONDITION",
        {"credit_type", "requested", "reserved"},
    ),
    "AMOUNT_EXCEEDS_CONFIRMED": (
        lambda c: refused(c.app.credit.Refund, c.refunding(c.deduct(1).reservation.name, 2)),
        "FAILED_PRECONDITION",
        {"credit_type", "requested", "refundable"},
    ),
    "CREDIT_TYPE_NOT_FOUND": (
        lambda c: refused(c.app.credit.Reserve, c.reserving(1, credit_type="nothing")),
        "NOT_FOUND",
        {"credit_type"},
    ),
    "VERSION_MISMATCH": (
        lambda c: refused(c.app.credit.Reserve, c.reserving(1, expected_version=9)),
        "ABORTED",
        {"stated", "current"},
    ),
    "VERSION_AHEAD": (
        lambda c: refused(
            c.app.credit.WatchBalance,
            credit.WatchBalanceRequest(account_id=c.account_id, credit_type="chat", after_version=9),
            timeout=20,
        ),
        "OUT_OF_RANGE",
        {"stated", "current"},
    ),
    "ACCOUNT_SUSPENDED": (_while(account_pb2.ACCOUNT_STATUS_SUSPENDED), "FAILED_PRECONDITION", {"account_id"}),
    "ACCOUNT_CLOSED": (_while(account_pb2.ACCOUNT_STATUS_CLOSED), "FAILED_PRECONDITION", {"account_id"}),
    "ACCOUNT_NOT_EMPTY": (
        lambda c: refused(c.staff.admin.SetAccountStatus, c.becoming(account_pb2.ACCOUNT_STATUS_CLOSED)),
        "FAILED_PRECONDITION",
        {"account_id"},
    ),
}


@pytest.fixture
def rich(customer: Customer) -> Customer:
    """Return a customer with 100 credits."""
    customer.top_up(100)
    return customer


@pytest.mark.parametrize("reason", REFUSALS)
def test_each_reason_comes_with_its_code_and_every_figure(rich: Customer, reason: str) -> None:
    provoke, code, facts = REFUSALS[reason]
    refusal = provoke(rich)
    assert (refusal.reason, refusal.code.name) == (reason, code)
    assert refusal.metadata.keys() == {*facts, "correlation_id"}
    assert DOCUMENTED[reason].metadata.keys() == facts
    assert all(refusal.metadata.values())
    assert refusal.localized.locale == "en"
    assert refusal.localized.message
    assert (code == "INVALID_ARGUMENT") == bool(refusal.violations)
    assert refusal.retry is None
    assert tells_nothing_of_our_insides(refusal)


@pytest.mark.parametrize(
    ("accept_language", "language"),
    [
        ("en", "en"),
        ("vi", "vi"),
        ("th-TH", "th"),
        ("he", "he"),
        ("iw", "he"),
        ("fr, th;q=0.5, vi;q=0.9", "vi"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        (";;q=x,,", "en"),
    ],
)
def test_people_read_it_in_their_language_with_the_figures(rich: Customer, accept_language: str, language: str) -> None:
    app = rich.service.as_caller("app", "ADMIN", language=accept_language)
    refusal = refused(app.credit.Reserve, rich.reserving(123_456))
    assert refusal.localized.locale == language
    assert ("123.456" if language == "vi" else "123,456") in refusal.localized.message
    assert "100" in refusal.localized.message
    in_english = refused(rich.app.credit.Reserve, rich.reserving(123_456)).localized.message
    assert (refusal.localized.message == in_english) == (language == "en")
    assert refusal.message == "123456 required, 100 available"


def test_the_callers_correlation_id_comes_back(rich: Customer) -> None:
    metadata = [("x-correlation-id", "order-7.a:b_c")]
    assert refused(rich.app.credit.Reserve, rich.reserving(0), metadata=metadata).metadata["correlation_id"] == (
        "order-7.a:b_c"
    )


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "<script>", 'a"b'])
def test_a_correlation_id_that_is_unfit_for_a_log_is_replaced(rich: Customer, sent: str) -> None:
    refusal = refused(rich.app.credit.Reserve, rich.reserving(0), metadata=[("x-correlation-id", sent)])
    assert refusal.metadata["correlation_id"] not in {"", sent}


def test_without_one_each_call_gets_its_own(rich: Customer) -> None:
    made = {refused(rich.app.credit.Reserve, rich.reserving(0)).metadata["correlation_id"] for _ in range(5)}
    assert len(made) == 5


@pytest.mark.requirement("B2")
@pytest.mark.parametrize(
    ("fault", "code", "reason"),
    [(Overloaded(), "RESOURCE_EXHAUSTED", "OVERLOADED"), (VersionConflict(), "ABORTED", "VERSION_CONFLICT")],
)
def test_where_a_retry_helps_it_says_when(
    rich: Customer, monkeypatch: pytest.MonkeyPatch, fault: Exception, code: str, reason: str
) -> None:
    """To programs twice: in the details, and in the header that gRPC's own retries go by."""

    def refuse(_: object) -> None:
        raise fault

    with monkeypatch.context() as planted:
        planted.setattr(rich.service.core.ledger, "submit", refuse)
        refusal = refused(rich.app.credit.Reserve, rich.reserving(1))
    assert (refusal.code.name, refusal.reason) == (code, reason)
    assert refusal.retry is not None
    milliseconds = refusal.retry.retry_delay.ToMilliseconds()
    assert 0 < milliseconds == int(refusal.trailing["grpc-retry-pushback-ms"])
    assert (refusal.quota is not None) == (reason == "OVERLOADED")
    assert rich.figures() == (100, 0)


def test_a_full_queue_is_told_and_clears(rich: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = rich.service.core.ledger
    with monkeypatch.context() as planted:
        for lane in ledger._lanes if isinstance(ledger, AccountLanes) else (ledger._lane,):
            planted.setattr(lane, "_max_waiting", 0)
        refusal = refused(rich.app.credit.Reserve, rich.reserving(1))
        batch = credit.BatchReserveRequest(requests=[rich.reserving(1)])
        (result,) = rich.app.credit.BatchReserve(batch).results
    assert refusal.reason == details_of(result.error)["reason"] == "OVERLOADED"
    assert details_of(result.error)["retry"] is not None
    assert rich.deduct(1).balance.available == 99


def test_a_defect_of_ours_tells_an_incident_and_nothing_else(rich: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("SELECT secret FROM wallets; /home/somebody/creditd/x.py")

    with monkeypatch.context() as planted:
        planted.setattr(rich.service.core.ledger, "submit", fail)
        refusal = refused(rich.app.credit.Reserve, rich.reserving(1), metadata=[("x-correlation-id", "mine")])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert refusal.metadata == {"incident_id": "mine"}
    assert refusal.message == "internal error"
    assert tells_nothing_of_our_insides(refusal)
    assert refusal.trailing.keys() == {"grpc-status-details-bin", "grpc-retry-pushback-ms"}


def test_an_item_of_a_batch_carries_what_a_single_call_carries(rich: Customer) -> None:
    """Word for word, in the caller's language."""
    app = rich.service.as_caller("app", "ADMIN", language="th")
    metadata = [("x-correlation-id", "same")]
    requests = [
        rich.reserving(101),
        rich.reserving(0, reason="x" * 501),
        rich.reserving(1, credit_type="nothing"),
        rich.reserving(1, seconds=10**6),
        rich.reserving(1, expected_version=9),
        rich.reserving(1, request_id=rich.entries()[0].request_id),
    ]
    batch: Any = app.credit.BatchReserve(credit.BatchReserveRequest(requests=requests), metadata=metadata)
    for request, result in zip(requests, batch.results, strict=True):
        single = refused(app.credit.Reserve, request, metadata=metadata)
        assert result.error == status_pb2.Status.FromString(single.trailing["grpc-status-details-bin"])
        assert (result.error.code, result.error.message) == (single.code.value[0], single.message)
        assert single.localized.locale == "th"
