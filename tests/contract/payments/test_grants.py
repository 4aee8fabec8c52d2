"""A grant is an object: what brought it, what is left and held of it, and where it went to its last credit (D7, J6)."""

from collections import Counter
from typing import Any

import grpc
import pytest

from credit.v1 import grant_pb2, source_pb2
from credit.v1 import support_service_pb2 as pb
from creditd.domain.resource_names import grant_name
from creditd.service import grants as grants_service
from tests.contract.payments.shopper import Shopper
from tests.support.customer import Customer, kind_of, slices_of
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("D7", "J6")

FREE, PURCHASED = source_pb2.SOURCE_FREE, source_pb2.SOURCE_PURCHASED

UNKNOWN = "01890000-0000-7000-8000-000000000000"


def grant(customer: Customer, grant_id: str) -> grant_pb2.Grant:
    """Return a grant of chat credits."""
    name = grant_name(customer.account_id, "chat", grant_id)
    answer: pb.GetGrantResponse = customer.staff.support.GetGrant(pb.GetGrantRequest(name=name))
    return answer.grant


def came_in(customer: Customer, amount: int, source: source_pb2.Source = PURCHASED, **fields: Any) -> str:
    """Add credits; return the grant's id."""
    return customer.top_up(amount, source, **fields).slices[0].grant_id


def listed(customer: Customer, page_size: int = 0) -> list[grant_pb2.Grant]:
    """Return all grants of chat credits, a page at a time."""
    request = pb.ListGrantsRequest(account_id=customer.account_id, credit_type="chat", page_size=page_size)
    found: list[grant_pb2.Grant] = []
    while True:
        page = customer.staff.support.ListGrants(request)
        found += page.grants
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def uses(customer: Customer, page_size: int = 0, **fields: Any) -> list[grant_pb2.GrantUse]:
    """Return all uses, a page at a time."""
    request = pb.ListGrantUsesRequest(account_id=customer.account_id, credit_type="chat", page_size=page_size, **fields)
    found: list[grant_pb2.GrantUse] = []
    while True:
        page = customer.staff.support.ListGrantUses(request)
        found += page.grant_uses
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def in_words(found: list[grant_pb2.GrantUse]) -> list[tuple[str, int]]:
    """Return what each use was, and of how many credits."""
    return [(kind_of(use), use.amount) for use in found]  # type: ignore[arg-type]


def test_a_grant_tells_what_came_in_what_is_left_and_what_is_held(customer: Customer) -> None:
    grant_id = came_in(customer, 100, FREE, seconds=600)
    customer.hold(30)
    customer.deduct(25)
    found = grant(customer, grant_id)
    assert (found.amount, found.available, found.held, found.held_is_minimum) == (100, 45, 30, False)
    assert (found.source, found.grant_id) == (FREE, grant_id)
    assert found.name == grant_name(customer.account_id, "chat", grant_id)
    assert found.expire_time.seconds - found.create_time.seconds in {599, 600}
    assert not found.HasField("grace_end_time")


def test_a_grant_of_staff_tells_who_gave_it_and_why(customer: Customer) -> None:
    origin = grant(customer, came_in(customer, 5, FREE)).origin
    assert (origin.actor, origin.reason, origin.version) == ("staff", "test", 1)
    assert kind_of(origin) == "ADMIN_ADD"  # type: ignore[arg-type]
    assert origin.request_id
    assert not origin.purchase


def test_a_bought_grant_tells_the_purchase_and_the_payment(customer: Customer, shopper: Shopper) -> None:
    purchase = shopper.bought()
    (found,) = listed(customer)
    assert kind_of(found.origin) == "TOP_UP"  # type: ignore[arg-type]
    assert (found.origin.purchase, found.origin.payment_id) == (purchase.name, purchase.payment_id)
    assert (found.amount, found.available, found.source) == (100, 100, PURCHASED)


def test_labels_of_a_caller_are_not_taken_for_a_purchase(customer: Customer) -> None:
    request = customer.adding(5, metadata={"purchase": "accounts/x/purchases/y", "payment": "pi_forged"})
    entry = customer.staff.admin.AddCredits(request).entries[0]
    origin = grant(customer, entry.slices[0].grant_id).origin
    assert (origin.purchase, origin.payment_id) == ("", "")


def test_what_has_lapsed_and_is_not_written_down_yet_is_not_available(customer: Customer) -> None:
    grant_id = came_in(customer, 9, FREE, seconds=60)
    name = customer.hold(4, seconds=300)
    customer.service.clock.advance(90)
    found = grant(customer, grant_id)
    assert (found.amount, found.available, found.held) == (9, 0, 4)
    customer.refund(name)
    graced = grant(customer, grant_id)
    assert (graced.available, graced.held) == (4, 0)
    assert graced.grace_end_time == graced.expire_time
    assert graced.expire_time.seconds > found.expire_time.seconds
    assert not found.HasField("grace_end_time")


def test_grants_are_listed_newest_first_used_up_or_not(customer: Customer) -> None:
    ids = [came_in(customer, amount) for amount in (1, 2, 3, 4, 5)]
    customer.deduct(3)
    found = listed(customer, 2)
    assert [one.grant_id for one in found] == ids[::-1]
    assert [(one.amount, one.available) for one in found] == [(5, 5), (4, 4), (3, 3), (2, 0), (1, 0)]
    assert found == listed(customer)
    assert all(one == grant(customer, one.grant_id) for one in found)


@pytest.mark.parametrize("page_size", [0, 1])
def test_a_grant_is_followed_to_its_last_credit(customer: Customer, page_size: int) -> None:
    other = came_in(customer, 10, FREE)
    followed = came_in(customer, 50)
    name = customer.hold(30)
    customer.confirm(name, 25)
    customer.refund(name, 5)
    customer.deduct(40)
    assert in_words(uses(customer, page_size, grant_id=followed)) == [
        ("ADMIN_ADD", 50),
        ("RESERVE", 20),
        ("CONFIRM", 15),
        ("REFUND", 5),
        ("DEDUCT", 40),
    ]
    assert (grant(customer, followed).available, grant(customer, other).available) == (0, 0)
    everything = uses(customer, page_size)
    assert {use.grant_id for use in everything} == {followed, other}
    assert [use for use in everything if use.grant_id == followed] == uses(customer, grant_id=followed)


@pytest.mark.parametrize("page_size", [0, 1])
def test_what_paid_for_a_reservation_is_told_slice_by_slice(customer: Customer, page_size: int) -> None:
    came_in(customer, 10, FREE)
    came_in(customer, 50)
    name, another = customer.hold(30), customer.hold(5)
    customer.confirm(name)
    customer.confirm(another)
    found = uses(customer, page_size, reservation=name)
    assert [(kind_of(use), use.source, use.amount) for use in found] == [  # type: ignore[arg-type]
        ("RESERVE", FREE, 10),
        ("RESERVE", PURCHASED, 20),
        ("CONFIRM", FREE, 10),
        ("CONFIRM", PURCHASED, 20),
    ]
    assert {use.reservation for use in found} == {name}
    assert slices_of(customer.reservation(name)) == [("FREE", 10), ("PURCHASED", 20)]


@pytest.mark.parametrize("page_size", [0, 1])
def test_of_a_reservation_one_grant_is_followed_past_rows_of_others(customer: Customer, page_size: int) -> None:
    followed = came_in(customer, 10, FREE)
    came_in(customer, 50)
    name = customer.hold(30)
    customer.confirm(name)
    for _ in range(3):
        customer.refund(name, 5)
    customer.refund(name, 15)
    found = uses(customer, page_size, grant_id=followed, reservation=name)
    assert in_words(found) == [("RESERVE", 10), ("CONFIRM", 10), ("REFUND", 10)]


@pytest.mark.parametrize("page_size", [0, 1, 2])
def test_a_refund_of_what_a_plan_covered_ends_no_list(customer: Customer, page_size: int) -> None:
    """It moves no slice, and more than one of them may stand before what does."""
    came_in(customer, 5, FREE)
    name = customer.hold(5)
    customer.go_unlimited()
    customer.confirm(name, 8, allow_excess=True)
    for amount in (1, 2, 4):
        customer.refund(name, amount)
    expected = [("RESERVE", 5), ("CONFIRM", 5), ("REFUND", 4)]
    assert in_words(uses(customer, page_size, reservation=name)) == expected


def test_what_paid_in_a_period_adds_up_to_what_was_spent_in_it(customer: Customer) -> None:
    clock = customer.service.clock
    came_in(customer, 10, FREE)
    came_in(customer, 50)
    clock.advance(1)
    start = customer.after(0)
    customer.deduct(4)
    customer.deduct(11)
    clock.advance(1)
    end = customer.after(0)
    customer.deduct(7)
    found = uses(customer, start_time=start, end_time=end)
    spent: Counter[int] = Counter()
    for use in found:
        spent[use.source] += use.amount
    assert dict(spent) == {FREE: 10, PURCHASED: 5}
    assert {kind_of(use) for use in found} == {"DEDUCT"}  # type: ignore[arg-type]


def test_more_time_for_a_hold_is_no_use_of_a_grant(customer: Customer) -> None:
    came_in(customer, 5)
    name = customer.hold(5)
    customer.extend(name, 900)
    assert in_words(uses(customer, reservation=name)) == [("RESERVE", 5)]


def test_however_often_a_hold_was_given_more_time_a_page_looks_at_so_many_rows(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants_service, "SCANNED_ROWS", 3)
    came_in(customer, 5)
    name = customer.hold(5)
    for seconds in range(900, 907):
        customer.extend(name, seconds)
    customer.confirm(name, 2)
    request = pb.ListGrantUsesRequest(account_id=customer.account_id, credit_type="chat", reservation=name)
    first = customer.staff.support.ListGrantUses(request)
    assert in_words(list(first.grant_uses)) == [("RESERVE", 5)]
    assert first.next_page_token
    second = customer.staff.support.ListGrantUses(
        pb.ListGrantUsesRequest(
            account_id=customer.account_id, credit_type="chat", reservation=name, page_token=first.next_page_token
        )
    )
    assert (in_words(list(second.grant_uses)), bool(second.next_page_token)) == ([], True)
    assert in_words(uses(customer, reservation=name)) == [("RESERVE", 5), ("CONFIRM", 2)]


def test_a_page_that_has_looked_far_enough_goes_on_where_it_ended(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants_service, "SCANNED_ROWS", 3)
    came_in(customer, 20, FREE)
    followed = came_in(customer, 20)
    for _ in range(7):
        customer.deduct(3)
    request = pb.ListGrantUsesRequest(account_id=customer.account_id, credit_type="chat", grant_id=followed)
    first = customer.staff.support.ListGrantUses(request)
    assert in_words(list(first.grant_uses)) == [("ADMIN_ADD", 20)]
    assert first.next_page_token
    assert in_words(uses(customer, grant_id=followed)) == [("ADMIN_ADD", 20), ("DEDUCT", 1)]


def test_with_more_holds_than_are_looked_at_held_is_a_minimum(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants_service, "HOLDS_COUNTED", 2)
    grant_id = came_in(customer, 20)
    for amount in (1, 2, 3):
        customer.hold(amount, seconds=600 + amount)
    found = grant(customer, grant_id)
    assert (found.held, found.held_is_minimum) == (3, True)


def test_a_token_of_another_question_is_refused(customer: Customer) -> None:
    came_in(customer, 1)
    came_in(customer, 1)
    page = customer.staff.support.ListGrantUses(
        pb.ListGrantUsesRequest(account_id=customer.account_id, credit_type="chat", page_size=1)
    )
    other = pb.ListGrantUsesRequest(
        account_id=customer.account_id, credit_type="chat", grant_id=UNKNOWN, page_token=page.next_page_token
    )
    assert refused(customer.staff.support.ListGrantUses, other).reason == "PAGE_TOKEN_INVALID"


def test_what_is_not_there_is_told_as_such(customer: Customer) -> None:
    customer.top_up(1)
    name = grant_name(customer.account_id, "chat", UNKNOWN)
    refusal = refused(customer.staff.support.GetGrant, pb.GetGrantRequest(name=name))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "GRANT_NOT_FOUND")
    assert refusal.metadata["grant"] == name
    assert not uses(customer, grant_id=UNKNOWN)
    nobody: dict[str, Any] = {"account_id": "nobody-at-all", "credit_type": "chat"}
    for call, unseen in (
        (customer.staff.support.ListGrants, pb.ListGrantsRequest(**nobody)),
        (customer.staff.support.ListGrantUses, pb.ListGrantUsesRequest(**nobody)),
    ):
        assert refused(call, unseen).reason == "ACCOUNT_NOT_FOUND"
    elsewhere = pb.ListGrantUsesRequest(
        account_id=customer.account_id,
        credit_type="chat",
        reservation=f"accounts/somebody/wallets/chat/reservations/{UNKNOWN}",
    )
    assert refused(customer.staff.support.ListGrantUses, elsewhere).reason == "INVALID_FIELD"
