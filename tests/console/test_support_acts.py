"""What the telephone needs at once: notes, holds, small gifts, a look at a purchase, and taking one back."""

import re
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1.money_pb2 import Money
from credit.v1.purchase_pb2 import Purchase
from creditd.console.reader import reader_of
from creditd.console.settings import PublicUrl
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.subjects.purchase_pages import REVERSE_PURCHASE
from creditd.console.wire.cookies import CookieJar
from tests.support.console import Browser, Members, chat_balance


def test_a_note_is_for_staff_alone_and_asks_for_no_other_look(
    signed_in: Browser, staff: SimpleNamespace, account: str
) -> None:
    note = "Called twice <b>today</b>"
    path = f"/accounts/{account}/credits/remove"
    signed_in.get(path)
    typed = {"amount.chat": "5", "reason": "Ticket 3", "sure": account}
    signed_in.send(path, **typed, act="look")
    signed_in.send(path, **typed, staff_note=note, act="remove_credits")
    assert "were removed" in signed_in.text
    add = f"/accounts/{account}/credits/add"
    signed_in.get(add)
    typed = {"amount.chat": "7", "reason": "Ticket 4", "staff_note": f"{note} again"}
    signed_in.send(add, **typed)
    signed_in.send(add, **typed, act="add")
    signed_in.get(f"/accounts/{account}/timeline")
    assert (note in signed_in.text, f"{note} again" in signed_in.text) == (True, True)
    told = staff.credit.ListTransactions(credit.ListTransactionsRequest(account_id=account)).entries
    assert not [entry for entry in told if "today" in f"{entry.reason}{entry.metadata}"]


def test_a_hold_is_given_back_after_it_was_looked_at(signed_in: Browser, staff: SimpleNamespace, account: str) -> None:
    reserving = credit.ReserveRequest(account_id=account, credit_type="chat", amount=40, request_id=uuid4().hex)
    hold = staff.credit.Reserve(reserving).reservation
    for path in (f"/{hold.name}", f"/accounts/{account}"):
        assert f'href="/{hold.name}/return"' in signed_in.get(path).text
    signed_in.get(f"/{hold.name}/return")
    signed_in.send(f"/{hold.name}/return", act="return_hold", reason="asked for")
    assert ("1,460" in signed_in.text, "1,500" in signed_in.text) == (True, True)
    assert chat_balance(staff, account) == 1_460
    signed_in.send(f"/{hold.name}/return", act="return_hold", reason="asked for")
    assert "was given back" in signed_in.text
    assert chat_balance(staff, account) == 1_500


def test_a_part_of_what_was_spent_is_given_back(signed_in: Browser, staff: SimpleNamespace, account: str) -> None:
    spending = credit.DeductRequest(account_id=account, credit_type="chat", amount=40, request_id=uuid4().hex)
    name = staff.credit.Deduct(spending).reservation.name
    (path,) = re.findall(rf'href="(/{name}/refund[^"]*)"', signed_in.get(f"/{name}").text)
    assert 'value="40"' in signed_in.get(path).text
    for _ in range(2):
        signed_in.send(path, act="refund", amount="15", reason="half was wrong")
    assert "was given back" in signed_in.text
    assert chat_balance(staff, account) == 1_475


@pytest.mark.requirement("D6")
def test_support_gives_a_few_credits_returns_a_hold_and_has_a_purchase_looked_at(
    browser: Browser, members: Members, staff: SimpleNamespace, account: str, bought: list[Purchase]
) -> None:
    reserving = credit.ReserveRequest(account_id=account, credit_type="chat", amount=40, request_id=uuid4().hex)
    hold = staff.credit.Reserve(reserving).reservation
    browser.signs_in(members("SUPPORT"))
    browser.get(f"/accounts/{account}")
    give = f"/accounts/{account}/credits/give"
    assert f'href="{give}"' in browser.page.text
    # More than of any day: midnight may come between the two.
    for amount, told in (("30", "was given credits"), ("101", "More than may be given on one day")):
        browser.get(give)
        for act in ("look", "give_credits"):
            browser.send(give, act=act, credit_type="chat", amount=amount, reason="Ticket 9", staff_note="kind")
        assert told in browser.text
    browser.get(f"/{hold.name}/return")
    for act in ("look", "return_hold"):
        browser.send(f"/{hold.name}/return", act=act, reason="asked for")
    assert chat_balance(staff, account) == 1_530
    purchase = bought.pop()
    assert f"/{purchase.name}/inspect" in browser.get(f"/{purchase.name}").text
    browser.get(f"/{purchase.name}/inspect")
    browser.send(f"/{purchase.name}/inspect", act="inspect_purchase", reason="has paid")
    assert "is looked at within seconds" in browser.text


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("2026-11-28T12:00", "2026-11-28T05:00:00Z"),
        ("2026-11-28T12:00Z", "2026-11-28T12:00:00Z"),
        ("2026-11-28T12:00-05:00", "2026-11-28T17:00:00Z"),
    ],
)
def test_an_instant_is_by_the_zone_that_it_states_else_by_the_readers(typed: str, read: str) -> None:
    reader = reader_of(CookieJar("", PublicUrl("", is_encrypted=False)), {"creditd-zone": "Asia/Bangkok"}, "en")
    visit: Any = SimpleNamespace(reader=reader)
    moment = TypedForm(visit, {"at": typed}, {}).instant("at")
    assert moment is not None
    assert moment.ToJsonString() == read


def test_a_purchase_is_taken_back_only_as_it_was_seen() -> None:
    """A refund that the provider tells of between the look and the act is not taken back a second time."""
    visit: Any = SimpleNamespace(reader=reader_of(CookieJar("", PublicUrl("", is_encrypted=False)), {}, "en"))
    stated = {"money": "5", "reason": "x", "version": "7", "request_id": "r"}
    form = TypedForm(visit, stated, {})
    form.loaded = Purchase(name="accounts/ann/purchases/1", version=9, price=Money(amount=1_000, currency="THB"))
    request = REVERSE_PURCHASE.request(form)
    assert (request.expected_version, request.amount) == (7, 500)
    assert [field.name for field in REVERSE_PURCHASE.fields if field.kind == "hidden"] == ["version"]
