"""Signing in at an outside issuer: by a code that only this browser can use, and as far as the service believes it."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.support.console import Browser, RunningConsole, running_console
from tests.support.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdPeople, openid_people
from tests.support.outside_issuer import write_issuers
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("D6")


@pytest.fixture(scope="module")
def people() -> Iterator[OpenIdPeople]:
    """Run an issuer."""
    with openid_people() as running:
        yield running


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory, people: OpenIdPeople) -> Iterator[RunningService]:
    """Run a service that believes it."""
    folder = tmp_path_factory.mktemp("issuers")
    roles = {"clerk": "SUPPORT", "buyer": "USER", "chief": "SUPER_ADMIN"}
    entry = people.issuer.entry(claims={"roles": "realm.roles"}, roles=roles)
    with running_service(folder, issuers_file=str(write_issuers(folder, entry))) as service:
        yield service


@pytest.fixture(scope="module")
def led(trusting: RunningService, people: OpenIdPeople) -> Iterator[RunningConsole]:
    """Run a console that leads there."""
    client: dict[str, Any] = {"sso_client_id": CLIENT_ID, "sso_client_secret": CLIENT_SECRET}
    people.clock = lambda: trusting.seconds
    with running_console(trusting, sso_issuer=people.url, **client) as console:
        yield console


@pytest.fixture
def mia(led: RunningConsole, people: OpenIdPeople) -> Iterator[Browser]:
    """Give a browser, and an issuer that works."""
    people.roles, people.seconds = ["clerk"], 300
    people.spoils.clear()
    with led.browser() as browser:
        yield browser


def test_staff_come_in_by_their_organisation_and_go_where_they_wanted(mia: Browser, people: OpenIdPeople) -> None:
    mia.get("/accounts?state=active")
    assert "Sign in with your organisation" in mia.text
    mia.get("/sign-in/organisation?next=/accounts%3Fstate%3Dactive")
    assert (mia.page.url.path, mia.page.url.query) == ("/accounts", b"state=active")
    assert "mia@example.org" in mia.text
    begun = next(asked for asked in reversed(people.asked) if "code_challenge" in asked)
    assert (begun["code_challenge_method"], begun["response_type"], begun["scope"]) == ("S256", "code", "openid email")
    seen = "".join(f"{answer.text}{answer.headers}" for answer in mia.answers)
    assert "eyJ" not in seen
    written = [cookie for answer in mia.answers for cookie in answer.headers.get_list("set-cookie")]
    assert all("SameSite=strict" in cookie for cookie in written if "-session=" in cookie)


def test_a_token_is_renewed_there_and_a_session_that_it_has_ended_is_over(mia: Browser, people: OpenIdPeople) -> None:
    people.seconds = 20
    mia.get("/sign-in/organisation")
    # Less is left than a page may take: each page renews it.
    assert mia.get("/accounts").status_code == 200
    assert people.asked[-1]["grant_type"] == "refresh_token"
    people.end_sessions()
    assert mia.get("/accounts").status_code == 401
    assert "Your session has ended" in mia.text


def test_who_is_no_staff_stays_out_and_so_does_whom_the_service_does_not_believe(
    mia: Browser, people: OpenIdPeople
) -> None:
    people.roles = ["buyer"]
    assert mia.get("/sign-in/organisation").status_code == 403
    assert mia.get("/accounts").url.path == "/sign-in"
    people.roles, kept = ["clerk"], people.issuer.kid
    people.issuer.kid = "unknown"
    assert mia.get("/sign-in/organisation").status_code == 422
    people.issuer.kid = kept
    assert mia.get("/accounts").url.path == "/sign-in"


def test_a_code_counts_for_the_browser_that_was_sent_there_alone(
    mia: Browser, led: RunningConsole, people: OpenIdPeople
) -> None:
    mia.get("/sign-in/organisation", follows=False)
    away = {name: values[0] for name, values in parse_qs(urlsplit(mia.page.headers["location"]).query).items()}
    back = urlsplit(people.signed_in(away))
    with led.browser() as stranger:
        assert stranger.get(f"{back.path}?{back.query}").status_code == 422
    assert mia.get(f"{back.path}?{back.query.replace('state=', 'state=x')}").status_code == 422
    # The secret of this browser was for one answer.
    assert mia.get(f"{back.path}?{back.query}").status_code == 422
    assert "has not signed you in" in mia.text


@pytest.mark.parametrize(
    ("spoils", "status"),
    [
        ({"id_token": {"nonce": "another"}}, 422),
        ({"id_token": {"aud": "another"}}, 422),
        ({"id_token": {"iss": "https://another.example"}}, 422),
        ({"document": {"issuer": "https://another.example"}}, 503),
        ({"document": {"token_endpoint": "http://another.example/token"}}, 503),
    ],
)
def test_what_is_of_another_sign_in_or_issuer_is_not_taken(
    trusting: RunningService, people: OpenIdPeople, spoils: dict[str, Any], status: int
) -> None:
    people.spoils |= spoils
    client: dict[str, Any] = {"sso_client_id": CLIENT_ID, "sso_client_secret": CLIENT_SECRET}
    try:
        with running_console(trusting, sso_issuer=people.url, **client) as console, console.browser() as browser:
            assert browser.get("/sign-in/organisation").status_code == status
            assert browser.get("/accounts").url.path == "/sign-in"
    finally:
        people.spoils.clear()


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example", "/\\evil.example", "/acc\nounts", "/ä"])
def test_nobody_is_led_elsewhere_by_it(mia: Browser, path: str) -> None:
    mia.get(f"/sign-in/organisation?{urlencode({'next': path})}")
    assert mia.page.url.path == "/"


def goes_on(browser: Browser) -> None:
    """Go on from the page of ours that leads to the issuer, as a browser does by itself."""
    (there,) = re.findall(r'http-equiv="refresh" content="0;url=([^"]+)"', browser.page.text)
    browser.get(unescape(there))


GRANT = {"subject": "ann", "role": "support", "hours": "24", "reason": "She is back on Monday."}


def test_a_session_that_ends_in_the_middle_of_a_form_loses_nothing_of_it(mia: Browser, people: OpenIdPeople) -> None:
    people.roles = ["chief"]
    mia.get("/sign-in/organisation?again=1")
    mia.get("/roles/grant")
    fields = mia.hidden() | GRANT
    mia.console.service.clock.advance(1_801)
    mia.post("/roles/grant", fields | {"act": "grant_role"})
    assert (mia.page.status_code, "Your session has ended" in mia.text) == (401, True)
    mia.send("/sign-in/organisation")
    goes_on(mia)
    assert "Go on where you were" in mia.text
    mia.send("/roles/grant", act="preview")
    assert "She is back on Monday." in mia.page.text


def test_what_needs_a_second_factor_leads_there_again_and_goes_on_where_it_was(
    mia: Browser, people: OpenIdPeople
) -> None:
    people.roles = ["chief"]
    mia.get("/sign-in/organisation?again=1")
    mia.get("/roles/grant")
    # The token that is renewed by then says nothing of a second factor.
    mia.console.service.clock.advance(people.seconds)
    mia.send("/roles/grant", **GRANT, act="grant_role")
    assert (mia.page.status_code, "fresh second factor" in mia.text) == (401, True)
    mia.send("/sign-in/organisation")
    goes_on(mia)
    assert people.asked[-2]["prompt"] == "login"
    mia.send("/roles/grant", act="preview")
    mia.send("/roles/grant", **GRANT, act="grant_role")
    assert mia.page.url.path == "/roles"


def test_what_is_too_long_to_go_there_stays_in_the_form_for_the_password(mia: Browser) -> None:
    mia.get("/sign-in")
    mia.send("/sign-in/organisation", kept_path="/roles/grant", **{"kept.reason": "x" * 4_000})
    assert (mia.page.status_code, "too long" in mia.text) == (422, True)
    assert mia.hidden()["kept.reason"] == "x" * 4_000


def test_what_another_site_makes_up_does_not_go_along(mia: Browser) -> None:
    mia.get("/sign-in")
    mia.send("/sign-in/organisation", kept_path="//evil.example", **{"kept.a": "b"})
    goes_on(mia)
    assert mia.page.url.path == "/"
    assert mia.post("/sign-in/organisation", {"kept_path": "/roles/grant", "kept.a": "b"}).status_code == 400


def test_without_an_issuer_there_is_no_such_page(browser: Browser) -> None:
    assert browser.get("/sign-in/organisation").status_code == 404
    assert "organisation" not in browser.get("/sign-in").text


def test_signing_out_forgets_the_session_here(mia: Browser) -> None:
    mia.get("/sign-in/organisation")
    mia.send("/sign-out")
    assert mia.get("/accounts").url.path == "/sign-in"
