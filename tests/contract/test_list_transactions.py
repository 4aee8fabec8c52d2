"""ListTransactions shows an account's ledger: newest first, in pages, filtered (C2)."""

from typing import Any

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import entry_pb2
from tests.support.customer import Customer, kind_of
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("C2")


@pytest.fixture
def busy(customer: Customer) -> Customer:
    """Return a customer with 25 movements: a GRANT, a top-up in each of two types, and 22 deductions."""
    customer.balance()
    customer.top_up(100)
    customer.top_up(100, credit_type="THB")
    for number in range(22):
        customer.deduct(1, credit_type=("chat", "THB")[number % 2])
    return customer


def pages(customer: Customer, **fields: object) -> list[list[entry_pb2.Entry]]:
    """Return all pages of a query."""
    found: list[list[entry_pb2.Entry]] = []
    token = ""
    while not found or token:
        page = customer.page(page_token=token, **fields)
        found.append(list(page.entries))
        token = page.next_page_token
    return found


def test_it_shows_what_happened_newest_first(busy: Customer) -> None:
    """Across credit types by time, within each by version; 20 a page unless stated otherwise."""
    first, second = pages(busy)
    assert (len(first), len(second)) == (20, 5)
    times = [entry.create_time.ToNanoseconds() for entry in first + second]
    assert times == sorted(times, reverse=True)
    for credit_type in ("chat", "THB"):
        versions = [entry.version for entry in first + second if entry.credit_type == credit_type]
        assert versions == list(range(12, 0, -1))
    assert first[0] == busy.entries("THB")[0]


@pytest.mark.parametrize("size", [1, 7, 24, 25, 100])
def test_pages_of_any_size_hold_each_entry_once(busy: Customer, size: int) -> None:
    found = pages(busy, page_size=size)
    assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
    keys = [(entry.credit_type, entry.version) for page in found for entry in page]
    assert len(keys) == len(set(keys)) == 25


def test_a_page_holds_100_at_most(busy: Customer) -> None:
    refusal = refused(
        busy.app.credit.ListTransactions, credit.ListTransactionsRequest(account_id=busy.account_id, page_size=101)
    )
    assert (refusal.code, refusal.violations) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_size"])


def test_what_happens_meanwhile_does_not_shift_the_pages(busy: Customer) -> None:
    first = busy.page(page_size=10)
    busy.deduct(1)
    busy.top_up(5, credit_type="quiz_gen")
    rest = busy.page(page_size=100, page_token=first.next_page_token)
    assert len(rest.entries) == 15
    assert not rest.next_page_token


def test_it_is_filtered_by_credit_type_and_kind(busy: Customer) -> None:
    assert {entry.credit_type for entry in busy.entries("THB")} == {"THB"}
    deducted = busy.page(kinds=[entry_pb2.ENTRY_KIND_DEDUCT], page_size=100)
    assert [kind_of(entry) for entry in deducted.entries] == ["DEDUCT"] * 22
    came_in = [entry_pb2.ENTRY_KIND_ADMIN_ADD, entry_pb2.ENTRY_KIND_GRANT]
    assert [kind_of(entry) for entry in busy.page(kinds=came_in).entries] == ["ADMIN_ADD", "ADMIN_ADD", "GRANT"]
    one_page_each = pages(busy, kinds=came_in, page_size=1)
    assert [[kind_of(entry) for entry in page] for page in one_page_each] == [["ADMIN_ADD"], ["ADMIN_ADD"], ["GRANT"]]
    assert not busy.page(kinds=[entry_pb2.ENTRY_KIND_EXPIRE]).entries


def test_it_is_filtered_by_reservation(busy: Customer) -> None:
    """A reservation's whole life, and nothing else."""
    name = busy.hold(10)
    busy.hold(10)
    busy.extend(name, 500)
    busy.confirm(name, 5)
    busy.refund(name, 1)
    found = busy.page(reservation=name, include_total_size=True)
    assert [kind_of(entry) for entry in found.entries] == ["REFUND", "CONFIRM", "EXTEND", "RESERVE"]
    assert found.total_size == 4
    refunds = busy.page(reservation=name, kinds=[entry_pb2.ENTRY_KIND_REFUND], include_total_size=True)
    assert (len(refunds.entries), refunds.total_size) == (1, 1)
    assert [len(page) for page in pages(busy, reservation=name, page_size=3)] == [3, 1]


def test_another_accounts_reservation_is_no_filter_here(busy: Customer) -> None:
    other = busy.another("other")
    other.top_up(10)
    request = credit.ListTransactionsRequest(account_id=busy.account_id, reservation=other.hold(1))
    refusal = refused(busy.app.credit.ListTransactions, request)
    assert (refusal.code, refusal.violations) == (grpc.StatusCode.INVALID_ARGUMENT, ["reservation"])


def test_it_is_filtered_by_time(customer: Customer) -> None:
    """From the start on, and before the end: an instant belongs to one of two neighbouring ranges."""
    middle = []
    for _ in range(3):
        middle.append(customer.top_up(1).create_time)
        customer.service.clock.advance(100)
    versions = {
        "from the second": [entry.version for entry in customer.entries(start_time=middle[1])],
        "before the second": [entry.version for entry in customer.entries(end_time=middle[1])],
        "the second alone": [e.version for e in customer.entries(start_time=middle[1], end_time=middle[2])],
        "nothing": [entry.version for entry in customer.entries(start_time=customer.after(0))],
        "the wrong way round": [e.version for e in customer.entries(start_time=middle[2], end_time=middle[0])],
    }
    assert versions == {
        "from the second": [3, 2],
        "before the second": [1],
        "the second alone": [2],
        "nothing": [],
        "the wrong way round": [],
    }


def test_all_that_match_are_counted_on_request(busy: Customer) -> None:
    assert not busy.page().HasField("total_size")
    first = busy.page(include_total_size=True, page_size=3)
    assert first.total_size == 25
    assert busy.page(include_total_size=True, page_size=3, page_token=first.next_page_token).total_size == 25
    assert busy.page(include_total_size=True, credit_type="THB").total_size == 12
    assert busy.page(include_total_size=True, kinds=[entry_pb2.ENTRY_KIND_DEDUCT]).total_size == 22
    assert busy.page(include_total_size=True, start_time=busy.after(0)).total_size == 0


def test_an_account_that_was_never_seen_has_no_history(customer: Customer) -> None:
    page = customer.page(include_total_size=True)
    assert (len(page.entries), page.next_page_token, page.total_size) == (0, "", 0)


def test_a_page_token_goes_with_its_query_alone(busy: Customer) -> None:
    """Another account, another filter, or a changed letter: refused. Another page size is fine."""
    token = busy.page(page_size=5, credit_type="chat").next_page_token
    assert len(busy.page(page_size=9, credit_type="chat", page_token=token).entries) == 7
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")
    fields: list[dict[str, Any]] = [
        {"account_id": busy.account_id, "credit_type": "THB", "page_token": token},
        {"account_id": busy.account_id, "page_token": token},
        {"account_id": busy.another("x").account_id, "credit_type": "chat", "page_token": token},
        {"account_id": busy.account_id, "credit_type": "chat", "kinds": [6], "page_token": token},
        {"account_id": busy.account_id, "credit_type": "chat", "end_time": busy.after(0), "page_token": token},
        {"account_id": busy.account_id, "credit_type": "chat", "page_token": changed},
        {"account_id": busy.account_id, "credit_type": "chat", "page_token": "not a token"},
        {"account_id": busy.account_id, "credit_type": "chat", "page_token": "ไม่ใช่"},
    ]
    for field in fields:
        refusal = refused(busy.app.credit.ListTransactions, credit.ListTransactionsRequest(**field))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")
        assert refusal.violations == ["page_token"]
