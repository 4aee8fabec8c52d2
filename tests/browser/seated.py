"""Somebody who sits before a browser: what they do with the mouse and the keys, and what they see."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.console import Member, RunningConsole
from tests.support.patience import patience

CHROMIUM: Final = "/usr/bin/chromium"

MILLISECONDS: Final = patience(30.0) * 1_000
"""Far more than a page takes, so that a loaded machine fails no test."""

WIDTH, HEIGHT = 1_440, 900


@dataclass
class Chromium:
    """A browser that runs."""

    browser: Browser

    @contextmanager
    def person(self, console: RunningConsole, **options: Any) -> Iterator["Seated"]:
        """Have somebody sit before a window with no cookies yet; no request of it may leave the console."""
        stated = {"viewport": {"width": WIDTH, "height": HEIGHT}, "locale": "en-GB", "timezone_id": "Asia/Bangkok"}
        context = self.browser.new_context(base_url=f"http://{console.address}", **stated | options)
        context.set_default_timeout(MILLISECONDS)
        page = context.new_page()
        seated = Seated(page, console)
        page.on("request", lambda request: seated.requests.append(request.url))
        page.on("console", lambda said: seated.said.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: seated.said.append(str(error)))
        try:
            yield seated
        finally:
            context.close()
        elsewhere = [url for url in seated.requests if not url.startswith((f"http://{console.address}/", "data:"))]
        assert not elsewhere, elsewhere
        policy = [text for text in seated.said if "Content Security Policy" in text or "Error:" in text]
        assert not policy, policy


@dataclass
class Seated:
    """Somebody before a window."""

    page: Page
    console: RunningConsole
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def signs_in(self, member: Member, path: str = "/") -> None:
        """Show password and code, as a person types them."""
        self.page.goto(path)
        if "/sign-in/code" not in self.page.url:
            self.page.get_by_label("Email").fill(member.person.email)
            self.page.get_by_label("Password").fill(member.person.password)
            self.page.get_by_role("button", name="Continue").click()
        self.page.locator("input[name=code]").fill(member.phone.next_code())
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def searches(self, query: str) -> None:
        """Find something by the keys alone."""
        self.page.keyboard.press("/")
        self.page.keyboard.type(query)
        self.page.keyboard.press("Enter")
        self.page.wait_for_load_state()

    @property
    def text(self) -> str:
        """What is shown."""
        return str(self.page.locator("body").inner_text())


@contextmanager
def running_chromium() -> Iterator[Chromium]:
    """Run a browser until the block ends."""
    with sync_playwright() as playwright:
        # As root, as on a build machine, Chromium has no sandbox of its own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield Chromium(browser)
        finally:
            browser.close()
