"""Staff add and remove credits of any type, several types in one atomic call (D1)."""

from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import source_pb2
from tests.contract.at_once import at_once, reasons
from tests.support.customer import Customer, kind_of, slices_of, source_of
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("D1")

INT64_MAX = 2**63 - 1


def adding(customer: Customer, amounts: dict[str, int] | list[tuple[str, int]], **fields: Any) -> Any:
    """Return the request to add amounts by credit type."""
    pairs = amounts.items() if isinstance(amounts, dict) else amounts
    fields = {"reason": "a gift", "request_id": customer.request_id()} | fields
    listed = [admin.CreditAmount(credit_type=credit_type, amount=amount) for credit_type, amount in pairs]
    return admin.AddCreditsRequest(account_id=customer.account_id, amounts=listed, **fields)


def removing(customer: Customer, amounts: dict[str, int], **fields: Any) -> Any:
    """Return the request to remove amounts by credit type."""
    fields = {"reason": "a mistake", "request_id": customer.request_id()} | fields
    listed = [admin.CreditAmount(credit_type=credit_type, amount=amount) for credit_type, amount in amounts.items()]
    return admin.RemoveCreditsRequest(account_id=customer.account_id, amounts=listed, **fields)


def test_several_types_are_added_in_one_call(customer: Customer) -> None:
    """Each has a row of its own that says who and why, all under one request id."""
    request = adding(customer, {"THB": 500, "chat": 7}, metadata={"ticket": "42"})
    answer = customer.staff.admin.AddCredits(request)
    assert [(kind_of(entry), entry.credit_type, entry.amount) for entry in answer.entries] == [
        ("ADMIN_ADD", "THB", 500),
        ("ADMIN_ADD", "chat", 7),
    ]
    for entry, balance in zip(answer.entries, answer.balances, strict=True):
        assert (entry.actor, entry.reason, dict(entry.metadata)) == ("staff", "a gift", {"ticket": "42"})
        assert (entry.request_id, slices_of(entry)) == (request.request_id, [("ADMIN", entry.amount)])
        assert (balance.credit_type, balance.available, balance.version) == (entry.credit_type, entry.amount, 1)
    assert [wallet.balance.available for wallet in customer.account_balance("THB", "chat").wallets] == [500, 7]


def test_credits_are_added_as_of_a_source_and_with_an_expiry(customer: Customer) -> None:
    end = customer.after(3_600)
    request = adding(customer, {"chat": 10}, source=source_pb2.SOURCE_PROMO, expire_time=end)
    customer.staff.admin.AddCredits(request)
    (grant,) = customer.wallet().grants
    assert (source_of(grant), grant.available, grant.expire_time) == ("PROMO", 10, end)


@pytest.mark.parametrize("seconds", [9_100_000_000, 253_402_300_799], ids=["the year 2258", "the last second of 9999"])
def test_an_expiry_centuries_away_comes_back_to_the_second(customer: Customer, seconds: int) -> None:
    """What stands for "never" elsewhere is still a time that every client can read."""
    end = Timestamp(seconds=seconds, nanos=999_999_999)
    customer.staff.admin.AddCredits(adding(customer, {"chat": 10}, expire_time=end))
    (grant,) = customer.wallet().grants
    assert grant.expire_time == Timestamp(seconds=seconds)
    assert grant.expire_time.ToJsonString()


def test_an_addition_of_which_one_part_cannot_be_is_refused_whole(customer: Customer) -> None:
    customer.top_up(1)
    for amounts in ({"chat": 5, "nothing": 5}, {"THB": 5, "chat": INT64_MAX}):
        refused(customer.staff.admin.AddCredits, adding(customer, amounts))
    assert customer.entries("THB") == []
    assert customer.figures() == (1, 0)


def test_a_type_named_twice_is_refused(customer: Customer) -> None:
    request = adding(customer, [("chat", 5), ("chat", 6)])
    refusal = refused(customer.staff.admin.AddCredits, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert refusal.violations == ["amounts"]


def test_several_types_are_removed_in_one_call_in_spend_order(customer: Customer) -> None:
    customer.top_up(10)
    customer.top_up(10, source_pb2.SOURCE_FREE)
    customer.top_up(500, credit_type="THB")
    answer = customer.staff.admin.RemoveCredits(removing(customer, {"chat": 15, "THB": 500}))
    assert [kind_of(entry) for entry in answer.entries] == ["ADMIN_REMOVE"] * 2
    assert slices_of(answer.entries[0]) == [("FREE", 10), ("PURCHASED", 5)]
    assert [balance.available for balance in answer.balances] == [5, 0]
    assert answer.entries[0].reason == "a mistake"


def test_a_removal_below_zero_is_refused_whole(customer: Customer) -> None:
    """What is held cannot be removed either."""
    customer.top_up(100)
    customer.top_up(500, credit_type="THB")
    customer.hold(40)
    refusal = refused(customer.staff.admin.RemoveCredits, removing(customer, {"THB": 1, "chat": 61}))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INSUFFICIENT_CREDIT")
    assert (refusal.metadata["required"], refusal.metadata["available"]) == ("61", "60")
    assert customer.figures() == (60, 40)
    assert customer.figures("THB") == (500, 0)


@pytest.mark.requirement("A8")
def test_removals_at_once_never_go_below_zero(customer: Customer) -> None:
    customer.top_up(100)
    outcomes = at_once(customer.staff.admin.RemoveCredits, [removing(customer, {"chat": 30}) for _ in range(5)])
    assert reasons(outcomes) == ["INSUFFICIENT_CREDIT"] * 2 + ["OK"] * 3
    assert customer.figures() == (10, 0)


@pytest.mark.parametrize("make", [adding, removing])
def test_a_reason_is_required(customer: Customer, make: Any) -> None:
    customer.top_up(100)
    call = {adding: customer.staff.admin.AddCredits, removing: customer.staff.admin.RemoveCredits}[make]
    refusal = refused(call, make(customer, {"chat": 1}, reason=""))
    assert (refusal.code, refusal.violations) == (grpc.StatusCode.INVALID_ARGUMENT, ["reason"])
    assert customer.figures() == (100, 0)


def test_the_sum_of_all_that_is_added_stays_within_an_int64(customer: Customer) -> None:
    """Held credits count: they may come back."""
    customer.top_up(INT64_MAX)
    assert customer.figures() == (INT64_MAX, 0)
    name = customer.hold(INT64_MAX - 10)
    refusal = refused(customer.staff.admin.AddCredits, adding(customer, {"chat": 1}))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BALANCE_TOO_LARGE")
    assert (refusal.metadata["amount"], refusal.metadata["total"]) == ("1", str(INT64_MAX))
    assert refusal.metadata["maximum"] == str(INT64_MAX)
    customer.confirm(name, INT64_MAX - 20)
    assert customer.figures() == (20, 0)
    customer.top_up(INT64_MAX - 20)
    assert refused(customer.app.credit.Refund, customer.refunding(name, 1)).reason == "BALANCE_TOO_LARGE"
    assert customer.figures() == (INT64_MAX, 0)


@pytest.mark.requirement("A7")
def test_the_same_request_id_with_other_content_is_refused(customer: Customer) -> None:
    request = adding(customer, {"chat": 1})
    customer.staff.admin.AddCredits(request)
    others = [
        adding(customer, {"chat": 2}, request_id=request.request_id),
        adding(customer, {"chat": 1, "THB": 1}, request_id=request.request_id),
        adding(customer, {"chat": 1}, request_id=request.request_id, reason="another"),
    ]
    for other in others:
        assert refused(customer.staff.admin.AddCredits, other).reason == "REQUEST_ID_REUSED"
    removal = removing(customer, {"chat": 1}, request_id=request.request_id)
    assert refused(customer.staff.admin.RemoveCredits, removal).reason == "REQUEST_ID_REUSED"
    assert customer.figures() == (1, 0)


def test_credits_that_have_expired_already_are_refused_whole(customer: Customer) -> None:
    for seconds in (0, -60):
        request = adding(customer, {"chat": 1, "THB": 1}, expire_time=customer.after(seconds))
        refusal = refused(customer.staff.admin.AddCredits, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "EXPIRY_IN_PAST")
        assert (refusal.violations, refusal.message) == (
            ["expire_time"],
            f"expire_time is in the past; the server's time is {refusal.metadata['server_time']}",
        )
    assert customer.figures() == (0, 0)
