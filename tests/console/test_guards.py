"""What keeps others out of a browser's session: tokens of forms, cookies, headers, and what a page may load."""

import re
from hashlib import sha256
from pathlib import Path

import pytest

from creditd.console import limits, static_files
from creditd.console.subjects.page_list import ACTS
from creditd.console.wire import headers
from tests.support.console import Browser, Member, RunningConsole, running_console
from tests.support.service import RunningService

STATIC = Path(static_files.__file__).with_name("static")

FORMS = [
    "/sign-in",
    "/sign-in/code",
    "/sign-in/authenticator",
    "/sign-in/authenticator/confirm",
    "/sign-in/password",
    "/sign-in/recovery-codes",
    "/sign-out",
    "/sign-out/everywhere",
    "/accounts/ann/credits/add",
    "/accounts/ann/credits/add/preview",
    *(re.sub(r"\{\w+\}", "x", act.path) for act in ACTS),
]


@pytest.mark.requirement("D6")
def test_a_form_without_its_token_is_refused(signed_in: Browser) -> None:
    wrong = [("/sign-out", token) for token in ("0" * 64, "not a token", "\u0661")]
    for path, token in [*((path, "") for path in FORMS), *wrong]:
        fields = {"form_token": token, "email": "a@example.org", "password": "x", "act": "add"}
        signed_in.post(path, fields, follows=False)
        assert signed_in.page.status_code == 400, path
        assert "Nothing was done" in signed_in.text, path
    assert signed_in.get("/accounts", follows=False).status_code == 200


def test_a_token_of_another_session_is_refused(console: RunningConsole, signed_in: Browser) -> None:
    with console.browser() as other:
        other.get("/sign-in")
        strange = other.hidden()
        assert other.send("/sign-in", email="nobody@example.org", password="x").status_code == 422
    signed_in.post("/sign-out", strange, follows=False)
    assert signed_in.page.status_code == 400


def test_a_form_that_another_site_sends_is_refused_whatever_it_has(signed_in: Browser) -> None:
    fields = signed_in.hidden()
    signed_in.post("/sign-out", fields, {"sec-fetch-site": "cross-site"}, follows=False)
    assert signed_in.page.status_code == 400
    signed_in.post("/sign-out", fields, {"sec-fetch-site": "same-origin"}, follows=False)
    assert signed_in.page.status_code == 303


@pytest.mark.parametrize(
    ("path", "led_to"),
    [
        ("/%2Fevil.example/", "/evil.example/"),
        ("/%2F%2Fevil.example/", "/evil.example/"),
        ("/%5Cevil.example/", "/%5Cevil.example/"),
        ("/%2F%5Cevil.example/", "/%5Cevil.example/"),
    ],
)
def test_no_path_leads_to_another_host(browser: Browser, path: str, led_to: str) -> None:
    assert browser.get(f"{path}?theme=dark", follows=False).headers["location"] == led_to
    page = browser.get(path)
    assert page.status_code == 404
    links = re.findall(r'href="([^"?]*)[?]language=', page.text)
    assert set(links) == {led_to}


def test_a_body_that_is_no_form_of_ours_is_refused(signed_in: Browser) -> None:
    http, too_many = signed_in.http, "&".join(f"a{number}=1" for number in range(limits.MAX_FORM_FIELDS + 1))
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert http.post("/sign-out", content=b"x" * (limits.MAX_FORM_BYTES + 1), headers=form).status_code == 400
    assert http.post("/sign-out", content=too_many, headers=form).status_code == 400
    assert http.post("/sign-out", content=b"\xff\xfe", headers=form).status_code == 400
    assert http.post("/sign-out", json={"form_token": signed_in.hidden()["form_token"]}).status_code == 400
    assert http.post("/sign-out").status_code == 400


def test_every_answer_has_the_headers_that_guard_it(signed_in: Browser) -> None:
    sheet = re.search(r'href="(/static/[^"]+)"', signed_in.page.text)
    assert sheet
    for path in ("/accounts", "/sign-in", "/nowhere", "/healthz", sheet[1], "/accounts/%00"):
        answer = signed_in.get(path, follows=False)
        for name, value in headers.SECURITY_HEADERS.items():
            assert answer.headers[name] == value, (path, name)
        assert "unsafe" not in answer.headers["content-security-policy"]
        kept = "public, max-age=31536000, immutable" if path == sheet[1] else "no-store"
        assert answer.headers["cache-control"] == kept
        assert "server" not in answer.headers
        assert "strict-transport-security" not in answer.headers


def test_cookies_are_read_by_no_script_and_sent_from_no_other_site(browser: Browser, admin: Member) -> None:
    browser.signs_in(admin)
    written = [cookie for answer in browser.answers for cookie in answer.headers.get_list("set-cookie")]
    assert {cookie.partition("=")[0] for cookie in written} >= {"creditd-session", "creditd-seen", "creditd-gate"}
    for cookie in written:
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert len(cookie) < 4_096


@pytest.mark.parametrize("url", ["https://staff.example.org", "https://staff.example.org/credits/"])
def test_behind_a_proxy_that_speaks_tls_cookies_are_secure_and_paths_have_the_prefix(
    service: RunningService, admin: Member, url: str
) -> None:
    prefix = "/credits" if url.endswith("/credits/") else ""
    with running_console(service, url=url) as console, console.browser() as browser:
        answer = browser.get(f"{prefix}/accounts", follows=False)
        assert answer.headers["location"] == f"{prefix}/sign-in?next={prefix.replace('/', '%2F')}%2Faccounts"
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        page = browser.get(f"{prefix}/sign-in")
        (cookie,) = page.headers.get_list("set-cookie")
        assert cookie.startswith("__Host-creditd-gate=")
        assert "; Secure" in cookie
        assert "Path=/;" in cookie
        assert all(path.startswith(f"{prefix}/") for path in re.findall(r'(?:action|src|href)="(/[^"]*)"', page.text))
        assert browser.get("/healthz").status_code == 200
        assert browser.get("/accounts" if prefix else "/credits/accounts").status_code == 404
    del admin


def test_a_cookie_of_another_console_s_key_or_name_opens_nothing(service: RunningService, signed_in: Browser) -> None:
    cookies = dict(signed_in.http.cookies)
    key = "k" * 32
    with running_console(service, cookie_key=key) as console, console.browser() as browser:
        browser.http.cookies.update(cookies)
        assert browser.get("/accounts").url.path == "/sign-in"
    signed_in.http.cookies.clear()
    signed_in.http.cookies.update(cookies | {"creditd-session": cookies["creditd-seen"]})
    assert signed_in.get("/accounts").url.path == "/sign-in"
    for broken in ("", "x", "=====", cookies["creditd-session"][:-2], "A" * 4_000):
        signed_in.http.cookies.clear()
        assert signed_in.get("/accounts", {"cookie": f"creditd-session={broken}"}).url.path == "/sign-in"


def test_consoles_with_one_key_answer_for_each_other(service: RunningService, admin: Member) -> None:
    key = "k" * 32
    with running_console(service, cookie_key=key) as first, first.browser() as browser:
        browser.signs_in(admin)
        cookies = dict(browser.http.cookies)
    with running_console(service, cookie_key=key) as second, second.browser() as browser:
        browser.http.cookies.update(cookies)
        assert browser.get("/accounts").url.path == "/accounts"


def test_what_others_have_written_is_what_they_have_published() -> None:
    rows = re.findall(r"\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|", (STATIC / "VENDORED.md").read_text())
    ours = {"console.css", "console.js"}
    assert {name for name, _ in rows} == {file.name for file in STATIC.glob("*.[cj]s*")} - ours
    for name, digest in rows:
        assert sha256((STATIC / name).read_bytes()).hexdigest() == digest


def test_static_files_are_those_that_there_are(signed_in: Browser) -> None:
    links = re.findall(r'(?:href|src)="(/static/[^"]+)"', signed_in.page.text)
    assert len(links) == 3
    for link in links:
        assert signed_in.get(link).status_code == 200
    assert sum(len(signed_in.get(link).content) for link in links) < 150_000
    for path in ("/static/x/console.css", "/static/x/..%2f..%2fsession.py", f"{links[0]}x", "/static/x/VENDORED.md"):
        assert signed_in.get(path).status_code == 404
