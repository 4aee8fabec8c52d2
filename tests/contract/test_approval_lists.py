"""Approvals are listed newest first, each once, by what they are about (D4)."""

from itertools import chain
from typing import Any

import pytest

from credit.v1 import approval_service_pb2 as pb
from tests.support.approving import Pair
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("D4")


def test_they_are_listed_newest_first_by_account_state_kind_and_maker(pair: Pair) -> None:
    first, second, third = (pair.ask(n) for n in (1, 2, 3))
    theirs = pair.other.admin.RemoveCredits(pair.customer.removing(4)).approval
    approved = pair.approve(second)
    assert pair.list() == [theirs, third, approved, first]
    assert pair.list(state="APPROVAL_STATE_PENDING") == [theirs, third, first]
    assert pair.list(state="APPROVAL_STATE_APPROVED") == [approved]
    assert pair.list(state="APPROVAL_STATE_EXPIRED") == []
    assert pair.list(maker="faye") == [theirs]
    assert pair.list(kind="APPROVAL_KIND_REMOVE_CREDITS") == [theirs, third, approved, first]
    assert pair.list(kind="APPROVAL_KIND_WRITE_OFF_DEBT") == []
    assert [theirs, third, first] == [
        one
        for one in pair.list(account_id="", state="APPROVAL_STATE_PENDING", page_size=100)
        if one.account_id == pair.customer.account_id
    ]
    pair.service.clock.advance(3 * 86_400)
    assert [one.name for one in pair.list(state="APPROVAL_STATE_EXPIRED")] == [theirs.name, third.name, first.name]
    assert pair.list(state="APPROVAL_STATE_PENDING") == []


def every_page(pair: Pair, **fields: Any) -> list[list[str]]:
    """Return the names on each page of a list, to its end."""
    found: list[list[str]] = []
    token = ""
    while not found or token:
        page = pair.other.approval.ListApprovals(pb.ListApprovalsRequest(page_token=token, **fields))
        found.append([one.name for one in page.approvals])
        token = page.next_page_token
    return found


def test_pages_end_where_a_list_does_and_a_token_is_for_one_query(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    account_id, asked = pair.customer.account_id, [pair.ask(1).name for _ in range(5)][::-1]
    assert every_page(pair, account_id=account_id, page_size=2) == [asked[:2], asked[2:4], asked[4:]]
    of_all = list(chain(*every_page(pair, page_size=20)))
    assert [name for name in of_all if name in asked] == asked
    first = pair.other.approval.ListApprovals(pb.ListApprovalsRequest(account_id=account_id, page_size=2))
    for fields in ({"account_id": f"{account_id}.x"}, {"maker": "fin"}, {"page_token": first.next_page_token[:-1]}):
        request = pb.ListApprovalsRequest(**{"account_id": account_id, "page_token": first.next_page_token} | fields)
        assert refused(pair.other.approval.ListApprovals, request).reason == "PAGE_TOKEN_INVALID"
    # What is rare is looked for page by page.
    monkeypatch.setattr("creditd.service.controls.approvals.SCANNED_ROWS", 4)
    assert every_page(pair, account_id=account_id, maker="nobody") == [[], []]
    assert list(chain(*every_page(pair, page_size=20))) == of_all
