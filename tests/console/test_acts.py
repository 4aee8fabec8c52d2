"""Acts: each is shown with what it will do, is done once, and by nobody who may not."""

import re
from html import unescape
from types import SimpleNamespace
from uuid import uuid4

import pytest

from credit.v1 import account_pb2
from credit.v1 import admin_service_pb2 as admin_pb
from credit.v1.approval_service_pb2 import ListApprovalsRequest
from credit.v1.limits_pb2 import GetLimitsRequest
from credit.v1.purchase_pb2 import Purchase
from creditd.console.subjects.page_list import ACTS
from tests.support.console import Browser, Member, Members, RunningConsole, chat_balance, give
from tests.support.market import STRIPE, Market
from tests.support.patience import eventually
from tests.support.service import RunningService
from tests.support.signed_webhooks import body_of, signed, stripe_event, stripe_payment


def test_a_form_says_what_it_does_and_takes_no_nonsense(signed_in: Browser, account: str) -> None:
    """Each of them, filled with what is no answer to it: nothing fails, and what was typed is text."""
    for act in ACTS:
        # One is made from its purchase, and is tested with one.
        if act.load is None or "purchase_id" not in act.path:
            path = re.sub(r"\{\w+\}", "x", act.path.replace("{account_id}", account))
            # What begins with the fields of something that is not there has no form.
            if act.begun and signed_in.get(path).status_code == 404:
                continue
            assert signed_in.get(path).status_code == 200, act.name
            assert signed_in.page.text.count("<h1>") == 1
            nonsense = {field.name: "<script>alert(1)</script>\u202e" for field in act.fields if field.kind != "area"}
            signed_in.post(path, signed_in.hidden() | nonsense | {"act": act.name})
            # What only looks has nothing to refuse.
            shown = {200} if act.stream and not act.fields else set()
            assert signed_in.page.status_code in {400, 401, 404, 409, 422} | shown, act.name
            assert "<script>alert" not in signed_in.page.text, act.name


def test_who_may_not_act_is_refused(browser: Browser, members: Members, account: str) -> None:
    browser.signs_in(members("SUPPORT"))
    browser.get(f"/accounts/{account}")
    assert "Remove credits" not in browser.text
    token = browser.hidden()["form_token"]
    assert browser.get(f"/accounts/{account}/credits/add").status_code == 403
    for name in ("suspend", "plan", "credits/remove"):
        fields = {"form_token": token, "request_id": uuid4().hex, "reason": "x", "plan": "unlimited"}
        more = {"amount.chat": "5", "sure": account}
        assert browser.get(f"/accounts/{account}/{name}").status_code == 403, name
        act = {"suspend": "suspend_account", "plan": "set_plan", "credits/remove": "remove_credits"}[name]
        browser.post(f"/accounts/{account}/{name}", fields | more | {"act": act})
        assert browser.page.status_code == 403, name


@pytest.mark.requirement("D6")
def test_credits_are_removed_once_after_they_were_looked_at_and_the_account_was_typed(
    signed_in: Browser, staff: SimpleNamespace, account: str
) -> None:
    path = f"/accounts/{account}/credits/remove"
    signed_in.get(path)
    typed = {"amount.chat": "1,000", "amount.THB": "", "reason": "Bought twice"}
    first = signed_in.hidden() | typed
    signed_in.post(path, first | {"act": "remove_credits", "sure": account})
    assert "1,500" in signed_in.text
    assert chat_balance(staff, account) == 1_500
    seen = signed_in.hidden() | typed
    signed_in.post(path, seen | {"act": "remove_credits", "sure": "another"})
    assert "Type it just as it stands there." in signed_in.text
    signed_in.post(path, seen | {"act": "remove_credits", "sure": account, "amount.chat": "900"})
    assert chat_balance(staff, account) == 1_500
    for _ in range(2):
        signed_in.post(path, seen | {"act": "remove_credits", "sure": account})
        assert signed_in.page.url.path == f"/accounts/{account}"
        assert chat_balance(staff, account) == 500
    assert "were removed" in signed_in.text
    signed_in.get(path)
    signed_in.post(path, signed_in.hidden() | typed | {"act": "look"})
    assert signed_in.page.status_code == 409
    assert chat_balance(staff, account) == 500


def test_several_credit_types_are_removed_together(signed_in: Browser, staff: SimpleNamespace, account: str) -> None:
    path = f"/accounts/{account}/credits/remove"
    signed_in.get(path)
    signed_in.send(path, act="look", reason="x")
    assert "Type an amount of at least one credit type" in signed_in.text
    signed_in.send(path, **{"amount.chat": "0.5", "amount.THB": "12.50"}, act="look", reason="x")
    assert signed_in.page.text.count('aria-invalid="true"') == 1
    typed = {"amount.chat": "100", "amount.THB": "12.50", "reason": "x", "sure": account}
    signed_in.send(path, **typed, act="look")
    assert ("1,400" in signed_in.text, "\u221212.50" in signed_in.text) == (True, True)
    signed_in.send(path, **typed, act="remove_credits")
    assert "were removed" in signed_in.text
    assert chat_balance(staff, account) == 1_400


def test_an_account_is_suspended_by_what_was_seen_and_activated_again(
    signed_in: Browser, staff: SimpleNamespace, account: str
) -> None:
    signed_in.get(f"/accounts/{account}")
    (suspend,) = re.findall(r'href="(/accounts/[^"]*/suspend[^"]*)"', signed_in.page.text)
    signed_in.get(suspend)
    form = signed_in.hidden() | {"act": "suspend_account", "reason": "stolen"}
    name = f"accounts/{account}"
    closing = admin_pb.SetPlanRequest(
        name=name, plan=account_pb2.Plan(kind="PLAN_KIND_UNLIMITED"), request_id=uuid4().hex, reason="x"
    )
    staff.admin.SetPlan(closing)
    signed_in.post(suspend, form)
    assert (signed_in.page.status_code, "Look again" in signed_in.text) == (409, True)
    signed_in.get(f"/accounts/{account}")
    (suspend,) = re.findall(r'href="(/accounts/[^"]*/suspend[^"]*)"', signed_in.page.text)
    signed_in.get(suspend)
    signed_in.send(suspend, act="suspend_account", reason="stolen")
    assert "is suspended" in signed_in.text
    assert ("Suspended by" in signed_in.text, "stolen" in signed_in.text) == (True, True)
    (activate,) = re.findall(r'href="(/accounts/[^"]*/activate[^"]*)"', signed_in.page.text)
    signed_in.get(activate)
    signed_in.send(activate, act="activate_account", reason="found")
    assert "is active" in signed_in.text


@pytest.mark.requirement("D6", "D3")
def test_what_finance_asks_for_somebody_else_approves_in_another_browser(
    console: RunningConsole, members: Members, signed_in: Browser, staff: SimpleNamespace, account: str
) -> None:
    with console.browser() as other:
        other.signs_in(members("FINANCE"))
        path = f"/accounts/{account}/credits/remove"
        other.get(path)
        typed = {"amount.chat": "100", "reason": "Ticket 9", "sure": account}
        other.send(path, **typed, act="look")
        other.send(path, **typed, act="remove_credits")
        assert "somebody else has to approve it" in other.text
        assert chat_balance(staff, account) == 1_500
        (approval,) = staff.approval.ListApprovals(ListApprovalsRequest(account_id=account)).approvals
        other.get(f"/{approval.name}")
        assert "Withdraw" in other.text
        assert "Approve" not in other.text.replace("Approvals", "")
    signed_in.get("/approvals?state=pending")
    assert account in signed_in.text
    signed_in.get(f"/{approval.name}")
    assert "Ticket 9" in signed_in.text
    signed_in.get(f"/{approval.name}/approve")
    signed_in.send(f"/{approval.name}/approve", act="approve")
    assert "1,400" in signed_in.text
    signed_in.send(f"/{approval.name}/approve", act="approve")
    assert "Approved, and done" in signed_in.text
    assert chat_balance(staff, account) == 1_400


@pytest.mark.requirement("D6", "E3")
def test_a_parked_event_is_replayed_and_put_aside(
    signed_in: Browser, market: Market, staff: SimpleNamespace, bought: list[Purchase]
) -> None:
    purchase = bought.pop()
    event = stripe_event("payment_intent.succeeded", stripe_payment(purchase.name, amount_received=1))
    staff.webhook.IngestWebhook(signed(market, STRIPE, body_of(event)))
    found = eventually(lambda: [one for one in market.events("PARKED") if one.purchase == purchase.name])
    path = f"/payment-events/{found[0].name.partition('/')[2]}"
    for act, told in (("replay", "is applied again"), ("dismiss", "was put aside")):
        signed_in.get(f"{path}/{act}")
        signed_in.send(f"{path}/{act}", act=f"{act}_event", reason="Slip was sent")
        assert told in signed_in.text
        eventually(lambda: not [one for one in market.events("PENDING") if one.name == found[0].name])
    assert "Slip was sent" in signed_in.get(path).text
    assert "Dismissed" in signed_in.text


def test_a_promo_code_is_made_shown_and_ended(signed_in: Browser) -> None:
    signed_in.get("/promo-codes/new")
    code = f"SPRING{uuid4().hex[:6].upper()}"
    terms = {"kind": "bonus_credits", "credit_type": "chat", "credits": "50", "total_limit": "10", "account_limit": "1"}
    signed_in.send("/promo-codes/new", act="create_promo_code", code=code, reason="spring", **terms)
    assert "The promo code was made" in signed_in.text
    assert code in signed_in.text
    signed_in.get(f"/promo-codes/{code.lower()}")
    assert ("50 chat" in signed_in.text, "500 chat" in signed_in.text) == (True, True)
    signed_in.get(f"/promo-codes/{code.lower()}/end")
    signed_in.send(f"/promo-codes/{code.lower()}/end", act="end_promo_code", reason="over")
    assert "has ended" in signed_in.text


def test_a_role_is_given_for_a_day_and_taken_with_a_fresh_code(
    browser: Browser, admin: Member, service: RunningService
) -> None:
    service.clock.advance(3_600)
    browser.signs_in(admin)
    subject = uuid4().hex
    browser.get("/roles/grant")
    browser.send("/roles/grant", act="grant_role", subject=subject, role="finance", hours="24", reason="holiday")
    assert "The role was given" in browser.text
    browser.get(f"/roles?subject={subject}")
    assert "Finance" in browser.text
    (path,) = re.findall(r'href="(/roles/revoke[^"]*)"', browser.page.text)
    browser.get(path.replace("&amp;", "&"))
    browser.send("/roles/revoke", act="revoke_role", subject=subject, role="finance", reason="back")
    assert "The role was taken" in browser.text


def test_a_limit_takes_the_place_of_one_and_leaves_others(
    signed_in: Browser, staff: SimpleNamespace, account: str
) -> None:
    for credit_type, most in (("chat", "100"), ("THB", "2.50"), ("chat", "200")):
        signed_in.get(f"/accounts/{account}/limits")
        signed_in.send(
            f"/accounts/{account}/limits", act="set_limit", credit_type=credit_type, most_per_day=most, reason="x"
        )
        assert "were changed" in signed_in.text
    found = staff.admin.GetLimits(GetLimitsRequest(name=f"accounts/{account}")).limits
    assert {(one.credit_type, one.most_per_day) for one in found} == {("chat", 200), ("THB", 250)}
    (path,) = [unescape(link) for link in re.findall(r'href="([^"]+/limits[^"]+=THB[^"]*)"', signed_in.page.text)]
    assert 'value="2.50"' in signed_in.get(path).text


def test_an_alert_is_set_seen_and_taken_away(signed_in: Browser, account: str) -> None:
    path = f"/accounts/{account}/alerts"
    for below, shown in (("12.50", True), ("", False)):
        signed_in.get(path)
        signed_in.send(path, act="set_alert", credit_type="THB", below=below, reason="x")
        assert signed_in.page.url.path == f"/accounts/{account}/rules"
        assert ("12.50" in signed_in.text) == shown


def test_a_package_and_a_credit_type_are_made_and_a_package_retired(signed_in: Browser) -> None:
    mark = uuid4().hex[:6]
    signed_in.get("/credit-types/new")
    signed_in.send("/credit-types/new", act="create_credit_type", type_code=f"t{mark}", decimals="1")
    assert f"t{mark}" in signed_in.text
    signed_in.get("/packages/new")
    terms = {"currency": "THB", "price": "99.50", "credit_type": f"t{mark}", "credits": "2.5"}
    signed_in.send("/packages/new", act="create_package", package_id=f"p{mark}", display_name="<b>", **terms)
    assert "THB 99.50" in signed_in.text
    assert "2.5 t" in signed_in.text
    signed_in.get(f"/packages/p{mark}/retire")
    signed_in.send(f"/packages/p{mark}/retire", act="retire_package", sure=f"p{mark}")
    assert "is not sold any more" in signed_in.text


def test_debt_that_is_not_there_is_not_written_off(signed_in: Browser, account: str, service: RunningService) -> None:
    give(service, account, "more", chat=1)
    signed_in.get(f"/accounts/{account}/debt/write-off")
    signed_in.send(f"/accounts/{account}/debt/write-off", act="look", credit_type="chat", amount="5", reason="x")
    assert signed_in.page.status_code == 409
    assert "Correlation id" in signed_in.text


def test_a_service_account_is_made_switched_off_and_gets_a_key_that_is_shown_once(
    browser: Browser, admin: Member, service: RunningService
) -> None:
    service.clock.advance(3_600)
    browser.signs_in(admin)
    name = f"svc_{uuid4().hex[:8]}"
    browser.get("/service-accounts/new")
    fields = {"service_account_id": name, "scopes": "credits.read", "reason": "a robot"}
    browser.send("/service-accounts/new", act="create_service_account", **fields)
    assert "The service account was made" in browser.text
    browser.get("/api-keys/new")
    made = browser.hidden() | {"act": "create_key", "service_account_id": name, "days": "30", "reason": "a robot"}
    browser.post("/api-keys/new", made)
    assert "This is shown this once" in browser.text
    (secret,) = re.findall(r'<li><bdi class="id wrap">([^<]+)</bdi>', browser.page.text)
    assert len(secret) > 30
    browser.post("/api-keys/new", made)
    assert "the secret went to another answer" in browser.text
    browser.get("/service-accounts")
    assert f'href="/api-keys?service={name}"' in browser.page.text
    browser.get(f"/api-keys?service={name}")
    assert (secret in browser.page.text, "1 shown" in browser.text) == (False, True)
    browser.get(f"/service-accounts/{name}/change")
    assert "credits.read" in browser.page.text
    powers = {"scopes": "credits.read credits.spend", "accounts": f"{name}-* ann"}
    browser.send(f"/service-accounts/{name}/change", act="change_service_account", reason="a try", **powers)
    assert (f"ann {name}-*" in browser.text, "credits.read credits.spend" in browser.text) == (True, True)
    for act, told in (("disable", "may do nothing any more"), ("enable", "may do again")):
        browser.get(f"/service-accounts/{name}/{act}")
        browser.send(f"/service-accounts/{name}/{act}", act=f"{act}_service_account", reason="a try")
        assert told in browser.text


def test_a_series_of_codes_is_made_and_leads_to_its_list(signed_in: Browser) -> None:
    signed_in.get("/promo-codes/series/new")
    terms = {"kind": "bonus_credits", "credit_type": "chat", "credits": "5", "total_limit": "1", "account_limit": "1"}
    signed_in.send(
        "/promo-codes/series/new", act="generate_promo_codes", how_many="3", beginning="FAIR", reason="fair", **terms
    )
    assert "series=" in str(signed_in.page.url)
    assert "3 shown" in signed_in.text


def test_an_endpoint_is_made_paused_resumed_and_deleted(
    browser: Browser, admin: Member, service: RunningService
) -> None:
    service.clock.advance(3_600)
    browser.signs_in(admin)
    name = f"crm-{uuid4().hex[:8]}"
    browser.get("/event-endpoints/new")
    # Of an account that nothing happens to: nothing is sent anywhere.
    fields = {"endpoint_name": name, "url": "https://1.1.1.1/x", "account_id": f"nobody-{name}", "reason": "a test"}
    browser.send("/event-endpoints/new", act="create_endpoint", **fields)
    assert "This is shown this once" in browser.text
    path = f"/event-endpoints/{name}"
    browser.get(f"{path}/change")
    kinds: dict[str, str | list[str]] = {"act": "change_endpoint", "event_types": ["low_balance", "reconciled"]}
    browser.post(f"{path}/change", browser.hidden() | fields | {"description": "<b>of CRM</b>"} | kinds)
    assert "<b>of CRM</b> Kinds Compared with a provider · Low balance" in browser.text
    browser.get(f"{path}/change")
    assert re.findall(r'value="([a-z_]+)" checked', browser.page.text) == ["reconciled", "low_balance"]
    for act, told in (("pause", "is paused"), ("resume", "delivers again")):
        browser.get(path)
        assert f"{path}/{act}" in browser.page.text
        browser.get(f"{path}/{act}")
        browser.send(f"{path}/{act}", act=f"{act}_endpoint", reason="a test")
        assert told in browser.text
    browser.get(f"{path}/delete")
    browser.send(f"{path}/delete", act="delete_endpoint", sure=name, reason="a test")
    assert "was deleted" in browser.text
    assert browser.get(path).status_code == 404


def test_long_work_is_shown_as_it_goes_on_and_says_how_it_ended(signed_in: Browser, account: str) -> None:
    for path, act in ((f"/accounts/{account}/verify", "verify_account"), ("/health/verify", "verify_all")):
        signed_in.get(path)
        signed_in.send(path, act=act)
        assert re.search(r"wallets and \d+ entries were folded: 0 differences", signed_in.text), act
        assert signed_in.page.text.rstrip().endswith("</html>")
    signed_in.get("/payment-events/compare")
    signed_in.send("/payment-events/compare", act="compare", provider="omise", back="1")
    assert "were compared" in signed_in.text
    signed_in.get("/payment-events/compare")
    signed_in.send("/payment-events/compare", act="compare")
    assert signed_in.page.status_code == 422
