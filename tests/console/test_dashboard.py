"""The dashboard and the system's health: the service's sums, a chart that is exact, and what needs a person."""

import re
from uuid import uuid4

import pytest

from credit.v1.admin_service_pb2 import CreditAmount, RemoveCreditsRequest
from creditd.console import limits
from creditd.console.shapes.chart import ChartDay, chart_of
from creditd.console.visit import Visit
from tests.support.console import Browser, Members, give
from tests.support.service import RunningService


@pytest.mark.requirement("C5", "D6")
def test_the_dashboard_says_what_came_in_and_what_waits(signed_in: Browser, service: RunningService) -> None:
    give(service, f"acct_{uuid4().hex[:12]}", "gift", chat=7)
    signed_in.get("/?days=7&type=chat")
    for shown in ("Needs a person", "Credits", "Daily trend", "Top accounts", "by source", "System"):
        assert shown in signed_in.text, shown
    assert '<rect class="c-given"' in signed_in.page.text
    assert signed_in.get("/?days=90&type=THB").status_code == 200
    assert signed_in.get("/?days=x&type=%3Cscript%3E").status_code == 200
    assert "<script>" not in signed_in.page.text


def test_the_dashboard_says_since_when_the_oldest_waits_of_what_is_listed_in_whole(
    service: RunningService, signed_in: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    finance = service.as_caller(f"finn-{uuid4().hex[:8]}", "FINANCE")
    for chat in (1, 2):
        account_id = f"acct_{uuid4().hex[:12]}"
        give(service, account_id, "gift", chat=9)
        amounts = [CreditAmount(credit_type="chat", amount=chat)]
        finance.admin.RemoveCredits(
            RemoveCreditsRequest(account_id=account_id, amounts=amounts, reason="wrong", request_id=uuid4().hex)
        )
    signed_in.get("/")
    assert re.search(r"approvals wait The oldest: \d+ \w+ \d\d:\d\d (just now|\d+ (min|h|d) ago)", signed_in.text)
    monkeypatch.setattr(limits, "MOST_WAITING", 1)
    signed_in.get("/")
    assert re.search("More than 1 approvals wait(?! The oldest)", signed_in.text)


def test_a_dashboard_that_asks_by_itself_adds_no_usage_up(signed_in: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes what waits for a person, and drops the rest."""
    ask = Visit.ask
    asked: list[str] = []

    async def noted(visit: Visit, method: object, message: object) -> object:
        asked.append(type(message).__name__)
        return await ask(visit, method, message)

    monkeypatch.setattr(Visit, "ask", noted)
    signed_in.get("/", {"x-by-itself": "1"})
    assert ('id="live-need"' in signed_in.page.text, "ListPaymentEventsRequest" in asked) == (True, True)
    assert not {"GetUsageAnalyticsRequest", "GetSystemStatusRequest"} & set(asked)
    signed_in.get("/")
    assert asked.count("GetUsageAnalyticsRequest") == 3


def test_who_reads_accounts_alone_has_a_dashboard_without_sums(browser: Browser, members: Members) -> None:
    browser.signs_in(members("SUPPORT"))
    assert browser.get("/").status_code == 200
    assert ("Needs a person" in browser.text, "System" in browser.text) == (True, True)
    assert "Daily trend" not in browser.text
    # Of the system it is told what a customer notices.
    assert browser.get("/health").status_code == 200
    assert "wait for a thread" not in browser.text
    assert "/health/verify" not in browser.page.text


@pytest.mark.requirement("I4")
def test_health_has_each_figure_with_the_value_from_which_to_worry(signed_in: Browser) -> None:
    signed_in.get("/health")
    assert signed_in.page.status_code == 200
    for shown in ("Expired holds, seconds behind", "Worry from", "Database", "ready", "wait for a thread: lookups"):
        assert shown in signed_in.text, shown
    # Each has words; one of a newer service would have its own name.
    assert "_total" not in signed_in.text
    assert 'data-again="10"' in signed_in.page.text


def test_a_chart_is_exact_at_any_size() -> None:
    days = [
        ChartDay("1", (10, 5), (3, 0, 1)),
        ChartDay("2", (0, 0), (2**63 - 1, 0, 0)),
        ChartDay("3", (0, 0), (0, 0, 0)),
    ]
    chart = chart_of(days, (("bought", "given"), ("used", "lapsed", "claw")), 2, "en")
    places = [(float(bar.y[:-1]), float(bar.height[:-1])) for bar in chart.bars]
    assert all(y >= 0 and y + height <= 94 for y, height in places)
    assert len(chart.lines) <= 6
    assert [line.is_zero for line in chart.lines].count(True) == 1
    assert chart_of([ChartDay("1", (0, 0), (0, 0, 0))], (("a", "b"), ("c", "d", "e")), 0, "en").bars == []
