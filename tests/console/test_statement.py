"""The statement of an account, of all its days or of some."""

from datetime import UTC, datetime, timedelta

import pytest

from creditd.console import limits
from tests.support.console import Browser, Members
from tests.support.service import RunningService


@pytest.mark.requirement("C3", "D6")
def test_a_statement_is_of_the_days_that_were_chosen(signed_in: Browser, service: RunningService, account: str) -> None:
    path = f"/accounts/{account}/statement"
    assert f'href="{path}"' in signed_in.get(f"/accounts/{account}").text
    assert f'formaction="{path}.csv"' in signed_in.get(path).text
    # The credits may have come just before midnight.
    today = datetime.fromtimestamp(service.seconds, UTC).date()
    yesterday = today - timedelta(days=1)
    assert "Ticket 1" in signed_in.get(f"{path}.csv?from={yesterday}&to={today}").text
    assert "Ticket 1" not in signed_in.get(f"{path}.csv?from=2020-01-01&to=2020-01-02").text
    assert signed_in.get(f"{path}.pdf?from={yesterday}").content.startswith(b"%PDF")


def test_a_statement_that_does_not_begin_is_given_up(
    signed_in: Browser, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "EXPORT_WAIT_SECONDS", 0.0)
    for end in ("csv", "pdf"):
        assert signed_in.get(f"/accounts/{account}/statement.{end}").status_code == 503
        assert "The service does not answer" in signed_in.text


def test_support_exports_no_statement(browser: Browser, members: Members, account: str) -> None:
    browser.signs_in(members("SUPPORT"))
    assert "/statement" not in browser.get(f"/accounts/{account}").text
    for end in ("", ".csv", ".pdf"):
        assert browser.get(f"/accounts/{account}/statement{end}").status_code == 403
