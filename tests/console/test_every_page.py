"""Every page, before a service whose answers have each field, with hostile texts: all is shown, and as text alone."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, Final

import httpx
import pytest
from starlette.responses import Response

from creditd.console.application import ConsoleApplication
from creditd.console.entrance.session import ConsoleSessions
from creditd.console.settings import ConsoleSettings, public_url
from creditd.console.subjects.page_list import declared_routes
from creditd.console.wire.cookies import CookieJar
from creditd.server.authorization.policy import PERMISSIONS
from tests.support.filled_service import filled_stubs

SETTINGS: Final = ConsoleSettings("127.0.0.1:0", "127.0.0.1:1", cookie_key="0" * 43)

PARTS: Final = {"account_id": "ann", "purchase_id": "1", "credit_type": "chat", "grant_id": "g1"}

OTHERS: Final = (
    "/",
    "/?days=90&type=chat",
    "/health",
    "/roles/matrix",
    "/accounts",
    "/accounts/ann",
    "/accounts/ann?show=in&type=chat",
    "/accounts/ann/credits/add",
    "/accounts/ann/reserve",
    "/accounts/ann/rules",
    "/accounts/ann/statement",
    "/accounts/ann/past-balance",
    "/accounts/ann/past-balance?at=2026-11-28T12:00",
    "/accounts/ann/reserve?credit_type=chat&amount=5&spender=bot&at=2026-11-28T12:00",
    "/accounts/ann/wallets/chat/entries/7",
)


def paths() -> Iterator[str]:
    """Yield the paths of all pages."""
    for method, path, _ in declared_routes():
        if method == "GET":
            yield re.sub(r"\{(\w+)\}", lambda part: PARTS.get(part[1], "a1"), path)
    yield from OTHERS


def signed_in() -> dict[str, str]:
    """Return the cookies of somebody who has signed in."""
    jar = CookieJar(SETTINGS.cookie_key, public_url(SETTINGS))
    sessions = ConsoleSessions(jar, SETTINGS, time.time)
    response = Response()
    for cookie in sessions.written(sessions.begun_outside("boss", "token", 900, "")):
        jar.write(response, cookie)
    written = [line.partition(";")[0].partition("=") for line in response.headers.getlist("set-cookie")]
    return {name: value for name, _, value in written}


@pytest.mark.requirement("D6")
def test_every_page_shows_what_others_have_written_as_text() -> None:
    channel: Any = SimpleNamespace(stubs=filled_stubs(list(PERMISSIONS)), is_reachable=True)
    wrong = asyncio.run(faults_of(ConsoleApplication(SETTINGS, channel, time.time)))
    assert not wrong, "\n".join(wrong)


async def faults_of(application: ConsoleApplication) -> list[str]:
    """Return what is wrong with pages, each with its path."""
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", cookies=signed_in()) as browser:
        return [f"{path}: {fault}" for path in paths() for fault in faults(await browser.get(path))]


def faults(page: httpx.Response) -> Iterator[str]:
    """Yield what is wrong with a page."""
    if page.status_code != HTTPStatus.OK:
        yield f"is answered by {page.status_code}"
    if "html" not in page.headers.get("content-type", ""):
        return
    if "<script>" in page.text or "{x}</textarea>" in page.text:
        yield "has what others have written as HTML"
    if " style=" in page.text:
        yield "has a style that the policy forbids"
    named = Counter(re.findall(r'\sid="([^"]+)"', page.text))
    yield from (f"has {count} elements of the id {name}" for name, count in named.items() if count > 1)
