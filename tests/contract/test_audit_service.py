"""Administrators search the audit log (requirement D2)."""

import json
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from credit.v1 import account_pb2, audit_event_pb2
from credit.v1 import audit_service_pb2 as pb
from creditd.domain.resource_names import account_name
from tests.contract.at_once import at_once
from tests.support.customer import Customer
from tests.support.patience import eventually
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("D2")

DONE, REFUSED = audit_event_pb2.AUDIT_OUTCOME_DONE, audit_event_pb2.AUDIT_OUTCOME_REFUSED


@pytest.fixture
def admin(customer: Customer) -> SimpleNamespace:
    """Return the stubs of an administrator of the test's own."""
    return customer.service.as_caller(f"admin.{customer.account_id}", "ADMIN")


def events(customer: Customer, **fields: Any) -> list[audit_event_pb2.AuditEvent]:
    """Return the first page of what the customer's staff find."""
    answer: pb.ListAuditEventsResponse = customer.staff.audit.ListAuditEvents(pb.ListAuditEventsRequest(**fields))
    return list(answer.audit_events)


def pages(customer: Customer, size: int, **fields: Any) -> list[list[audit_event_pb2.AuditEvent]]:
    """Return all pages."""
    found: list[list[audit_event_pb2.AuditEvent]] = []
    token = ""
    while not found or token:
        request = pb.ListAuditEventsRequest(page_size=size, page_token=token, **fields)
        answer = customer.staff.audit.ListAuditEvents(request)
        found.append(list(answer.audit_events))
        token = answer.next_page_token
    return found


def test_an_event_says_who_what_whom_why_before_and_after(customer: Customer) -> None:
    """Figures of 64 bits are exact."""
    most = 2**63 - 1
    request = customer.adding(most, reason="a gift")
    customer.staff.admin.AddCredits(request)
    (event,) = events(customer, account_id=customer.account_id)
    assert event.name.startswith("auditEvents/")
    assert (event.actor, event.person, list(event.roles)) == ("staff", "staff", ["ADMIN"])
    assert (event.kind, event.outcome, event.refusal) == ("credits.add", DONE, "")
    assert (event.account_id, event.target) == (customer.account_id, account_name(customer.account_id))
    assert (event.reason, event.request_id, event.occurrences) == ("a gift", request.request_id, 1)
    assert json.loads(event.before)["balances"][0]["available"] == 0
    assert json.loads(event.after)["balances"][0]["available"] == most
    assert event.correlation_id
    assert event.address
    assert abs(event.create_time.ToMicroseconds() - customer.service.clock.now()) < 60_000_000


def test_each_filter_narrows_and_all_that_are_set_have_to_match(customer: Customer, admin: SimpleNamespace) -> None:
    account, name = customer.account_id, f"admin.{customer.account_id}"
    admin.admin.AddCredits(customer.adding(5))
    customer.staff.admin.AddCredits(customer.adding(6))
    customer.become(account_pb2.ACCOUNT_STATUS_SUSPENDED)
    refused(admin.admin.RemoveCredits, customer.removing(500))
    eventually(lambda: len(events(customer, account_id=account)) == 4)

    def kinds(**fields: Any) -> list[str]:
        return [event.kind for event in events(customer, **fields)]

    assert kinds(account_id=account) == ["credits.remove", "account.set_status", "credits.add", "credits.add"]
    assert kinds(actor=name) == ["credits.remove", "credits.add"]
    assert kinds(actor=name, kind="credits.add") == ["credits.add"]
    assert kinds(account_id=account, kind="credits.add") == ["credits.add"] * 2
    assert kinds(account_id=account, outcome=REFUSED) == ["credits.remove"]
    assert kinds(account_id=account, outcome=DONE, actor="staff") == ["account.set_status", "credits.add"]
    assert kinds(account_id=f"{account}.another") == []
    (event, *_) = events(customer, outcome=REFUSED)
    assert (event.actor, event.refusal, event.before, event.after) == (name, "INSUFFICIENT_CREDIT", "", "")


def test_times_are_from_one_on_and_before_another(customer: Customer) -> None:
    first, second, third = (customer.top_up(amount).create_time for amount in (1, 2, 3))
    told = events(customer, account_id=customer.account_id)
    times = [event.create_time for event in reversed(told)]
    assert [abs(time.ToMicroseconds() - entry.ToMicroseconds()) < 1_000_000 for time, entry in zip(
        times, (first, second, third), strict=True)] == [True] * 3  # fmt: skip
    within = events(customer, account_id=customer.account_id, start_time=times[1], end_time=times[2])
    assert [event.name for event in within] == [told[1].name]
    assert events(customer, account_id=customer.account_id, start_time=customer.after(60)) == []


def test_pages_are_newest_first_and_none_comes_twice_though_more_is_done_meanwhile(customer: Customer) -> None:
    at_once(customer.staff.admin.AddCredits, [customer.adding(1) for _ in range(25)])
    first = customer.staff.audit.ListAuditEvents(
        pb.ListAuditEventsRequest(account_id=customer.account_id, page_size=10)
    )
    customer.top_up(1)
    request = pb.ListAuditEventsRequest(account_id=customer.account_id, page_size=100, page_token=first.next_page_token)
    rest = customer.staff.audit.ListAuditEvents(request)
    names = [event.name for event in (*first.audit_events, *rest.audit_events)]
    assert (len(first.audit_events), len(names), rest.next_page_token) == (10, 25, "")
    assert names == sorted(set(names), reverse=True)
    request.account_id = "another"
    assert refused(customer.staff.audit.ListAuditEvents, request).reason == "PAGE_TOKEN_INVALID"


def test_a_filter_that_matches_rarely_is_looked_for_page_by_page(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page ends after so many rows that it has looked at, and the next one goes on from there."""
    monkeypatch.setattr("creditd.service.controls.audit_log.SCANNED_ROWS", 10)
    customer.become(account_pb2.ACCOUNT_STATUS_SUSPENDED)
    customer.become(account_pb2.ACCOUNT_STATUS_ACTIVE)
    for _ in range(25):
        customer.top_up(1)
    found = pages(customer, 20, account_id=customer.account_id, kind="account.set_status")
    assert [len(page) for page in found] == [0, 0, 2]


@pytest.mark.requirement("D3")
@pytest.mark.parametrize("roles", [("SUPPORT",), ("FINANCE",), ("USER",), ("PREMIUM",), ("SERVICE",), ()])
def test_nobody_but_administrators_may_look(customer: Customer, roles: tuple[str, ...]) -> None:
    caller = customer.service.as_caller("looker", *roles, scope="credits.admin credits.read")
    refusal = refused(caller.audit.ListAuditEvents, pb.ListAuditEventsRequest())
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
