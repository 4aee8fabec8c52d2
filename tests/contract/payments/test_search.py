"""Search finds what an id belongs to that somebody has in hand (J6)."""

import pytest

from credit.v1 import support_service_pb2 as pb
from credit.v1.payment_admin_service_pb2 import ListPaymentEventsRequest
from creditd.domain.resource_names import account_name, grant_name
from creditd.ledger.ids import uuid7
from creditd.storage.search import MOST_OF_A_KIND
from tests.contract.payments.shopper import Shopper
from tests.support.customer import Customer
from tests.support.patience import eventually
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("J6")


def found(customer: Customer, query: str, account_id: str = "") -> list[tuple[str, str]]:
    """Return what a query finds: its kind in a word, and its name."""
    answer = customer.staff.support.Search(pb.SearchRequest(query=query, account_id=account_id))
    return [(pb.SearchHitKind.Name(hit.kind).removeprefix("SEARCH_HIT_KIND_"), hit.name) for hit in answer.hits]


def test_an_account_is_found_by_its_id_and_others_by_how_theirs_begin(customer: Customer) -> None:
    others = [customer.another(str(number)) for number in range(MOST_OF_A_KIND + 5)]
    for one in (customer, *others):
        one.balance()
    hits = found(customer, customer.account_id)
    assert hits[0] == ("ACCOUNT", account_name(customer.account_id))
    assert len(hits) == 1 + MOST_OF_A_KIND
    assert {kind for kind, _ in hits} == {"ACCOUNT"}
    assert found(customer, account_name(customer.account_id)) == hits[:1]
    assert found(customer, f"  {others[3].account_id} ")[0] == ("ACCOUNT", account_name(others[3].account_id))


def test_a_purchase_is_found_by_all_that_it_is_called(customer: Customer, shopper: Shopper) -> None:
    request = shopper.buying()
    purchase = shopper.create(request)
    shopper.pay(purchase)
    purchase = shopper.becomes(purchase.name, "COMPLETED")
    expected = ("PURCHASE", purchase.name)
    for query in (purchase.name, purchase.name[-36:], purchase.payment_id, purchase.provider_reference):
        assert expected in found(customer, query), query
        assert expected in found(customer, query, customer.account_id), query
        assert expected not in found(customer, query, "somebody-else"), query
    assert found(customer, request.request_id, customer.account_id) == [expected]


def test_a_payment_event_is_found_by_its_id_and_by_the_providers(customer: Customer, shopper: Shopper) -> None:
    purchase = shopper.bought()
    request = ListPaymentEventsRequest(purchase=purchase.name)
    eventually(lambda: shopper.staff.payment_admin.ListPaymentEvents(request).payment_events)
    event = shopper.staff.payment_admin.ListPaymentEvents(request).payment_events[0]
    for query in (event.name, event.name.removeprefix("paymentEvents/"), event.delivery_key):
        assert ("PAYMENT_EVENT", event.name) in found(customer, query), query


def test_within_an_account_a_request_id_leads_to_what_it_did(customer: Customer) -> None:
    customer.top_up(10)
    held = customer.reserve(4, request_id="order 4711")
    assert found(customer, "order 4711", customer.account_id) == [
        ("ENTRY", f"accounts/{customer.account_id}/wallets/chat/entries/2"),
        ("RESERVATION", held.reservation.name),
    ]
    assert not found(customer, "order 4711")
    assert not found(customer, "order 4711", "somebody-else")


def test_a_reservation_and_a_grant_are_found_by_name_and_within_an_account_by_id(customer: Customer) -> None:
    entry = customer.top_up(10)
    reservation = customer.hold(4)
    grant = grant_name(customer.account_id, "chat", entry.slices[0].grant_id)
    for kind, name in (("RESERVATION", reservation), ("GRANT", grant)):
        assert found(customer, name) == [(kind, name)]
        assert found(customer, name[-36:], customer.account_id) == [(kind, name)]
        assert not found(customer, name[-36:])


def test_an_approval_is_found_by_its_name_and_by_its_request_id(customer: Customer) -> None:
    customer.top_up(10)
    maker = customer.service.as_caller("search-maker", "FINANCE")
    request = customer.removing(1)
    approval = maker.admin.RemoveCredits(request).approval
    assert found(customer, approval.name) == [("APPROVAL", approval.name)]
    assert ("APPROVAL", approval.name) in found(customer, request.request_id, customer.account_id)


@pytest.mark.parametrize(
    "query", ["\u202eabc", "<script>alert(1)</script>", "'; DROP TABLE entries; --", "%", "*", "ก" * 255, " ", "~"]
)
def test_what_is_nobodys_finds_nothing(customer: Customer, query: str) -> None:
    customer.balance()
    assert found(customer, query) == []
    assert found(customer, query, customer.account_id) == []
    assert found(customer, uuid7()) == []


def test_a_text_that_cannot_be_stored_is_refused(customer: Customer) -> None:
    assert refused(customer.staff.support.Search, pb.SearchRequest(query="a\0b")).reason == "INVALID_FIELD"
