"""The account page and the search, as somebody on the telephone uses them."""

from html import unescape
from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import credit_service_pb2 as credit
from credit.v1.admin_service_pb2 import AddCreditsRequest, CreditAmount
from credit.v1.source_pb2 import Source
from creditd.console.reader import reader_of
from creditd.console.settings import PublicUrl
from creditd.console.wire.cookies import CookieJar
from tests.support.console import Browser, Member, Members, give
from tests.support.promos import making

HOSTILE = ["<script>alert(1)</script>", "\u202egnp.exe", "'\"><img src=x onerror=alert(1)>", "{{7*7}}", "x" * 480]


@pytest.mark.requirement("D6")
def test_an_account_is_found_by_its_id_and_shows_what_it_has_and_what_moved_it(
    signed_in: Browser, staff: SimpleNamespace, account: str
) -> None:
    reserving = credit.ReserveRequest(
        account_id=account, credit_type="chat", amount=40, reason="Summarise 3 files", request_id=uuid4().hex
    )
    staff.credit.Reserve(reserving)
    signed_in.get(f"/accounts?q={account}")
    assert signed_in.page.url.path == f"/accounts/{account}"
    for shown in (
        "Active",
        "Standard plan",
        "1,460",
        "12.50",
        "Summarise 3 files",
        "Reserved",
        "Added by staff",
        "boss",
    ):
        assert shown in signed_in.text, shown
    assert "+12.50 THB" in signed_in.text


def test_the_ledger_is_filtered_and_paged_by_the_url(signed_in: Browser, account: str) -> None:
    for number in range(25):
        give(signed_in.console.service, account, f"Gift {number:02}", chat=1)
    signed_in.get(f"/accounts/{account}?show=staff&type=chat")
    assert [f"Gift {number:02}" in signed_in.text for number in (24, 5, 4)] == [True, True, False]
    (older,) = [link for link in links(signed_in.page) if "page=" in link]
    assert "show=staff" in older
    assert "type=chat" in older
    signed_in.get(older)
    assert [f"Gift {number:02}" in signed_in.text for number in (5, 4)] == [False, True]
    assert "Ticket 1" in signed_in.text
    signed_in.get(f"/accounts/{account}?show=out")
    assert "No movement matches" in signed_in.text
    signed_in.get(f"/accounts/{account}?page=forged")
    assert signed_in.page.status_code == 200
    assert "The movements could not be read" in signed_in.text
    assert "1,525" in signed_in.text


def links(page: httpx.Response) -> list[str]:
    """Return where the links of a page lead, within it left out."""
    return [part.partition('"')[0].partition("#")[0].replace("&amp;", "&") for part in page.text.split('href="')[1:]]


def test_who_may_not_add_is_not_offered_it_and_is_refused_all_the_same(
    browser: Browser, members: Members, account: str
) -> None:
    browser.signs_in(members("SUPPORT"))
    browser.get(f"/accounts/{account}")
    assert "Add credits" not in browser.text
    token = browser.hidden()["form_token"]
    fields = {"form_token": token, "amount.chat": "5", "reason": "x", "request_id": "r"}
    fields |= {"looked_at": f"chat=5 source={int(Source.SOURCE_ADMIN)}"}
    browser.post(f"/accounts/{account}/credits/add", fields | {"act": "add"})
    assert browser.page.status_code == 403
    assert "1,500" in browser.get(f"/accounts/{account}").text


def test_what_others_have_written_is_text(signed_in: Browser, account: str) -> None:
    for text in HOSTILE:
        give(signed_in.console.service, account, text, chat=1)
    signed_in.get(f"/accounts/{account}")
    assert signed_in.page.status_code == 200
    for text in HOSTILE:
        assert text in unescape(signed_in.page.text)
    assert "<script>alert" not in signed_in.page.text
    assert "<img" not in signed_in.page.text


def test_credits_that_never_lapse_are_shown_by_any_clock(
    signed_in: Browser, staff: SimpleNamespace, account: str
) -> None:
    """East of UTC the calendar ends before the last hours of the year 9999 do."""
    amounts = [CreditAmount(credit_type="chat", amount=7)]
    request = AddCreditsRequest(account_id=account, amounts=amounts, request_id=uuid4().hex, reason="for good")
    request.expire_time.FromJsonString("9999-12-31T23:00:00Z")
    staff.admin.AddCredits(request)
    signed_in.http.cookies.set("creditd-zone", "Asia/Bangkok")
    assert signed_in.get(f"/accounts/{account}").status_code == 200
    assert "31 Dec 9999" in signed_in.text


@pytest.mark.parametrize(
    ("zone", "moment", "shown"),
    [
        ("Asia/Bangkok", "9999-12-31T23:59:59Z", ">31 Dec 9999 23:59<"),
        ("Asia/Bangkok", "9999-12-31T12:00:00Z", ">31 Dec 9999 19:00<"),
        ("America/New_York", "0001-01-01T00:00:00Z", ">1 Jan 1 00:00<"),
    ],
)
def test_a_time_at_an_end_of_the_calendar_is_shown_all_the_same(zone: str, moment: str, shown: str) -> None:
    reader = reader_of(CookieJar("", PublicUrl("", is_encrypted=False)), {"creditd-zone": zone}, "en")
    timestamp = Timestamp()
    timestamp.FromJsonString(moment)
    assert shown in reader.instant(timestamp, 1_800_000_000.0)


def test_what_is_known_within_an_account_alone_is_found_there(
    signed_in: Browser, staff: SimpleNamespace, account: str
) -> None:
    request_id = uuid4().hex
    hold = staff.credit.Reserve(
        credit.ReserveRequest(account_id=account, credit_type="chat", amount=40, request_id=request_id)
    ).reservation
    signed_in.get(f"/accounts?q={request_id}")
    assert "Nothing belongs to" in signed_in.text
    signed_in.get(f"/accounts?q={request_id}&account={account}")
    for shown in ("Within", "Movement", "Hold", "by the request id", hold.name.rpartition("/")[2]):
        assert shown in signed_in.text, shown
    assert signed_in.get(f"/accounts?q={hold.name.rpartition('/')[2]}&account={account}").url.path == f"/{hold.name}"


def test_what_support_may_not_open_leads_to_its_account(
    browser: Browser, members: Members, staff: SimpleNamespace
) -> None:
    code = f"MAY{uuid4().hex[:6].upper()}"
    staff.promo.CreatePromoCode(making(code))
    browser.signs_in(members("SUPPORT"))
    browser.get(f"/accounts?q={code}")
    assert "Promo code" in browser.text
    assert "/promo-codes/" not in browser.page.text


def test_what_was_done_in_one_call_is_found_by_its_correlation_id(
    signed_in: Browser, staff: SimpleNamespace, account: str
) -> None:
    mark = f"ticket-{uuid4().hex[:8]}"
    spending = credit.DeductRequest(account_id=account, credit_type="chat", amount=4, request_id=uuid4().hex)
    staff.credit.Deduct(spending, metadata=[("x-correlation-id", mark)])
    signed_in.get(f"/accounts?q={mark}")
    assert account in signed_in.text
    signed_in.get(f"/accounts/{account}")
    (entry,) = [link for link in links(signed_in.page) if "/wallets/chat/entries/2" in link]
    assert mark in signed_in.get(entry).text
    assert f'href="/accounts?q={mark}"' in signed_in.page.text


def test_whatever_is_searched_for_has_a_page(signed_in: Browser) -> None:
    for text in [*HOSTILE, "acct_nobody", "\0", "%00", "../../etc/passwd", "\u05d0"]:
        signed_in.get(str(httpx.URL("/accounts", params={"q": text})))
        assert signed_in.page.status_code == 200, text
        assert "<script>alert" not in signed_in.page.text, text
        assert "<img" not in signed_in.page.text, text


@pytest.mark.parametrize("path", ["/accounts/acct_nobody", "/accounts/%3Cscript%3E", "/nowhere", "/accounts/a/b"])
def test_what_is_not_there_says_so(signed_in: Browser, path: str) -> None:
    signed_in.get(path)
    assert signed_in.page.status_code == 404
    assert "Correlation id console-" in signed_in.text
    assert "<script>" not in signed_in.page.text


def test_a_language_is_chosen_and_kept(signed_in: Browser, account: str) -> None:
    for language, word in (("he", "יתרות"), ("th", "ยอดคงเหลือ"), ("vi", "Số dư"), ("en", "Balances")):
        signed_in.get(f"/accounts/{account}?show=staff&language={language}&theme=dark")
        assert signed_in.page.url.raw_path.decode() == f"/accounts/{account}?show=staff"
        direction = "rtl" if language == "he" else "ltr"
        assert f'<html lang="{language}" dir="{direction}" data-theme="dark"' in signed_in.page.text
        assert word in signed_in.text, language
    assert word in signed_in.get(f"/accounts/{account}").text


def test_times_go_by_the_zone_of_the_reader(signed_in: Browser, account: str) -> None:
    for zone, shown in (("Asia/Bangkok", "Asia/Bangkok"), ("../etc", "UTC"), ("No/Where", "UTC"), ("Asia", "UTC")):
        signed_in.http.cookies.set("creditd-zone", zone)
        signed_in.get(f"/accounts/{account}")
        assert f"Times in {shown}" in signed_in.text


def test_an_administrator_has_nothing_of_the_console_in_a_page_that_is_secret(admin: Member, browser: Browser) -> None:
    """No token is in a page, a URL, or a cookie as it is."""
    browser.signs_in(admin)
    seen = "".join(f"{answer.url}{answer.text}{answer.headers}" for answer in browser.answers)
    assert "eyJ" not in seen
    assert admin.person.password not in seen
