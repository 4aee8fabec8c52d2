"""Many requests in one call, each with its own result (A1, A3, A5)."""

from collections.abc import Sequence
from typing import Any

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from tests.support.answers import lasting
from tests.support.customer import Customer, state_of
from tests.support.refusals import details_of, refused


def batch_reserve(customer: Customer, *requests: credit.ReserveRequest) -> list[credit.BatchReserveResult]:
    """Make the requests in one call."""
    answer: credit.BatchReserveResponse = customer.app.credit.BatchReserve(
        credit.BatchReserveRequest(requests=requests)
    )
    return list(answer.results)


def outcomes(results: Any) -> list[str]:
    """Return OK or the reason of the refusal, in order."""
    return [details_of(result.error)["reason"] if result.HasField("error") else "OK" for result in results]


@pytest.mark.requirement("A1")
def test_each_result_stands_in_the_place_of_its_request(customer: Customer) -> None:
    """A refused one fails no other, and the ones after it go on from the state that it left as it was."""
    customer.top_up(100)
    requests = [customer.reserving(amount) for amount in (60, 50, 30, 20, 10)]
    results = batch_reserve(customer, *requests)
    assert outcomes(results) == ["OK", "INSUFFICIENT_CREDIT", "OK", "INSUFFICIENT_CREDIT", "OK"]
    assert [result.response.entry.request_id for result in results[::2]] == [r.request_id for r in requests[::2]]
    assert [result.response.balance.available for result in results[::2]] == [40, 10, 0]
    assert customer.figures() == (0, 100)


@pytest.mark.requirement("A1", "H2")
def test_a_bad_request_fails_alone(customer: Customer) -> None:
    customer.top_up(100)
    bad = [
        customer.reserving(0),
        credit.ReserveRequest(),
        customer.reserving(1, credit_type="nothing"),
        customer.reserving(1, seconds=0),
        customer.reserving(1, metadata={"k": "v" * 4_096}),
    ]
    results = batch_reserve(customer, *bad, customer.reserving(7))
    assert outcomes(results) == [
        "INVALID_FIELD",
        "INVALID_FIELD",
        "CREDIT_TYPE_NOT_FOUND",
        "EXPIRY_OUT_OF_RANGE",
        "INVALID_FIELD",
        "OK",
    ]
    assert customer.figures() == (93, 7)


@pytest.mark.parametrize(
    ("call", "request_type", "item"),
    [
        ("BatchReserve", credit.BatchReserveRequest, credit.ReserveRequest()),
        ("BatchConfirm", credit.BatchConfirmRequest, credit.ConfirmRequest()),
        ("BatchDeduct", credit.BatchDeductRequest, credit.DeductRequest()),
    ],
)
def test_one_of_bad_requests_alone_is_answered(customer: Customer, call: str, request_type: Any, item: Any) -> None:
    """With nothing for the ledger to do there is an answer all the same."""
    answer = getattr(customer.app.credit, call)(request_type(requests=[item] * 3), timeout=20)
    assert outcomes(answer.results) == ["INVALID_FIELD"] * 3


@pytest.mark.requirement("A7")
def test_the_same_request_twice_in_one_batch_is_done_once(customer: Customer) -> None:
    customer.top_up(100)
    request = customer.reserving(10)
    first, second = batch_reserve(customer, request, request)
    assert first == second
    other = customer.reserving(11, request_id=request.request_id)
    assert outcomes(batch_reserve(customer, request, other)) == ["OK", "REQUEST_ID_REUSED"]
    assert customer.figures() == (90, 10)


@pytest.mark.requirement("A7")
def test_a_batch_sent_again_answers_the_same(customer: Customer) -> None:
    customer.top_up(100)
    requests = [customer.reserving(40) for _ in range(2)]
    first = batch_reserve(customer, *requests)
    assert list(map(lasting, batch_reserve(customer, *requests))) == list(map(lasting, first))
    assert customer.figures() == (20, 80)


@pytest.mark.requirement("A3")
def test_holds_of_a_batch_are_confirmed_by_a_batch(customer: Customer) -> None:
    """Each for its own amount; one that cannot be is told apart."""
    customer.top_up(100)
    names = [result.response.reservation.name for result in batch_reserve(customer, *map(customer.reserving, [30] * 3))]
    requests = [
        customer.confirming(names[0]),
        customer.confirming(names[1], 12),
        customer.confirming(names[2], 31),
        customer.confirming(names[0]),
    ]
    results = customer.app.credit.BatchConfirm(credit.BatchConfirmRequest(requests=requests)).results
    assert outcomes(results) == ["OK", "OK", "AMOUNT_EXCEEDS_RESERVATION", "RESERVATION_CONFIRMED"]
    assert [result.response.entry.amount for result in results[:2]] == [30, 12]
    assert [state_of(customer.reservation(name)) for name in names] == ["CONFIRMED", "CONFIRMED", "PENDING"]
    assert customer.figures() == (28, 30)


@pytest.mark.requirement("A5", "A13")
def test_a_batch_of_deductions_spends_for_many_accounts(customer: Customer) -> None:
    others = [customer.another(str(number)) for number in range(50)]
    requests = [other.deducting(1, credit_type="spec") for other in others for _ in range(2)]
    results = customer.app.credit.BatchDeduct(credit.BatchDeductRequest(requests=requests)).results
    assert outcomes(results) == ["OK", "INSUFFICIENT_CREDIT"] * 50
    many = credit.BatchGetBalancesRequest(account_ids=[other.account_id for other in others], credit_types=["spec"])
    found = customer.app.credit.BatchGetBalances(many).account_balances
    assert [balance.wallets[0].balance.available for balance in found] == [0] * 50


@pytest.mark.requirement("A1")
def test_a_thousand_requests_are_taken_and_no_more(customer: Customer) -> None:
    customer.top_up(1_000)
    requests = [customer.reserving(1) for _ in range(1_001)]
    refusal = refused(customer.app.credit.BatchReserve, credit.BatchReserveRequest(requests=requests))
    assert (refusal.code, refusal.violations) == (grpc.StatusCode.INVALID_ARGUMENT, ["requests"])
    assert outcomes(batch_reserve(customer, *requests[:1_000])) == ["OK"] * 1_000
    assert customer.figures() == (0, 1_000)
    assert customer.balance().version == 1_001


def test_an_empty_batch_is_refused(customer: Customer) -> None:
    for call, request in (
        (customer.app.credit.BatchReserve, credit.BatchReserveRequest()),
        (customer.app.credit.BatchConfirm, credit.BatchConfirmRequest()),
        (customer.app.credit.BatchDeduct, credit.BatchDeductRequest()),
        (customer.app.credit.BatchGetBalances, credit.BatchGetBalancesRequest()),
    ):
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")


@pytest.mark.requirement("H3")
def test_a_batch_whose_answer_could_not_be_sent_is_refused_before_anything_is_done(customer: Customer) -> None:
    """Labels travel back twice; what was held but could never be told would be lost to its caller."""
    customer.top_up(1_000)
    labels = {"k": "v" * 1_500}
    requests = [customer.reserving(1, metadata=labels) for _ in range(1_000)]
    refusal = refused(customer.app.credit.BatchReserve, credit.BatchReserveRequest(requests=requests))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    assert customer.figures() == (1_000, 0)
    assert outcomes(batch_reserve(customer, *requests[:400])) == ["OK"] * 400


def test_a_dry_run_in_a_batch_takes_nothing_from_the_others(customer: Customer) -> None:
    customer.top_up(10)
    dry = customer.reserving(10, validate_only=True)
    results = batch_reserve(customer, dry, customer.reserving(10), dry)
    assert outcomes(results) == ["OK", "OK", "INSUFFICIENT_CREDIT"]
    assert not results[0].response.HasField("entry")
    assert customer.figures() == (0, 10)


@pytest.mark.requirement("A1")
@pytest.mark.parametrize(
    ("amounts", "left"), [((1, 6, 3), [8, 2, None]), ((5, 9, 4, 1), [4, None, 0, None]), ((9, 1), [0, None])]
)
def test_requests_of_one_account_are_decided_in_their_order_though_the_account_has_changed(
    customer: Customer, amounts: Sequence[int], left: list[int | None]
) -> None:
    """What memory holds of its wallet is of no use then, for the first of them and for those that follow."""
    customer.top_up(9)
    customer.go_unlimited()
    customer.go_standard()
    results = batch_reserve(customer, *map(customer.reserving, amounts))
    assert outcomes(results) == ["INSUFFICIENT_CREDIT" if each is None else "OK" for each in left]
    assert [each.response.balance.available if each.HasField("response") else None for each in results] == left
