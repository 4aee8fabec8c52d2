"""Who gets in, and how that ends."""

import re
from uuid import uuid4

import httpx
import pytest

from creditd.console import limits
from tests.support.console import Browser, Member, Members, RunningConsole, running_console
from tests.support.office import Office
from tests.support.person import Person, Phone
from tests.support.service import RunningService


@pytest.mark.requirement("D6")
def test_a_password_and_a_code_let_staff_in_and_lead_to_the_page_that_was_asked_for(
    browser: Browser, members: Members
) -> None:
    support = members("SUPPORT")
    assert browser.get("/accounts?q=ann").url.path == "/sign-in"
    browser.signs_in(support, "/accounts?q=ann")
    assert (browser.page.status_code, browser.page.url.raw_path) == (200, b"/accounts?q=ann")
    assert support.person.email in browser.text
    assert "Support" in browser.text


def test_a_recovery_code_lets_in_once(console: RunningConsole, members: Members) -> None:
    support = members("SUPPORT")
    for status in (200, 422):
        with console.browser() as browser:
            browser.shows_password(support)
            assert browser.send("/sign-in/code", code=support.recovery_codes[0]).status_code == status


def test_whoever_has_no_authenticator_sets_one_up_and_gets_in(browser: Browser, service: RunningService) -> None:
    service.clock.advance(3_600)
    person = Person(service, f"{uuid4().hex}@example.org")
    person.register()
    Office(service).grant(person.log_in().user_id, "SUPPORT")
    browser.shows_password(Member(person, Phone(person, "A" * 32), []))
    browser.send("/sign-in/code", code="123456")
    assert "not set up an authenticator" in browser.text
    browser.get("/sign-in/authenticator")
    assert browser.send("/sign-in/authenticator", password="wrong horse").status_code == 422
    browser.send("/sign-in/authenticator", password=person.password)
    (secret,) = re.findall(r'<bdi class="id wrap">([A-Z2-7]{16,})</bdi>', browser.page.text)
    assert re.search(r'<svg [^>]+><path fill="#fff" [^>]+/><path stroke="#000" [^>]+/></svg>', browser.page.text)
    phone = Phone(person, secret)
    assert browser.send("/sign-in/authenticator/confirm", code="000000").status_code == 422
    browser.send("/sign-in/authenticator/confirm", code=phone.code())
    assert "Keep these codes" in browser.text
    assert len(re.findall(r'<li><bdi class="id wrap">', browser.page.text)) == 10
    browser.get("/sign-in/code")
    assert browser.send("/sign-in/code", code=phone.next_code()).url.path == "/"


def test_a_password_alone_opens_nothing(browser: Browser, admin: Member) -> None:
    browser.shows_password(admin)
    assert browser.page.url.path == "/sign-in/code"
    assert browser.get("/accounts/ann").url.path == "/sign-in/code"
    assert browser.send("/accounts/ann/credits/add", act="add").url.path == "/sign-in/code"
    assert browser.send("/sign-in/code", code="000000").status_code == 422
    assert "not valid" in browser.text


def test_a_wrong_password_and_an_unknown_email_have_the_same_page(browser: Browser, admin: Member) -> None:
    pages = []
    for email, password in ((admin.person.email, "wrong horse"), ("nobody@example.org", "wrong horse"), ("a", "b")):
        browser.get("/sign-in")
        browser.send("/sign-in", email=email, password=password)
        pages.append((browser.page.status_code, browser.text))
    assert {status for status, _ in pages} == {422}
    assert pages[0] == pages[1] == pages[2]
    assert "wrong horse" not in browser.page.text


def test_who_tries_too_often_waits_and_others_do_not_wait_with_them(
    service: RunningService, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ATTEMPTS_PER_MINUTE", 1)
    members()
    with running_console(service) as console, console.browser() as browser:
        for _ in range(2):
            browser.get("/sign-in")
            browser.send("/sign-in", email="nobody@example.org", password="wrong horse")
            assert "do not match" in browser.text
        browser.send("/sign-in", email="nobody@example.org", password="wrong horse")
        assert "too many attempts" in browser.text


@pytest.mark.requirement("D3", "D6")
def test_a_users_token_opens_nothing(browser: Browser, members: Members) -> None:
    user = members()
    browser.signs_in(user)
    assert browser.page.status_code == 403
    assert "Nothing is open to you here" in browser.text
    assert not [name for name in browser.http.cookies if "session" in name]
    assert browser.get("/accounts/ann").url.path == "/sign-in"


def test_who_loses_their_roles_sees_nothing_from_the_next_page_on(browser: Browser, members: Members) -> None:
    support = members("SUPPORT")
    browser.signs_in(support)
    Office(browser.console.service).revoke(support.person.log_in().user_id, "SUPPORT")
    for _ in range(2):
        assert browser.get("/accounts?q=ann").status_code == 403
        assert "Nothing is open to you here" in browser.text
    assert browser.send("/sign-out").url.path == "/sign-in"


def test_a_session_ends_when_it_is_idle_and_lives_on_while_it_is_used(browser: Browser, members: Members) -> None:
    clock = browser.console.service.clock
    browser.signs_in(members("SUPPORT"))
    for _ in range(3):
        clock.advance(1_700)
        assert browser.get("/accounts").url.path == "/accounts"
    clock.advance(1_801)
    assert browser.get("/accounts").url.path == "/sign-in"


def test_a_session_ends_so_long_after_the_sign_in_however_it_is_used(service: RunningService, members: Members) -> None:
    support = members("SUPPORT")
    with running_console(service, idle_seconds=3_000, session_seconds=4_000) as console, console.browser() as browser:
        browser.signs_in(support)
        service.clock.advance(2_500)
        assert browser.get("/accounts").url.path == "/accounts"
        service.clock.advance(1_600)
        assert browser.get("/accounts").url.path == "/sign-in"


def test_tokens_are_renewed_by_many_pages_at_once_and_the_session_goes_on(browser: Browser, members: Members) -> None:
    """Each refresh token counts once: pages that are asked for at once, by the same cookie, have to use it as one."""
    browser.signs_in(members("SUPPORT"))
    browser.console.service.clock.advance(1_000)
    cookies = dict(browser.http.cookies)
    answers = [
        httpx.get(f"http://{browser.console.address}/accounts", cookies=cookies, trust_env=False) for _ in range(4)
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert "creditd-session" in answer.cookies
    browser.http.cookies.update(answers[-1].cookies)
    browser.console.service.clock.advance(1_000)
    assert browser.get("/accounts").url.path == "/accounts"


def test_who_signs_out_is_out_and_so_is_whoever_has_a_copy_of_the_cookie(browser: Browser, members: Members) -> None:
    browser.signs_in(members("SUPPORT"))
    copied = dict(browser.http.cookies)
    browser.send("/sign-out")
    assert browser.page.url.path == "/sign-in"
    assert browser.get("/accounts").url.path == "/sign-in"
    # The access token lives on to its end; nothing renews it.
    browser.console.service.clock.advance(1_000)
    answer = httpx.get(f"http://{browser.console.address}/accounts", cookies=copied, trust_env=False)
    assert answer.status_code == 401
    assert "Your session has ended" in answer.text


def test_signing_out_ends_the_session_also_when_its_access_token_is_over(browser: Browser, members: Members) -> None:
    browser.signs_in(members("SUPPORT"))
    browser.get("/accounts")
    fields = browser.hidden()
    browser.console.service.clock.advance(1_000)
    assert browser.post("/sign-out", fields).url.path == "/sign-in"
    assert not [name for name in browser.http.cookies if "session" in name]


def test_signing_out_everywhere_ends_the_sessions_of_other_browsers(
    console: RunningConsole, browser: Browser, members: Members
) -> None:
    support = members("SUPPORT")
    browser.signs_in(support)
    with console.browser() as other:
        other.signs_in(support)
        other.send("/sign-out/everywhere")
    console.service.clock.advance(1_000)
    assert browser.get("/accounts").status_code == 401


def test_nobody_is_led_elsewhere_after_the_sign_in(browser: Browser, members: Members) -> None:
    support = members("SUPPORT")
    for path in ("//evil.example", "/\\evil.example", "https://evil.example", "/x\ty", "javascript:1"):
        browser.http.cookies.clear()
        browser.get("/sign-in")
        browser.send("/sign-in", email=support.person.email, password=support.person.password, next=path)
        sent = browser.hidden() | {"code": support.phone.next_code(), "next": path}
        browser.post("/sign-in/code", sent, follows=False)
        assert browser.page.headers["location"] == "/", path


def test_a_link_from_another_site_opens_by_itself(signed_in: Browser) -> None:
    """A browser holds strict cookies back where another site leads here; the page then asks again, from here."""
    strict = dict(signed_in.http.cookies)
    signed_in.http.cookies.clear()
    arrived = signed_in.get("/accounts?q=x", {"sec-fetch-site": "cross-site"})
    assert arrived.status_code == 200
    assert '<meta http-equiv="refresh" content="0;url=/accounts?q=x">' in arrived.text
    signed_in.http.cookies.update(strict)
    assert signed_in.get("/accounts?q=x", {"sec-fetch-site": "same-origin"}).url.path == "/accounts"
