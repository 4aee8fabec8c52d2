"""What somebody changes of their own sign-in."""

import re

import pytest

from tests.support.console import Browser, Members, RunningConsole

NEW = "a stable for batteries"


def changing(current: str, new: str = NEW, again: str = "") -> dict[str, str]:
    """Return what is typed to change a password."""
    return {"current_password": current, "new_password": new, "again": again or new}


@pytest.mark.requirement("D6", "G3")
def test_a_password_is_changed_and_all_other_sessions_end(
    console: RunningConsole, browser: Browser, members: Members
) -> None:
    support = members("SUPPORT")
    browser.signs_in(support)
    with console.browser() as other:
        other.signs_in(support)
        browser.get("/sign-in/password")
        for typed, told in (
            (changing("wrong horse"), "This is not your password"),
            (changing(support.person.password, again="another one"), "The two are not the same"),
            (changing(support.person.password, "password123"), "cannot be used"),
            (changing(support.person.password, ""), "This is needed"),
        ):
            assert browser.send("/sign-in/password", **typed).status_code == 422
            assert told in browser.text
        browser.send("/sign-in/password", **changing(support.person.password))
        assert (browser.page.url.path, "was changed" in browser.text) == ("/", True)
        console.service.clock.advance(1_000)
        assert browser.get("/accounts").url.path == "/accounts"
        assert other.get("/accounts").status_code == 401
    assert not [answer for answer in browser.answers if NEW in answer.text or support.person.password in answer.text]
    support.person.password = NEW
    with console.browser() as anew:
        assert anew.signs_in(support).url.path == "/accounts"


def test_new_recovery_codes_take_the_place_of_those_before(
    console: RunningConsole, browser: Browser, members: Members
) -> None:
    support = members("SUPPORT")
    browser.signs_in(support)
    assert "/sign-in/recovery-codes" in browser.page.text
    browser.get("/sign-in/recovery-codes")
    assert browser.send("/sign-in/recovery-codes", code="000000").status_code == 422
    browser.send("/sign-in/recovery-codes", code=support.phone.next_code())
    codes = re.findall(r'<li><bdi class="id wrap">([^<]+)</bdi>', browser.page.text)
    assert len(codes) == 10
    for code, status in ((support.recovery_codes[0], 422), (codes[0], 200)):
        with console.browser() as other:
            other.shows_password(support)
            assert other.send("/sign-in/code", code=code).status_code == status


def test_a_password_that_comes_too_late_is_in_no_page(browser: Browser, members: Members) -> None:
    support = members("SUPPORT")
    browser.signs_in(support)
    browser.get("/sign-in/password")
    browser.console.service.clock.advance(3_600)
    browser.send("/sign-in/password", **changing(support.person.password))
    assert browser.page.status_code == 401
    assert NEW not in browser.page.text
    assert support.person.password not in browser.page.text


def test_nobody_changes_anything_who_has_not_shown_both_factors(browser: Browser, members: Members) -> None:
    support = members("SUPPORT")
    browser.shows_password(support)
    for path in ("/sign-in/password", "/sign-in/recovery-codes"):
        assert browser.get(path).url.path == "/sign-in/code"
