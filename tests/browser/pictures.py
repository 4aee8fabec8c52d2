"""`python -m tests.browser.pictures` photographs the console for docs/console/: light, dark, on a phone, in Hebrew.

And the three calls that staff are rung for, step by step, as docs/console/README.md tells them. Last, it prints how
heavy each page is, and how soon a browser that has kept nothing paints it.

What is on them is made for the pictures; they are looked at one by one beside the design.
"""

import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final
from uuid import uuid4

from playwright.sync_api import Locator, Page

from credit.v1 import admin_service_pb2 as admin_pb
from credit.v1 import credit_service_pb2 as credit
from tests.browser.seated import Chromium, Seated, running_chromium
from tests.support.console import Member, RunningConsole, enrolled, give, running_console
from tests.support.market import STRIPE, Market, open_market
from tests.support.office import Office, creating
from tests.support.patience import eventually
from tests.support.postgres import session_cluster
from tests.support.promos import making, percent_bonus
from tests.support.signed_webhooks import body_of, signed, stripe_event, stripe_payment

FOLDER: Final = Path(__file__).parents[2] / "docs" / "console"

QUALITY: Final = 45

SCALE: Final = 0.75
"""With the quality of JPEG: small, and all words can be read."""

ACCOUNT: Final = "acct_7f3k"

TWICE: Final = "acct_k2v8"
"""Who has bought the same package twice."""

TIMES: Final = 5
"""How often each page is opened to measure it; the median counts."""


def filled(market: Market) -> dict[str, str]:
    """Fill a service as the design's pages are, and return the paths of its pages by their names."""
    service, boss = market.service, market.staff
    for account_id, chat, baht in (("acct_k2v8", 8_816, 0), ("acct_m1x7", 88, 400_000), ("acct_zz41", 1_904, 99)):
        give(service, account_id, "Welcome", chat=chat, **({"THB": baht} if baht else {}))
    paid, wrong = market.buy(ACCOUNT, STRIPE), market.buy(ACCOUNT, STRIPE)
    for purchase, fields in ((paid, {}), (wrong, {"amount_received": 59_000})):
        event = stripe_event("payment_intent.succeeded", stripe_payment(purchase.name, **fields))
        boss.webhook.IngestWebhook(signed(market, STRIPE, body_of(event)))
    for purchase in (market.buy(TWICE, STRIPE), market.buy(TWICE, STRIPE)):
        event = stripe_event("payment_intent.succeeded", stripe_payment(purchase.name))
        boss.webhook.IngestWebhook(signed(market, STRIPE, body_of(event)))
        eventually(lambda name=purchase.name: market.state(name) == "COMPLETED")
    eventually(lambda: market.events("PARKED"))
    give(service, ACCOUNT, "Failed exports on 24 Nov, ticket 48213", chat=300, THB=1_250)
    for number, (amount, why) in enumerate(((40, "Summarise 3 files"), (25, "Translate a page"), (12, "Chat"))):
        boss.credit.Deduct(
            credit.DeductRequest(
                account_id=ACCOUNT,
                credit_type="chat",
                amount=amount,
                request_id=uuid4().hex,
                reason=why,
                spender_id=f"user-{number}",
            )
        )
    for amount, why in ((60, "Summarise 12 files"), (25, "Draw a picture")):
        boss.credit.Reserve(
            credit.ReserveRequest(
                account_id=ACCOUNT, credit_type="chat", amount=amount, request_id=uuid4().hex, reason=why
            )
        )
    finance = service.as_caller("dao", "FINANCE")
    finance.admin.RemoveCredits(
        admin_pb.RemoveCreditsRequest(
            account_id=ACCOUNT,
            amounts=[admin_pb.CreditAmount(credit_type="chat", amount=55)],
            reason="Bought twice on 24 Nov, second payment sent back by bank transfer. Ticket 48313",
            request_id=uuid4().hex,
        )
    )
    boss.promo.CreatePromoCode(making("SPRING 26", reason="Spring"))
    boss.promo.CreatePromoCode(making("TEN MORE", percent_bonus(10), reason="Loyal customers"))
    Office(service).admin.access.CreateServiceAccount(creating("chat-api", scopes=["credits.spend", "credits.read"]))
    event_id = market.events("PARKED")[0].name.partition("/")[2]
    return {
        "dashboard": "/?type=chat",
        "accounts": "/accounts",
        "account": f"/accounts/{ACCOUNT}",
        "credits-add": f"/accounts/{ACCOUNT}/credits/add",
        "credits-remove": f"/accounts/{ACCOUNT}/credits/remove",
        "purchase": f"/{wrong.name}",
        "payment-events": "/payment-events",
        "payment-event": f"/payment-events/{event_id}",
        "approvals": "/approvals",
        "promo-codes": "/promo-codes",
        "packages": "/packages",
        "audit": "/audit",
        "roles": "/roles",
        "role-matrix": "/roles/matrix",
        "health": "/health",
    }


LOOKS: Final = {
    "light": (("language=en&theme=light"), (1_280, 800), None),
    "dark": (("language=en&theme=dark"), (1_280, 800), ("dashboard", "account", "payment-event")),
    "phone": (("language=en&theme=light"), (390, 844), ("dashboard", "account", "payment-events")),
    "he": (("language=he&theme=light"), (1_280, 800), ("dashboard", "account", "credits-remove")),
    "th": (("language=th&theme=light"), (1_280, 800), ("account",)),
    "vi": (("language=vi&theme=light"), (1_280, 800), ("account",)),
}
"""By the end of a picture's name: what is chosen, the size of the window, and which pages; all if there are none."""


def photograph(seated: Seated, pages: dict[str, str], folder: Path) -> None:
    """Take all pictures."""
    for look, (chosen, (width, height), names) in LOOKS.items():
        seated.page.set_viewport_size({"width": width, "height": height})
        seated.page.goto(f"/accounts?{chosen}")
        for name in names or pages:
            seated.page.goto(pages[name])
            file = folder / f"{name}.{look}.jpg"
            seated.page.screenshot(path=file, type="jpeg", quality=QUALITY, full_page=True)


def call(seated: Seated, folder: Path, name: str, query: str, *steps: Callable[[Page], Locator]) -> None:
    """Find an account by what is in hand, take a picture of it, and one after each further click."""
    page = seated.page
    page.goto("/accounts?language=en&theme=light")
    with page.expect_navigation(url=re.compile("/accounts/")):
        seated.searches(query)
    for number, step in enumerate((None, *steps)):
        if step is not None:
            with page.expect_navigation():
                step(page).click()
        page.screenshot(path=folder / f"call-{name}.{number + 1}.jpg", type="jpeg", quality=QUALITY)


def noticed(words: str) -> Callable[[Page], Locator]:
    """Return what opens what stands out of an account, by words of it."""
    return lambda page: page.locator(".finds li", has_text=words).first.get_by_role("link", name="Open")


def calls(seated: Seated, folder: Path, wrong: str) -> None:
    """Take the pictures of the three calls."""
    seated.page.set_viewport_size({"width": 1_280, "height": 800})
    call(seated, folder, "paid", wrong, noticed("could not be applied"))
    call(seated, folder, "twice", TWICE, noticed("bought twice"))
    call(seated, folder, "where", ACCOUNT, usage, explained)


def usage(page: Page) -> Locator:
    """Return what shows where the credits of a week went."""
    return page.get_by_role("link", name="7 days")


def explained(page: Page) -> Locator:
    """Return what explains the newest movement."""
    return page.get_by_role("link", name="Explain").first


PAINT: Final = "performance.getEntriesByName('first-contentful-paint')"


def measured(chromium: Chromium, console: RunningConsole, member: Member, pages: dict[str, str]) -> None:
    """Print the kilobytes and milliseconds of each page, in a browser that has kept nothing but the sign-in."""
    with chromium.person(console) as first:
        first.signs_in(member)
        kept = first.page.context.storage_state()
    for name, path in pages.items():
        paints, weight = [], 0
        for _ in range(TIMES):
            with chromium.person(console, storage_state=kept) as fresh:
                fresh.page.goto(path)
                # Playwright's own waiting for a condition needs what the policy of the pages forbids.
                first_paint = eventually(lambda page=fresh.page: page.evaluate(PAINT))
                paints.append(first_paint[0]["startTime"])
                weight = fresh.page.evaluate(WEIGHT)
        sys.stdout.write(f"| {name} | {weight / 1_000:.0f} kB | {median(paints):.0f} ms |\n")


WEIGHT: Final = """
    performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))
        .reduce((sum, one) => sum + one.decodedBodySize, 0)
"""
"""Bytes of the page and of all that it has loaded, not compressed."""


def main(folder: Path) -> None:
    """Take the pictures of a console that is filled for them."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        session_cluster(Path(scratch)),
        open_market(Path(scratch), signs_in=True) as market,
        running_console(market.service) as console,
        running_chromium() as chromium,
    ):
        pages = filled(market)
        with chromium.person(console, device_scale_factor=SCALE) as seated:
            seated.signs_in(enrolled(market.service, "ADMIN", name="noa"))
            photograph(seated, pages, folder)
            calls(seated, folder, pages["purchase"].rpartition("/")[2])
        measured(chromium, console, enrolled(market.service, "ADMIN"), pages)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
