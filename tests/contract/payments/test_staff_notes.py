"""Staff leave notes for staff beside the reason, which the owner of the account reads (J6)."""

import psycopg
import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import approval_service_pb2 as approvals
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import history_item_pb2, support_service_pb2
from creditd.ledger.ids import uuid7
from tests.contract.payments.audited import adding, writing_off
from tests.contract.payments.shopper import Shopper
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("J6")

NOTE = "called three times, was rude \u202e <script>"


def history(shopper: Shopper) -> list[history_item_pb2.HistoryItem]:
    """Return what happened to an account, newest first, apart from the credits that it opened with."""
    request = support_service_pb2.ListAccountHistoryRequest(account_id=shopper.account_id, page_size=50)
    items = shopper.staff.support.ListAccountHistory(request).history_items
    return [item for item in items if item.reason != "sign-up credits"]


def removing(shopper: Shopper, amount: int = 3) -> admin.RemoveCreditsRequest:
    """Return the request to remove credits, with a note."""
    amounts = [admin.CreditAmount(credit_type="chat", amount=amount)]
    request = admin.RemoveCreditsRequest(account_id=shopper.account_id, amounts=amounts, reason="a mistake")
    request.MergeFrom(admin.RemoveCreditsRequest(staff_note=NOTE, request_id=uuid7()))
    return request


def test_a_note_stands_in_the_history_and_never_where_the_owner_reads(shopper: Shopper) -> None:
    shopper.staff.admin.AddCredits(adding(shopper, staff_note=NOTE))
    shopper.staff.admin.AddCredits(adding(shopper))
    shopper.staff.admin.RemoveCredits(removing(shopper))
    assert [(item.reason, item.staff_note) for item in history(shopper)] == [
        ("a mistake", NOTE),
        ("a gift", ""),
        ("a gift", NOTE),
    ]
    owner = shopper.market.service.as_caller(shopper.account_id, "USER")
    listed = owner.credit.ListTransactions(credit.ListTransactionsRequest(account_id=shopper.account_id))
    assert {entry.reason for entry in listed.entries} >= {"a mistake", "a gift"}
    assert NOTE not in str(listed)
    assert not any("three times" in field for entry in listed.entries for field in (entry.reason, *entry.metadata))


def test_a_debt_is_written_off_with_a_note(shopper: Shopper) -> None:
    purchase = shopper.bought()
    shopper.spend(60)
    shopper.staff.payment_admin.ReversePurchase(shopper.reverse(purchase))
    shopper.staff.admin.WriteOffDebt(writing_off(shopper, staff_note=NOTE))
    assert history(shopper)[0].staff_note == NOTE


def test_the_audit_log_has_the_note_with_the_act(shopper: Shopper) -> None:
    request = adding(shopper, staff_note="rude")
    shopper.staff.admin.AddCredits(request)
    with psycopg.connect(shopper.market.service.config.database_url) as connection:
        query = "SELECT after ->> 'staff_note' FROM audit_events WHERE request_id = %s"
        assert connection.execute(query, [request.request_id]).fetchall() == [("rude",)]


def test_who_has_to_approve_reads_the_note_of_who_asks(shopper: Shopper) -> None:
    shopper.staff.admin.AddCredits(adding(shopper))
    maker = shopper.market.service.as_caller("fay", "FINANCE")
    asked = maker.admin.RemoveCredits(removing(shopper)).approval
    assert asked.staff_note == NOTE
    seen = shopper.staff.approval.GetApproval(approvals.GetApprovalRequest(name=asked.name)).approval
    assert seen.staff_note == NOTE
    approving = approvals.ApproveRequest(name=asked.name, request_id=uuid7())
    shopper.staff.approval.Approve(approving)
    notes = {item.WhichOneof("item"): item.staff_note for item in history(shopper)[:2]}
    assert notes == {"approval": NOTE, "entry": ""}


def test_what_is_only_tried_or_refused_leaves_no_note(shopper: Shopper) -> None:
    shopper.staff.admin.AddCredits(adding(shopper, staff_note=NOTE, validate_only=True))
    assert refused(shopper.staff.admin.RemoveCredits, removing(shopper, 10**6)).reason == "ACCOUNT_NOT_FOUND"
    with psycopg.connect(shopper.market.service.config.database_url) as connection:
        query = "SELECT count(*) FROM staff_notes WHERE account_id = %s"
        assert connection.execute(query, [shopper.account_id]).fetchall() == [(0,)]


@pytest.mark.requirement("A7")
def test_the_same_request_with_another_note_is_refused(shopper: Shopper) -> None:
    request = adding(shopper, staff_note=NOTE)
    shopper.staff.admin.AddCredits(request)
    shopper.staff.admin.AddCredits(request)
    request.staff_note = "polite"
    assert refused(shopper.staff.admin.AddCredits, request).reason == "REQUEST_ID_REUSED"
    assert [item.staff_note for item in history(shopper)] == [NOTE]
