"""Adding credits: looked at before it is done, done once, and by whoever may."""

from uuid import uuid4

import pytest

from credit.v1.credit_service_pb2 import GetBalanceRequest, ListTransactionsRequest
from credit.v1.entry_pb2 import Entry
from tests.support.console import Browser, Member, Members, give


@pytest.fixture
def account() -> str:
    """Return an account that nobody has seen yet."""
    return f"acct_{uuid4().hex[:12]}"


@pytest.fixture
def form(signed_in: Browser, account: str) -> Browser:
    """Return a browser with the form for an account that has 10 chat."""
    give(signed_in.console.service, account, "a start", chat=10)
    signed_in.get(f"/accounts/{account}/credits/add")
    return signed_in


def entries(browser: Browser, account: str) -> list[Entry]:
    """Return what people at the console did to the account, newest first."""
    stubs = browser.console.service.as_caller("boss", "ADMIN").credit
    listed = stubs.ListTransactions(ListTransactionsRequest(account_id=account, page_size=100)).entries
    return [entry for entry in listed if entry.actor not in {"boss", "system"}]


def available(browser: Browser, account: str, credit_type: str) -> int:
    """Return what the account has."""
    request = GetBalanceRequest(account_id=account, credit_types=[credit_type])
    answer = browser.console.service.as_caller("boss", "ADMIN").credit.GetBalance(request)
    return int(answer.account_balance.wallets[0].balance.available)


FILLED = {"amount.THB": "12.50", "amount.chat": "1,500", "reason": "Ticket 7", "ticket": "7", "source": "promo"}


@pytest.mark.requirement("D1", "D6")
def test_what_is_added_was_shown_before_and_after_and_is_the_persons_own_act(
    form: Browser, admin: Member, account: str
) -> None:
    act = f"/accounts/{account}/credits/add"
    form.send(act, **FILLED)
    for shown in ("10", "+1,500", "1,510", "+12.50", "Add 12.50 THB and 1,500 chat"):
        assert shown in form.text, shown
    assert not entries(form, account)
    form.send(act, **FILLED, act="add")
    assert form.page.url.path == f"/accounts/{account}"
    assert "Added 12.50 THB and 1,500 chat" in form.text
    assert available(form, account, "chat") == 1_510
    assert available(form, account, "THB") == 1_250
    added = entries(form, account)
    assert {(entry.reason, entry.metadata["ticket"]) for entry in added} == {("Ticket 7", "7")}
    assert {entry.actor for entry in added} == {admin.person.log_in().user_id}
    form.get(f"/accounts/{account}")
    assert "Added 1,500" not in form.text


@pytest.mark.requirement("D6")
def test_a_form_that_is_sent_twice_acts_once(form: Browser, account: str) -> None:
    act = f"/accounts/{account}/credits/add"
    form.send(act, **FILLED)
    sent = form.hidden() | FILLED | {"act": "add"}
    for _ in range(3):
        form.post(act, sent)
        assert form.page.url.path == f"/accounts/{account}"
        assert "Added 12.50 THB and 1,500 chat" in form.text
    assert len(entries(form, account)) == 2
    form.get(act)
    assert form.hidden()["request_id"] != sent["request_id"]


def test_a_form_that_was_used_does_nothing_else(form: Browser, account: str) -> None:
    act = f"/accounts/{account}/credits/add"
    form.send(act, **FILLED)
    sent = form.hidden() | FILLED | {"act": "add"}
    form.post(act, sent)
    looked_at = sent["looked_at"].replace("THB=1250 ", "").replace("chat=1500", "chat=7")
    form.post(act, sent | {"amount.chat": "7", "amount.THB": "", "looked_at": looked_at})
    assert form.page.status_code == 409
    assert "used before, with other amounts" in form.text
    assert available(form, account, "chat") == 1_510


def test_what_was_not_looked_at_is_shown_and_not_done(form: Browser, account: str) -> None:
    """Somebody who types another amount and presses at once sees what that would do first."""
    act = f"/accounts/{account}/credits/add"
    form.send(act, **FILLED)
    form.send(act, **FILLED | {"amount.chat": "9,000"}, act="add")
    assert "Add 12.50 THB and 9,000 chat" in form.text
    assert not entries(form, account)


@pytest.mark.parametrize("changed", [{"source": "bought"}, {"expire_time": "2030-01-01T00:00:00Z"}])
def test_another_source_or_expiry_is_looked_at_anew(form: Browser, account: str, changed: dict[str, str]) -> None:
    """What is bought pays debt, and what staff give does not: the balance after it may be another one."""
    act = f"/accounts/{account}/credits/add"
    form.send(act, **FILLED)
    sent = form.hidden() | FILLED | {"act": "add"}
    form.post(act, sent | changed)
    assert "Add 12.50 THB and 1,500 chat" in form.text
    assert not entries(form, account)
    assert form.hidden()["looked_at"] != sent["looked_at"]


def test_a_fragment_shows_the_balance_while_one_types(form: Browser, account: str) -> None:
    token = form.hidden()
    form.post(f"/accounts/{account}/credits/add/preview", token | {"amount.chat": "5"}, {"hx-request": "true"})
    assert form.page.status_code == 200
    assert form.page.text.lstrip().startswith("<section")
    assert "15" in form.text
    form.post(f"/accounts/{account}/credits/add/preview", token | {"amount.chat": "five"})
    assert "Add " not in form.text
    assert not entries(form, account)


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"amount.chat": ""}, "at least one credit type"),
        ({"amount.chat": "1.5"}, "no decimals here"),
        ({"amount.THB": "1.505"}, "At most 2 decimals"),
        ({"amount.chat": "-5"}, "This is no amount"),
        ({"amount.chat": "5", "reason": ""}, "State a reason"),
        ({"amount.chat": "9223372036854775807"}, "Correlation id"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    form: Browser, account: str, fields: dict[str, str], shown: str
) -> None:
    filled = {"reason": "a <b>reason</b>", "ticket": "48311"} | fields
    form.send(f"/accounts/{account}/credits/add", **filled)
    assert shown in form.text
    assert 'value="48311"' in form.page.text
    assert not entries(form, account)
    assert "<b>reason" not in form.page.text


def test_it_expires_at_the_end_of_the_day_that_was_chosen(form: Browser, account: str) -> None:
    act = f"/accounts/{account}/credits/add"
    first = form.page.text.split('name="expire_time">')[1].split('<option value="')[2].partition('"')[0]
    assert first.endswith("T00:00:00Z")
    filled = FILLED | {"expire_time": first}
    form.send(act, **filled)
    form.send(act, **filled, act="add")
    stubs = form.console.service.as_caller("boss", "ADMIN").credit
    answer = stubs.GetBalance(GetBalanceRequest(account_id=account, credit_types=["THB"]))
    (grant,) = answer.account_balance.wallets[0].grants
    assert grant.expire_time.ToJsonString() == first


@pytest.mark.requirement("D5", "D6")
def test_a_super_administrator_shows_a_second_factor_again_and_loses_nothing_of_the_form(
    members: Members, form: Browser, account: str
) -> None:
    chief = members("SUPER_ADMIN")
    act = f"/accounts/{account}/credits/add"
    with form.console.browser() as browser:
        browser.signs_in(chief)
        browser.get(act)
        browser.send(act, **FILLED)
        # The token that told of the second factor ends, and is followed by one that does not.
        browser.console.service.clock.advance(1_000)
        browser.send(act, **FILLED, act="add")
        assert (browser.page.status_code, "Enter the code" in browser.text) == (401, True)
        browser.send("/sign-in/code", code=chief.phone.next_code())
        goes_on(browser, act)
    assert available(form, account, "chat") == 1_510


def goes_on(browser: Browser, act: str) -> None:
    """Send the form that was kept, find in it what was typed, and have it done."""
    assert "Go on where you were" in browser.text
    browser.send(act, act="preview")
    assert "Add 12.50 THB and 1,500 chat" in browser.text
    assert "Ticket 7</textarea>" in browser.page.text
    browser.send(act, **FILLED, act="add")
    assert "Added 12.50 THB and 1,500 chat" in browser.text


@pytest.mark.requirement("D6")
@pytest.mark.parametrize("seconds", [1_801, 43_201])
def test_a_session_that_ends_in_the_middle_of_a_form_loses_nothing_of_it(
    form: Browser, admin: Member, account: str, seconds: int
) -> None:
    act = f"/accounts/{account}/credits/add"
    form.send(act, **FILLED)
    request_id = form.hidden()["request_id"]
    form.console.service.clock.advance(seconds)
    form.send(act, **FILLED, act="add")
    assert (form.page.status_code, "Your session has ended" in form.text) == (401, True)
    assert not entries(form, account)
    form.send("/sign-in", email=admin.person.email, password="wrong horse")
    form.send("/sign-in", email=admin.person.email, password=admin.person.password)
    form.send("/sign-in/code", code="000000")
    form.send("/sign-in/code", code=admin.phone.next_code())
    assert form.hidden()["request_id"] == request_id
    goes_on(form, act)
    assert len(entries(form, account)) == 2


def test_forms_of_two_windows_outlive_their_session(form: Browser, admin: Member, account: str) -> None:
    act = f"/accounts/{account}/credits/add"
    sent = []
    for _ in range(2):
        form.get(act)
        form.send(act, **FILLED)
        sent.append(form.hidden() | FILLED | {"act": "add"})
    form.console.service.clock.advance(1_801)
    form.post(act, sent[0])
    sign_in = form.hidden() | {"email": admin.person.email, "password": admin.person.password}
    form.post(act, sent[1])
    assert (form.page.status_code, "nothing that you have typed is lost" in form.text) == (401, True)
    # The page of the first window is taken all the same, and what it carries is shown.
    form.post("/sign-in", sign_in)
    form.send("/sign-in/code", code=admin.phone.next_code())
    assert form.hidden()["request_id"] == sent[0]["request_id"]
    form.post(act, sent[1])
    assert (form.page.status_code, form.hidden()["request_id"]) == (409, sent[1]["request_id"])
    assert not entries(form, account)
    goes_on(form, act)


def test_a_code_that_comes_too_late_loses_nothing_of_a_form(form: Browser, admin: Member, account: str) -> None:
    act = f"/accounts/{account}/credits/add"
    form.send(act, **FILLED)
    form.console.service.clock.advance(1_801)
    form.send(act, **FILLED, act="add")
    for seconds in (601, 0):
        form.send("/sign-in", email=admin.person.email, password=admin.person.password)
        form.console.service.clock.advance(seconds)
        form.send("/sign-in/code", code=admin.phone.next_code())
    goes_on(form, act)


def test_a_fragment_that_comes_too_late_leaves_the_form_as_it_is(form: Browser, admin: Member, account: str) -> None:
    """While one types a script asks; the form that is sent afterwards is kept as if nobody had asked."""
    act = f"/accounts/{account}/credits/add"
    form.send(act, **FILLED)
    fields = form.hidden() | FILLED
    form.console.service.clock.advance(1_801)
    form.post(f"{act}/preview", fields, {"hx-request": "true"})
    assert (form.page.status_code, "what you have typed stays" in form.text) == (200, True)
    form.post(act, fields | {"act": "preview"})
    assert "Your session has ended" in form.text
    form.send("/sign-in", email=admin.person.email, password=admin.person.password)
    form.send("/sign-in/code", code=admin.phone.next_code())
    goes_on(form, act)


def test_what_another_site_makes_up_is_not_kept(form: Browser, account: str) -> None:
    form.http.cookies.clear()
    form.post(f"/accounts/{account}/credits/add", FILLED | {"act": "add", "form_token": "0" * 64})
    assert form.page.status_code == 400
    assert "Ticket 7" not in form.page.text
    form.get("/sign-in")
    form.send("/sign-in", email="a@example.org", password="x", kept_path="//evil.example", **{"kept.a": "b"})
    assert "evil" not in form.page.text
