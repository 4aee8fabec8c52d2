"""Signing in at an outside issuer: by a code that only this browser can use, and as far as the service believes it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

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
    people._refresh_tokens.clear()
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


def test_nobody_is_led_elsewhere_by_it(mia: Browser) -> None:
    mia.get("/sign-in/organisation?next=https://evil.example/")
    assert mia.page.url.path == "/"


def test_without_an_issuer_there_is_no_such_page(browser: Browser) -> None:
    assert browser.get("/sign-in/organisation").status_code == 404
    assert "organisation" not in browser.get("/sign-in").text


def test_signing_out_forgets_the_session_here(mia: Browser) -> None:
    mia.get("/sign-in/organisation")
    mia.send("/sign-out")
    assert mia.get("/accounts").url.path == "/sign-in"
