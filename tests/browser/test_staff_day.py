"""A day of staff, in a real browser: each act as it is done with the mouse and the keys."""

import re
import socket
from contextlib import closing
from uuid import uuid4

import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1.purchase_pb2 import Purchase
from creditd.console import limits
from tests.browser.seated import Chromium, Seated
from tests.support.console import Member, Members, RunningConsole, give, running_console
from tests.support.cutting_proxy import CuttingProxy
from tests.support.market import STRIPE, Market
from tests.support.patience import eventually
from tests.support.service import RunningService
from tests.support.signed_webhooks import body_of, signed, stripe_event, stripe_payment

pytestmark = [pytest.mark.browser, pytest.mark.requirement("D6")]


def balance(service: RunningService, account_id: str) -> int:
    """Return how many chat credits an account has."""
    request = credit.GetBalanceRequest(account_id=account_id, credit_types=["chat"])
    stubs = service.as_caller("boss", "ADMIN")
    return int(stubs.credit.GetBalance(request).account_balance.wallets[0].balance.available)


@pytest.fixture
def account(service: RunningService) -> str:
    """Return an account with 1,500 chat."""
    account_id = f"acct_{uuid4().hex[:12]}"
    give(service, account_id, "Ticket 1", chat=1_500)
    return account_id


def test_an_account_is_found_by_a_payment_and_credits_are_added_once_by_a_double_click(
    chromium: Chromium, console: RunningConsole, market: Market, admin: Member, bought: list[Purchase]
) -> None:
    purchase = bought.pop()
    payment = stripe_payment(purchase.name)
    market.staff.webhook.IngestWebhook(
        signed(market, STRIPE, body_of(stripe_event("payment_intent.succeeded", payment)))
    )
    eventually(lambda: market.state(purchase.name) == "COMPLETED")
    before = balance(market.service, purchase.account_id)
    with chromium.person(console) as anna:
        anna.signs_in(admin)
        anna.searches(payment["id"])
        anna.page.wait_for_url(re.compile(purchase.account_id))
        anna.page.get_by_role("link", name="Add credits").click()
        anna.page.locator("input[name='amount.chat']").fill("50")
        anna.page.locator("textarea[name=reason]").fill("Ticket 48213")
        # Without a click: the balance after it comes while one types.
        act = anna.page.get_by_role("button", name=re.compile("^Add 50"))
        act.wait_for()
        act.dblclick()
        anna.page.wait_for_url(lambda url: url.endswith(purchase.account_id))
        assert "Added 50 chat" in anna.text
    assert balance(market.service, purchase.account_id) == before + 50


def test_a_removal_by_finance_is_approved_by_a_second_person_in_a_second_browser(
    chromium: Chromium, console: RunningConsole, members: Members, admin: Member, service: RunningService, account: str
) -> None:
    finance = members("FINANCE")
    with chromium.person(console) as dao, chromium.person(console) as anna:
        dao.signs_in(finance, f"/accounts/{account}/credits/remove")
        dao.page.locator('input[name="amount.chat"]').fill("100")
        dao.page.locator("textarea[name=reason]").fill("Bought twice")
        dao.page.get_by_role("button", name="Show the balance after").click()
        assert "1,400" in dao.text
        dao.page.locator("input[name=sure]").fill(account)
        dao.page.get_by_role("button", name="Remove credits").click()
        dao.page.get_by_text("somebody else has to approve it").wait_for()
        assert balance(service, account) == 1_500
        anna.signs_in(admin, "/")
        anna.page.get_by_role("link", name=re.compile("approval")).first.click()
        anna.page.locator("tr", has_text=account).get_by_role("link", name="Open").click()
        anna.page.get_by_role("link", name="Approve", exact=True).click()
        anna.page.get_by_role("button", name="Show the balance after").click()
        anna.page.get_by_role("button", name="Approve", exact=True).click()
        anna.page.get_by_text("Approved, and done").wait_for()
    assert balance(service, account) == 1_400


def test_a_parked_event_is_replayed(
    chromium: Chromium, console: RunningConsole, market: Market, admin: Member, bought: list[Purchase]
) -> None:
    purchase = bought.pop()
    event = stripe_event("payment_intent.succeeded", stripe_payment(purchase.name, amount_received=1))
    market.staff.webhook.IngestWebhook(signed(market, STRIPE, body_of(event)))
    eventually(lambda: [one for one in market.events("PARKED") if one.purchase == purchase.name])
    with chromium.person(console) as anna:
        anna.signs_in(admin, f"/payment-events?state=parked&account={purchase.account_id}")
        # How long it waits is said, and grows while the page is open.
        age = anna.page.locator(".age").first
        age.evaluate("place => { place.since -= 50 * 86_400_000; }")
        eventually(lambda: re.fullmatch(r"\d+ d ago", age.inner_text()))
        anna.page.get_by_role("link", name="Open").first.click()
        anna.page.get_by_role("link", name="Replay").click()
        anna.page.locator("textarea[name=reason]").fill("The slip was sent")
        anna.page.get_by_role("button", name="Replay").click()
        anna.page.get_by_text("is applied again").wait_for()
        assert "The slip was sent" in anna.text


def test_a_promo_code_is_made_and_a_role_is_given_for_a_day(
    chromium: Chromium, console: RunningConsole, admin: Member
) -> None:
    code, subject = f"MAY{uuid4().hex[:6].upper()}", uuid4().hex
    with chromium.person(console) as anna:
        anna.signs_in(admin, "/promo-codes")
        anna.page.get_by_role("link", name="New promo code").click()
        for name, value in (("code", code), ("credits", "50"), ("total_limit", "10"), ("account_limit", "1")):
            anna.page.locator(f"input[name={name}]").fill(value)
        anna.page.locator("select[name=kind]").select_option("bonus_credits")
        anna.page.locator("select[name=credit_type]").select_option("chat")
        anna.page.locator("textarea[name=reason]").fill("May")
        anna.page.get_by_role("button", name="New promo code").click()
        anna.page.get_by_text("The promo code was made").wait_for()
        anna.page.goto("/roles/grant")
        anna.page.locator("input[name=subject]").fill(subject)
        anna.page.locator("select[name=role]").select_option("finance")
        anna.page.locator("input[name=hours]").fill("24")
        anna.page.locator("textarea[name=reason]").fill("Holiday of dao")
        anna.page.get_by_role("button", name="Give a role").click()
        anna.page.get_by_text("The role was given").wait_for()
        anna.page.goto(f"/roles?subject={subject}")
        assert "Finance" in anna.text


COUNTING = """() => {
  window.sent = 0;
  addEventListener("submit", (event) => {
    if (!event.defaultPrevented) window.sent += 1;
    event.preventDefault();
  });
}"""
"""Counts the forms that would be sent, and holds them back, so that two clicks are at the same page."""


def test_a_second_click_sends_no_second_form(chromium: Chromium, console: RunningConsole, admin: Member) -> None:
    """Its answer would take the place of the one that shows a key, and has none."""
    with chromium.person(console) as anna:
        anna.signs_in(admin, "/api-keys/new")
        for field, value in (("service_account_id", "robot"), ("days", "30"), ("reason", "A robot")):
            anna.page.locator(f"[name={field}]").fill(value)
        anna.page.evaluate(COUNTING)
        anna.page.get_by_role("button", name="New API key").dblclick()
        assert anna.page.evaluate("window.sent") == 1


def test_a_language_is_switched_and_a_statement_downloaded(
    chromium: Chromium, console: RunningConsole, admin: Member, account: str
) -> None:
    with chromium.person(console) as anna:
        anna.signs_in(admin, f"/accounts/{account}")
        for language, direction, word in (
            ("he", "rtl", "יתרות"),
            ("th", "ltr", "ยอดคงเหลือ"),
            ("en", "ltr", "Balances"),
        ):
            anna.page.locator("button.me").click()
            anna.page.locator(f"#user a[hreflang={language}]").click()
            anna.page.get_by_text(word, exact=True).first.wait_for()
            assert anna.page.locator("html").get_attribute("dir") == direction
        with anna.page.expect_download() as downloading:
            anna.page.get_by_role("link", name="Statement as CSV").click()
        content = downloading.value.path().read_text(encoding="utf-8")
        assert "Ticket 1" in content


def test_a_session_that_ends_in_the_middle_of_a_form_loses_nothing_of_it(
    chromium: Chromium, console: RunningConsole, admin: Member, service: RunningService, account: str
) -> None:
    with chromium.person(console) as anna:
        anna.signs_in(admin, f"/accounts/{account}/suspend")
        anna.page.locator("textarea[name=reason]").fill("Stolen on 26 Nov")
        service.clock.advance(3_600)
        anna.page.get_by_role("button", name="Suspend").click()
        anna.page.get_by_text("Your session has ended").wait_for()
        anna.page.get_by_label("Email").fill(admin.person.email)
        anna.page.get_by_label("Password").fill(admin.person.password)
        anna.page.keyboard.press("Enter")
        anna.page.locator("input[name=code]").fill(admin.phone.next_code())
        anna.page.keyboard.press("Enter")
        anna.page.get_by_role("button", name="Show the form").click()
        assert anna.page.locator("textarea[name=reason]").input_value() == "Stolen on 26 Nov"
        anna.page.get_by_role("button", name="Suspend").click()
        anna.page.get_by_role("status").get_by_text("is suspended").wait_for()


def test_keys_alone_lead_anywhere(chromium: Chromium, console: RunningConsole, admin: Member) -> None:
    with chromium.person(console) as anna:
        anna.signs_in(admin, "/accounts")
        for key, path in (("e", "/payment-events"), ("p", "/approvals"), ("l", "/audit"), ("h", "/health"), ("d", "/")):
            anna.page.keyboard.press("g")
            anna.page.keyboard.press(key)
            anna.page.wait_for_url(f"**{path}")
        anna.page.keyboard.press("Tab")
        assert anna.page.evaluate("document.activeElement.className") == "skip"
        anna.page.keyboard.press("Enter")
        assert anna.page.evaluate("document.activeElement.id") == "main"
        anna.page.keyboard.press("/")
        assert anna.page.evaluate("document.activeElement.name") == "q"
        anna.page.keyboard.type("gd")
        assert anna.page.url.partition("#")[0].endswith("/")


def clicks_to(anna: Seated, *names: str) -> None:
    """Follow links by their names, three at the most."""
    assert len(names) <= 3
    for name in names:
        anna.page.get_by_role("link", name=name).first.click()
        anna.page.wait_for_load_state()


def test_the_three_calls_are_answered_in_three_clicks(
    chromium: Chromium, console: RunningConsole, market: Market, admin: Member, bought: list[Purchase]
) -> None:
    """I paid and have no credits; I was charged twice; where did my credits go."""
    purchase = bought.pop()
    event = stripe_event("payment_intent.succeeded", stripe_payment(purchase.name, amount_received=1))
    market.staff.webhook.IngestWebhook(signed(market, STRIPE, body_of(event)))
    eventually(lambda: [one for one in market.events("PARKED") if one.purchase == purchase.name])
    give(market.service, purchase.account_id, "Ticket 1", chat=100)
    boss = market.service.as_caller("boss", "ADMIN")
    boss.credit.Deduct(
        credit.DeductRequest(
            account_id=purchase.account_id,
            credit_type="chat",
            amount=30,
            request_id=uuid4().hex,
            reason="Summarise 3 files",
            spender_id="ann",
        )
    )
    with chromium.person(console) as anna:
        anna.signs_in(admin, f"/accounts/{purchase.account_id}")
        panel = anna.page.locator("section", has=anna.page.get_by_role("heading", name="Purchases"))
        assert "Pending" in panel.inner_text()
        panel.get_by_role("link", name="Open").first.click()
        assert "payment_intent.succeeded" in anna.text
        anna.page.locator("tr", has_text="payment_intent.succeeded").get_by_role("link", name="Open").click()
        assert "Parked" in anna.text
        anna.page.goto(f"/accounts/{purchase.account_id}")
        usage = anna.page.locator("section", has=anna.page.get_by_role("heading", name="Where the credits went"))
        assert "ann: 30" in usage.inner_text().replace("\u2068", "").replace("\u2069", "")
        clicks_to(anna, "Explain this movement")
        assert "Summarise 3 files" in anna.text
        assert "Of which grants" in anna.text


def test_a_stream_that_was_refused_is_asked_for_again(
    chromium: Chromium,
    console: RunningConsole,
    service: RunningService,
    admin: Member,
    account: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MAX_LIVE_STREAMS", 0)
    with chromium.person(console) as anna:
        with anna.page.expect_response(lambda answer: answer.url.endswith("/live")) as refused:
            anna.signs_in(admin, f"/accounts/{account}")
        assert refused.value.status == 503
        monkeypatch.setattr(limits, "MAX_LIVE_STREAMS", 10)
        with anna.page.expect_response(lambda answer: answer.url.endswith("/live") and answer.ok):
            give(service, account, "a gift", chat=7)
        give(service, account, "another one", chat=7)
        anna.page.locator("#live-balances").get_by_text("1,514").first.wait_for()


def test_a_balance_changes_by_itself_and_a_service_that_is_away_is_said_and_comes_back(
    chromium: Chromium, service: RunningService, admin: Member, account: str
) -> None:
    host, _, port = service.address.rpartition(":")
    proxy = CuttingProxy(lambda: socket.create_connection((host, int(port))))
    key = "of the tests, and of nothing else"
    with (
        closing(proxy),
        running_console(service, f"127.0.0.1:{proxy.port}", cookie_key=key) as console,
        chromium.person(console) as anna,
    ):
        anna.signs_in(admin, f"/accounts/{account}")
        balances = anna.page.locator("#live-balances")
        assert "1,500" in balances.inner_text()
        give(service, account, "a gift", chat=7)
        balances.get_by_text("1,507").first.wait_for()
        proxy.is_away = True
        proxy.cut_all()
        anna.page.locator("#lost").wait_for()
        anna.page.reload()
        anna.page.get_by_role("heading", name="The service does not answer").wait_for()
        proxy.is_away = False
        # The page tries again by itself, and nobody signs in anew.
        anna.page.locator("#live-balances").get_by_text("1,507").first.wait_for()
