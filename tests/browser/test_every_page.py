"""Every page, light and dark, in English and Hebrew: usable by everybody, on any screen, light to carry."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe

from credit.v1.purchase_pb2 import Purchase
from tests.browser.seated import Chromium, Seated
from tests.support.console import Member, RunningConsole, give
from tests.support.market import STRIPE, Market
from tests.support.patience import eventually
from tests.support.promos import making
from tests.support.service import RunningService
from tests.support.signed_webhooks import body_of, signed, stripe_event, stripe_payment

pytestmark = [pytest.mark.browser, pytest.mark.requirement("D6")]

LONG = "tenant-eu-west-1:school-district-0042:department-of-languages:classroom-7b"

HOSTILE = "<script>alert(1)</script>\u202e" + "w" * 440
"""What somebody may have written anywhere: markup, what turns the text around it, and a word without an end."""

MOST_BYTES = 150_000

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def pages(market: Market, service: RunningService, bought: list[Purchase]) -> list[str]:
    """Return the paths of all pages, with something on each."""
    purchase = bought.pop()
    account = purchase.account_id
    for one in (account, LONG):
        give(service, one, HOSTILE, chat=2**53, THB=1_250)
    event = stripe_event("payment_intent.succeeded", stripe_payment(purchase.name, amount_received=1))
    market.staff.webhook.IngestWebhook(signed(market, STRIPE, body_of(event)))
    found = eventually(lambda: [one for one in market.events("PARKED") if one.purchase == purchase.name])
    code = market.staff.promo.CreatePromoCode(making(f"SPRING {uuid4().hex[:6].upper()}", reason=HOSTILE)).promo_code
    return [
        "/",
        "/accounts",
        "/accounts?q=nothing-like-this",
        f"/accounts/{account}",
        f"/accounts/{LONG}",
        f"/accounts/{account}/credits/add",
        f"/accounts/{account}/credits/remove",
        f"/accounts/{account}/close",
        f"/accounts/{account}/entries",
        f"/accounts/{account}/rules",
        f"/accounts/{account}/timeline",
        f"/accounts/{account}/reserve?credit_type=chat&amount=99999",
        f"/accounts/{account}/wallets/chat/grants",
        f"/accounts/{account}/purchases",
        f"/{purchase.name}",
        "/payment-events",
        f"/payment-events/{found[0].name.partition('/')[2]}",
        f"/payment-events/{found[0].name.partition('/')[2]}/dismiss",
        "/rejected-webhooks",
        "/packages",
        "/packages/new",
        "/credit-types",
        "/promo-codes",
        "/promo-codes/new",
        f"/promo-codes/{code.name.partition('/')[2]}",
        "/approvals",
        "/audit",
        "/roles",
        "/roles/grant",
        "/service-accounts",
        "/flags",
        "/health",
        "/nowhere",
    ]


@pytest.fixture(scope="module")
def anna(chromium: Chromium, console: RunningConsole, admin: Member) -> Iterator[Seated]:
    """Return an administrator who has signed in."""
    with chromium.person(console) as seated:
        seated.signs_in(admin)
        yield seated


@pytest.mark.parametrize("language", ["en", "he"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_kept_out_of_a_page(anna: Seated, pages: list[str], language: str, theme: str) -> None:
    """By axe-core: contrast, names, roles, order of headings, and all else that a program can judge."""
    found = []
    anna.page.goto(f"/accounts?language={language}&theme={theme}")
    for path in pages:
        anna.page.goto(path)
        results = Axe().run(anna.page, options={"runOnly": TAGS})
        for violation in results.response["violations"]:
            nodes = [(node["target"], node["failureSummary"]) for node in violation["nodes"][:2]]
            found.append((path, violation["id"], nodes))
    assert not found, "\n".join(map(str, found))


@pytest.mark.parametrize("width", [320, 390, 720])
def test_no_page_is_wider_than_its_screen(anna: Seated, pages: list[str], width: int) -> None:
    """From 320 pixels on; 720 of 1,440 is what a zoom to 200 % leaves."""
    anna.page.goto("/accounts?language=en&theme=light")
    anna.page.set_viewport_size({"width": width, "height": 800})
    wide = []
    try:
        for path in pages:
            anna.page.goto(path)
            if anna.page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append(path)
    finally:
        anna.page.set_viewport_size({"width": 1_440, "height": 900})
    assert not wide


def test_what_others_have_written_runs_nowhere(anna: Seated, pages: list[str]) -> None:
    raised: list[str] = []
    anna.page.on("dialog", lambda dialog: raised.append(dialog.message))
    for path in pages:
        anna.page.goto(path)
        assert anna.page.locator("script:not([src])").count() == 0
    assert not raised


def test_the_first_page_is_light_and_quick_to_see(chromium: Chromium, console: RunningConsole, admin: Member) -> None:
    """All bytes that a browser with nothing kept loads for the dashboard, and its first paint by its clock."""
    with chromium.person(console) as fresh:
        sizes: dict[str, int] = {}
        fresh.signs_in(admin)
        fresh.page.on("response", lambda answer: sizes.setdefault(answer.url, len(answer.body())))
        fresh.page.goto("/")
        fresh.page.wait_for_load_state("networkidle")
        files = [fresh.page.context.request.get(url) for url in links(fresh)]
        total = sum(sizes.values()) + sum(len(file.body()) for file in files if file.url not in sizes)
        assert total < MOST_BYTES, total
        paint = fresh.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        # A figure of this machine, which is shared: the bound is far more than docs/console.md tells of a quiet one.
        assert paint < 3_000


def links(seated: Seated) -> list[str]:
    """Return the static files of a page."""
    address = f"http://{seated.console.address}"
    return [address + path for path in set(re.findall(r'(?:href|src)="(/static/[^"]+)"', seated.page.content()))]


def test_a_page_works_without_any_script(chromium: Chromium, console: RunningConsole, admin: Member) -> None:
    account = f"acct_{uuid4().hex[:12]}"
    give(console.service, account, "a start", chat=10)
    with chromium.person(console, java_script_enabled=False) as ben:
        ben.signs_in(admin, f"/accounts/{account}/credits/add")
        ben.page.locator("input[name='amount.chat']").fill("5")
        ben.page.locator("textarea[name=reason]").fill("Ticket 7")
        ben.page.get_by_role("button", name="Show the balance after").click()
        ben.page.get_by_role("button", name="Add 5 chat").click()
        assert "Added 5 chat" in ben.text
