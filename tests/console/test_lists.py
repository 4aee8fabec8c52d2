"""The lists: each shows what there is, is filtered and paged by its URL, and is handed out as CSV."""

import csv
import io
import re
from functools import partial
from types import SimpleNamespace
from uuid import uuid4

import grpc
import httpx
import pytest

from credit.v1 import admin_service_pb2 as admin_pb
from credit.v1 import credit_service_pb2 as credit
from credit.v1.account_pb2 import Plan
from credit.v1.audit_service_pb2 import ListAuditEventsRequest, ListAuditEventsResponse
from credit.v1.credit_type_pb2 import CreditType
from credit.v1.payment_event_pb2 import PaymentEvent
from credit.v1.purchase_pb2 import Purchase
from creditd.console import limits
from creditd.console.shapes.list_page import ListPage
from creditd.console.subjects.page_list import LISTS
from creditd.console.visit import Visit
from tests.support.console import Browser, Members, give
from tests.support.market import STRIPE, Market
from tests.support.office import Office, creating
from tests.support.patience import eventually
from tests.support.promos import making
from tests.support.service import RunningService
from tests.support.signed_webhooks import body_of, ingesting, signed, stripe_event, stripe_payment

HOSTILE = "=1+1<script>alert(1)</script>\u202e"
"""What somebody may have written anywhere: markup, what turns the text around it, and a formula."""


@pytest.fixture(scope="session")
def filled(market: Market, service: RunningService, bought: list[Purchase]) -> str:
    """Return an account that has something of everything, with hostile words in it."""
    purchase = bought.pop()
    account_id = purchase.account_id
    boss = service.as_caller("boss", "ADMIN")
    give(service, account_id, HOSTILE, chat=1_500, THB=1_250)
    boss.credit.Reserve(
        credit.ReserveRequest(
            account_id=account_id, credit_type="chat", amount=40, reason=HOSTILE, request_id=uuid4().hex
        )
    )
    event = stripe_event("payment_intent.succeeded", stripe_payment(purchase.name, amount_received=1))
    boss.webhook.IngestWebhook(signed(market, STRIPE, body_of(event)))
    with pytest.raises(grpc.RpcError):
        boss.webhook.IngestWebhook(ingesting(STRIPE, b"{}", {"stripe-signature": "t=1,v1=00"}))
    finance = service.as_caller("finn", "FINANCE")
    amounts = [admin_pb.CreditAmount(credit_type="chat", amount=3)]
    finance.admin.RemoveCredits(
        admin_pb.RemoveCreditsRequest(account_id=account_id, amounts=amounts, reason=HOSTILE, request_id=uuid4().hex)
    )
    boss.promo.CreatePromoCode(making(reason=HOSTILE))
    Office(service).admin.access.CreateServiceAccount(creating(f"svc_{uuid4().hex[:8]}", scopes=["credits.read"]))
    Office(service).grant(uuid4().hex, "SUPPORT")
    eventually(lambda: market.events("PARKED"))
    return account_id


EXPECTED = {
    "accounts": "Active",
    "api_keys": "Keys are listed by service account",
    "approvals": "Remove credits",
    "audit": "credits.add",
    "credit_types": "chat",
    "entries": "Reserved",
    "event_endpoints": "No event is delivered anywhere yet",
    "flags": "No account is flagged",
    "grants": "1,500",
    "packages": "Small",
    "payment_events": "payment_intent.succeeded",
    "promo_codes": "Bonus credits",
    "purchases": "Pending",
    "rejected_webhooks": "Stripe",
    "reservations": "Held",
    "roles": "Support",
    "service_accounts": "credits.read",
    "subscriptions": "No provider has told of one",
    "timeline": "Added by staff",
}


STANDING = tuple(page for page in LISTS if not re.search(r"\{(grant|endpoint)_id\}", page.path))
"""The lists that are of an account, or of all; others are of one thing."""


OPEN_TO_SUPPORT = {"accounts.search", "accounts.read", "purchases.read", "packages.read", "credit_types.read"}


def path_of(page: ListPage, account_id: str) -> str:
    """Return where a list is."""
    return page.path.replace("{account_id}", account_id).replace("{credit_type}", "chat")


@pytest.mark.requirement("D6")
def test_a_list_shows_what_there_is_and_others_words_are_text(
    signed_in: Browser, service: RunningService, filled: str
) -> None:
    # The newest act is on the first page of the audit log, whatever tests before have done.
    give(service, f"acct_{uuid4().hex[:12]}", "newest", chat=1)
    for page in STANDING:
        # Some of it is written a little later than it happens, such as the count of rejected webhooks.
        answer = eventually(partial(with_text, signed_in, path_of(page, filled), EXPECTED[page.name]))
        assert "<script>alert" not in answer.text, page.name


def with_text(browser: Browser, path: str, text: str) -> httpx.Response | None:
    """Return a page once it shows a text."""
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return answer if text in browser.text else None


def test_a_list_is_handed_out_as_a_file_that_no_program_takes_for_formulas(signed_in: Browser, filled: str) -> None:
    for page in STANDING:
        answer = signed_in.get(f"{path_of(page, filled)}.csv")
        assert answer.status_code == 200, page.name
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert "attachment" in answer.headers["content-disposition"]
        head, *rows = list(csv.reader(io.StringIO(answer.text)))
        assert {len(row) for row in rows} <= {len(head)}, page.name
        assert bool(rows) == (page.name not in {"api_keys", "event_endpoints", "flags", "subscriptions"}), page.name
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))], page.name


def test_what_a_filter_cannot_be_is_said_and_shows_nothing(signed_in: Browser, filled: str) -> None:
    for page in STANDING:
        for one in page.filters:
            is_judged = one.enum or one.day or one.pattern
            if is_judged and not one.pattern.startswith("."):
                signed_in.get(f"{path_of(page, filled)}?{one.name}=%00%3Cscript%3E")
                assert signed_in.page.status_code == 200, (page.name, one.name)
                assert "<script>" not in signed_in.page.text
                assert "A filter has a value that it cannot have" in signed_in.text, (page.name, one.name)
                assert "0 shown" in signed_in.text
            for word in one.words[:1]:
                assert signed_in.get(f"{path_of(page, filled)}?{one.name}={word}").status_code == 200


def test_a_filter_and_a_page_stand_in_the_url_and_in_the_file(signed_in: Browser, service: RunningService) -> None:
    account_id = f"acct_{uuid4().hex[:12]}"
    for number in range(limits.PAGE_SIZE + 3):
        give(service, account_id, f"Gift {number:02}", chat=1)
    give(service, account_id, "Baht gift", THB=1)
    signed_in.get(f"/accounts/{account_id}/entries?type=chat")
    assert [name in signed_in.text for name in ("Gift 22", "Gift 03", "Gift 02", "Baht gift")] == [
        True,
        True,
        False,
        False,
    ]
    assert f"{limits.PAGE_SIZE} of {limits.PAGE_SIZE + 3} shown" in signed_in.text
    (older,) = re.findall(r'href="([^"]*page=[^"]+)"', signed_in.page.text)
    signed_in.get(older.replace("&amp;", "&"))
    assert ["Gift 02" in signed_in.text, "Gift 03" in signed_in.text] == [True, False]
    (file,) = re.findall(r'href="([^"]*[.]csv[^"]*)"', signed_in.page.text)
    rows = list(csv.reader(io.StringIO(signed_in.get(file.replace("&amp;", "&")).text)))
    assert len(rows) == 1 + limits.PAGE_SIZE + 3
    assert rows[1][2:4] == ["1", "chat"]
    signed_in.get(f"/accounts/{account_id}")
    # With what an account is opened with.
    assert f"{limits.PAGE_SIZE} of {limits.PAGE_SIZE + 5} shown" in signed_in.text
    # By kinds the service counts row by row: nobody has asked for that.
    for filtered in ("/entries?kind=admin_add", "?show=in"):
        signed_in.get(f"/accounts/{account_id}{filtered}")
        assert re.findall(r"(?:of )?\d+ shown", signed_in.text) == [f"{limits.PAGE_SIZE} shown"], filtered


def test_accounts_are_listed_by_concern_and_with_what_they_have(signed_in: Browser, account: str) -> None:
    signed_in.get(f"/accounts?prefix={account}")
    for shown in ("1,500 chat", "12.50 THB", "Active"):
        assert shown in signed_in.text, shown
    assert "12.50 THB, 1500 chat" in signed_in.get(f"/accounts.csv?prefix={account}").text
    signed_in.get("/accounts?concern=in_debt")
    assert account not in signed_in.text
    # What the service does not take together, no link asks for together.
    assert 'href="/accounts?state=active"' in signed_in.page.text
    assert 'href="/accounts?order=last_movement"' in signed_in.page.text
    assert signed_in.get("/accounts?order=last_movement").status_code == 200
    assert "This could not be read" not in signed_in.text
    signed_in.get("/accounts?concern=in_debt&state=active")
    assert "This could not be read" in signed_in.text


def test_an_amount_has_its_decimals_however_many_credit_types_there_are(
    signed_in: Browser, service: RunningService, staff: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, account_id = f"z{uuid4().hex[:8]}", f"acct_{uuid4().hex[:12]}"
    made = CreditType(code=code, decimals=2)
    staff.admin.CreateCreditType(admin_pb.CreateCreditTypeRequest(credit_type=made, request_id=uuid4().hex))
    give(service, account_id, "a gift", **{code: 1_250})
    monkeypatch.setattr(limits, "CREDIT_TYPES_PAGE_SIZE", 1)
    monkeypatch.setattr(limits, "CREDIT_TYPE_PAGES", 100)
    signed_in.get(f"/accounts?prefix={account_id}")
    assert f"12.50 {code}" in signed_in.text


def test_a_file_ends_where_it_would_take_too_many_calls(
    signed_in: Browser, service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_EXPORT_ROWS", 4)
    monkeypatch.setattr(limits, "EXPORT_PAGE_SIZE", 2)
    account_id = f"acct_{uuid4().hex[:12]}"
    for number in range(6):
        give(service, account_id, f"Gift {number}", chat=1)
    rows = list(csv.reader(io.StringIO(signed_in.get(f"/accounts/{account_id}/entries.csv").text)))
    assert len(rows) == 1 + 4 + 1
    assert rows[-1][0].startswith("More rows are not in this file")


def test_a_file_ends_where_a_filter_matches_nothing(signed_in: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without rows has looked through 10,000 of them: a file does not ask for all there are."""
    monkeypatch.setattr(limits, "MAX_EXPORT_ROWS", 3 * limits.EXPORT_PAGE_SIZE)
    ask = Visit.ask
    asked: list[object] = []

    async def matching_nothing(visit: Visit, method: object, message: object) -> object:
        if not isinstance(message, ListAuditEventsRequest):
            return await ask(visit, method, message)
        asked.append(message)
        return ListAuditEventsResponse(next_page_token="" if len(asked) > 9 else "more")

    monkeypatch.setattr(Visit, "ask", matching_nothing)
    rows = list(csv.reader(io.StringIO(signed_in.get("/audit.csv?who=nobody").text)))
    assert (len(asked), len(rows)) == (3, 2)
    assert rows[-1][0].startswith("More rows are not in this file")


@pytest.mark.requirement("D2", "D6")
def test_the_audit_log_is_in_the_units_of_what_was_changed(
    signed_in: Browser, staff: SimpleNamespace, account: str
) -> None:
    plan = Plan(kind="PLAN_KIND_UNLIMITED")
    plan.end_time.FromJsonString("2030-01-01T00:00:00Z")
    name = f"accounts/{account}"
    staff.admin.SetPlan(admin_pb.SetPlanRequest(name=name, plan=plan, request_id=uuid4().hex, reason="a trial"))
    signed_in.get(f"/audit?account={account}")
    for shown in ("THB available : 0 → 12.50", "chat available : 0 → 1,500", "unlimited_until : 1 Jan 2030 00:00:00"):
        assert shown in signed_in.text, shown
    head, *rows = list(csv.reader(io.StringIO(signed_in.get(f"/audit.csv?account={account}").text)))
    changes = "".join(row[head.index("Before and after")] for row in rows)
    assert ("unlimited: false → true" in changes, "unlimited_until: 2030-01-01T00:00:00Z" in changes) == (True, True)
    assert '"available":1250' in "".join(row[head.index("After, as JSON")] for row in rows)


def test_a_list_that_cannot_be_read_says_so(signed_in: Browser) -> None:
    assert signed_in.get("/audit?page=forged").status_code == 200
    assert "This could not be read" in signed_in.text
    assert signed_in.get("/audit.csv?page=forged").status_code == 200


@pytest.fixture
def support(browser: Browser, members: Members) -> Browser:
    """Return a browser in which somebody has signed in who may only read accounts."""
    browser.signs_in(members("SUPPORT"))
    return browser


def test_who_may_not_see_a_list_is_not_offered_it_and_is_refused_all_the_same(support: Browser, filled: str) -> None:
    support.get("/accounts")
    for page in STANDING:
        is_open = page.permission in OPEN_TO_SUPPORT
        if "{" not in page.path:
            assert (f'href="{page.path}"' in support.page.text) == is_open, page.name
    for page in STANDING:
        is_open = page.permission in OPEN_TO_SUPPORT
        for end in ("", ".csv"):
            assert support.get(path_of(page, filled) + end).status_code == (200 if is_open else 403), page.name
    # Of what has no page for them they read, and are led nowhere.
    support.get(f"/accounts/{filled}/timeline")
    assert "payment_intent.succeeded" in support.text
    assert 'href="/payment-events/' not in support.page.text


def parked(market: Market, account_id: str) -> PaymentEvent:
    """Return an account's event that waits for a person."""
    return next(event for event in market.events("PARKED") if event.purchase.startswith(f"accounts/{account_id}/"))


@pytest.mark.requirement("D6")
def test_a_row_leads_to_all_that_is_known_of_it(
    signed_in: Browser, filled: str, market: Market, staff: SimpleNamespace
) -> None:
    event = parked(market, filled)
    assert signed_in.get(f"/payment-events/{event.name.partition('/')[2]}").status_code == 200
    for shown in ("Parked", "amount_received", "Card numbers are masked", "Dismiss", "Replay", "The provider says"):
        assert shown in signed_in.text, shown
    assert "THB 0.01 THB 0.00 of THB 1,000.00" in signed_in.text
    assert " ago" in signed_in.text or "just now" in signed_in.text
    counted = r'state=parked"[^>]*>Parked <span class="count"><bdi>[1-9]'
    assert re.search(counted, signed_in.get("/payment-events").text)
    signed_in.get(f"/accounts/{filled}/purchases")
    (purchase,) = set(re.findall(rf'href="(/accounts/{filled}/purchases/[0-9a-f-]+)"', signed_in.page.text))
    signed_in.get(purchase)
    for shown in ("THB 1,000.00", "Pending", "90 chat", "payment_intent.succeeded", "Cancel the purchase"):
        assert shown in signed_in.text, shown
    beside = signed_in.get(f"{purchase}/beside/{purchase.rpartition('/')[2]}")
    assert (beside.status_code, signed_in.text.count("THB 1,000.00 for Small")) == (200, 2)
    assert signed_in.get(f"{purchase}/beside/nothing").status_code == 404
    signed_in.get(f"/accounts/{filled}")
    assert "A payment could not be applied" in signed_in.text
    entries = re.findall(rf'href="(/accounts/{filled}/wallets/chat/entries/2[^"]*)"', signed_in.page.text)
    signed_in.get(entries[0])
    assert "Reserved" in signed_in.text
    assert "Of which grants" in signed_in.text
    assert signed_in.get(entries[0].partition("?")[0]).status_code == 200
    grants = re.findall(rf'href="(/accounts/{filled}/wallets/chat/grants/[^"]*)"', signed_in.page.text)
    signed_in.get(grants[0])
    assert "What brought it" in signed_in.text
    assert "Where it went" in signed_in.text
    reserving = credit.ReserveRequest(account_id=filled, credit_type="chat", amount=1, request_id=uuid4().hex)
    signed_in.get(f"/{staff.credit.Reserve(reserving).reservation.name}")
    assert "Give back" in signed_in.text
    for answer in signed_in.answers:
        assert "<script>alert" not in answer.text


def test_what_is_a_part_of_a_page_has_one_of_its_own_with_all_of_it(
    signed_in: Browser, staff: SimpleNamespace, account: str
) -> None:
    for number in range(limits.PAGE_SIZE + 1):
        request_id = f"{account} {number}"
        staff.credit.Deduct(
            credit.DeductRequest(account_id=account, credit_type="THB", amount=5, request_id=request_id)
        )
    signed_in.get(f"/accounts/{account}/wallets/THB/grants")
    (grant,) = set(re.findall(r'href="(/accounts/[^"]*/grants/[0-9a-f-]{36})"', signed_in.page.text))
    assert f'href="{grant}/uses"' in signed_in.get(grant).text
    signed_in.get(f"{grant}/uses")
    assert ("0.05 THB" in signed_in.text, "page=" in signed_in.page.text) == (True, True)
    assert len(signed_in.get(f"{grant}/uses.csv").text.splitlines()) == limits.PAGE_SIZE + 3


NOWHERE = (
    "/payment-events/nothing",
    "/payment-events/%3Cscript%3E",
    "/promo-codes/nothing",
    "/accounts/ann/purchases/nothing",
    "/accounts/ann/approvals/nothing",
    "/accounts/ann/wallets/chat/entries/nothing",
    "/accounts/ann/wallets/%00/entries/1",
    "/accounts/ann/wallets/chat/grants/nothing",
    "/accounts/ann/wallets/chat/reservations/nothing",
)


@pytest.mark.requirement("D7")
def test_all_that_happened_stands_in_one_list_and_the_grants_of_a_wallet_in_another(
    signed_in: Browser, service: RunningService, account: str
) -> None:
    name = f"accounts/{account}"
    plan = Plan(kind="PLAN_KIND_UNLIMITED")
    asked = admin_pb.SetPlanRequest(name=name, plan=plan, request_id=uuid4().hex, reason="<b>trial</b>")
    service.as_caller("boss", "ADMIN").admin.SetPlan(asked)
    signed_in.get(f"/accounts/{account}/timeline")
    for shown in ("Account changed", "Unlimited", "<b>trial</b>", "Added by staff · +1,500 chat", "Ticket 1"):
        assert shown in signed_in.text, shown
    assert f"/accounts/{account}/timeline" in signed_in.get(f"/accounts/{account}").text
    signed_in.get(f"/accounts/{account}/wallets/chat/grants")
    assert ("1,500 chat" in signed_in.text, "Ticket 1" in signed_in.text) == (True, True)
    assert "1500" in signed_in.get(f"/accounts/{account}/wallets/chat/grants.csv").text


def test_what_is_not_there_is_no_page(signed_in: Browser) -> None:
    for path in NOWHERE:
        assert signed_in.get(path).status_code == 404, path
        assert "<script>" not in signed_in.page.text
