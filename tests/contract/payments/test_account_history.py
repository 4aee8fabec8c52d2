"""All that happened to an account is one time line, each item with who, why, and what brought it about (J6)."""

import pytest

from credit.v1 import account_pb2, history_item_pb2
from credit.v1 import support_service_pb2 as pb
from credit.v1.limits_pb2 import Limit
from creditd.domain.resource_names import account_name
from tests.contract.payments.shopper import Shopper
from tests.support.customer import Customer, kind_of
from tests.support.flags import raise_flag
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("J6")

MOST_ITEMS = 100
"""More than happens in any story here: pages that go round end."""


def history(customer: Customer, page_size: int = 100) -> list[history_item_pb2.HistoryItem]:
    """Return all that happened, newest first, a page at a time."""
    request = pb.ListAccountHistoryRequest(account_id=customer.account_id, page_size=page_size)
    found: list[history_item_pb2.HistoryItem] = []
    while True:
        page = customer.staff.support.ListAccountHistory(request)
        found += page.history_items
        assert len(found) < MOST_ITEMS
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def kinds(found: list[history_item_pb2.HistoryItem]) -> list[str]:
    """Return of what kind each item is, and of a movement what it was."""
    return [kind_of(item.entry) if item.HasField("entry") else str(item.WhichOneof("item")) for item in found]


def times(found: list[history_item_pb2.HistoryItem]) -> list[tuple[int, int]]:
    """Return when each item happened."""
    return [(item.create_time.seconds, item.create_time.nanos) for item in found]


def live(customer: Customer) -> None:
    """Have something of nearly every kind happen, a second after the other."""
    maker = customer.service.as_caller("history-maker", "FINANCE")
    steps = (
        lambda: customer.top_up(100),
        lambda: customer.limit(Limit(credit_type="chat", most_per_hour=50)),
        lambda: customer.staff.admin.SetBalanceAlerts(customer.alerting(chat=7)),
        lambda: customer.reserve(10, seconds=900),
        lambda: customer.top_up(5, credit_type="THB"),
        lambda: maker.admin.RemoveCredits(customer.removing(3, reason="a gift too much")),
        lambda: customer.become(account_pb2.ACCOUNT_STATUS_SUSPENDED, reason="a word with them"),
        lambda: raise_flag(customer.service.config.database_url, customer.account_id),
        lambda: customer.become(account_pb2.ACCOUNT_STATUS_ACTIVE),
    )
    for step in steps:
        step()
        customer.service.clock.advance(1)


def test_kinds_stand_among_each_other_by_time(customer: Customer) -> None:
    live(customer)
    found = history(customer)
    told = [kind for kind in kinds(found) if kind not in {"GRANT", "account_flag"}]
    assert told == [
        *("account_change", "account_change", "approval", "ADMIN_ADD", "RESERVE"),
        *("account_change", "account_change", "ADMIN_ADD"),
    ]
    assert "account_flag" in kinds(found)
    without_flags = [item for item in found if not item.HasField("account_flag")]
    assert times(without_flags) == sorted(times(without_flags), reverse=True)


@pytest.mark.parametrize("page_size", [1, 2, 3])
def test_pages_of_any_size_tell_all_of_it_once(customer: Customer, page_size: int) -> None:
    live(customer)
    assert history(customer, page_size) == history(customer)


def test_each_tells_who_why_and_by_which_request(customer: Customer) -> None:
    live(customer)
    items = history(customer)
    found = dict(zip(kinds(items), items, strict=True))
    approval = found["approval"]
    assert (approval.actor, approval.reason) == ("history-maker", "a gift too much")
    assert approval.name == approval.approval.name
    first, *_, last = [item for item in items if item.HasField("account_change")]
    assert first.name == last.name == account_name(customer.account_id)
    assert (last.actor, bool(last.request_id)) == ("staff", True)
    assert [limit.most_per_hour for limit in last.account_change.limits] == [50]
    assert [(alert.credit_type, alert.below) for alert in first.account_change.alerts] == [("chat", 7)]
    reserve = found["RESERVE"]
    assert reserve.cause == reserve.entry.reservation
    assert reserve.name.endswith("/wallets/chat/entries/2")


def test_a_payment_is_told_from_what_the_provider_said_to_the_credits(customer: Customer, shopper: Shopper) -> None:
    purchase = shopper.bought()
    shopper.quiet()
    found = history(customer)
    by_cause = [item for item in found if item.cause == purchase.name]
    assert {"TOP_UP", "payment_event"} <= set(kinds(by_cause))
    changes = [item for item in found if item.HasField("purchase_change")]
    assert {item.name for item in changes} == {purchase.name}
    assert [item.purchase_change for item in changes] == shopper.changes(purchase.name)[::-1]
    assert next(item for item in by_cause if item.HasField("payment_event")).actor == "stripe"
    assert history(customer, 1) == found


def test_labels_of_a_caller_are_not_taken_for_a_cause(customer: Customer) -> None:
    customer.staff.admin.AddCredits(customer.adding(5, metadata={"purchase": "accounts/x/purchases/y"}))
    assert {item.cause for item in history(customer) if item.HasField("entry")} == {""}


def test_an_account_that_was_never_seen_has_no_history(customer: Customer) -> None:
    request = pb.ListAccountHistoryRequest(account_id=customer.account_id)
    assert refused(customer.staff.support.ListAccountHistory, request).reason == "ACCOUNT_NOT_FOUND"
