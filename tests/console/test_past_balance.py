"""Balances of the past, and the seal that proves it."""

from datetime import UTC, datetime

import pytest

from tests.support.console import Browser, give
from tests.support.service import RunningService


@pytest.mark.requirement("D6")
def test_a_balance_is_shown_as_it_was_at_an_instant(signed_in: Browser, service: RunningService, account: str) -> None:
    service.clock.advance(2)
    before = datetime.fromtimestamp(service.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    service.clock.advance(2)
    give(service, account, "later", chat=7)
    path = f"/accounts/{account}/past-balance"
    assert f'href="{path}"' in signed_in.get(f"/accounts/{account}").text
    assert "1,507" in signed_in.text
    signed_in.get(f"{path}?at={before}")
    assert ("1,500" in signed_in.text, "1,507" in signed_in.text) == (True, False)
    assert signed_in.get(f"{path}?at=1999-01-01T00:00:00").status_code == 200
    assert "Nothing had moved by then" in signed_in.text


@pytest.mark.parametrize(("at", "status"), [("", 200), ("%3Cscript%3E", 200), ("2999-01-01T00:00:00", 400)])
def test_what_is_no_instant_of_the_past_is_said(signed_in: Browser, account: str, at: str, status: int) -> None:
    assert signed_in.get(f"/accounts/{account}/past-balance?at={at}").status_code == status
    assert ('aria-invalid="true"' in signed_in.page.text) == bool(at)
    assert "<script>" not in signed_in.page.text


@pytest.mark.requirement("D2", "D6")
def test_the_seal_of_the_audit_log_is_shown_to_be_kept(signed_in: Browser) -> None:
    assert 'href="/audit/seal"' in signed_in.get("/audit").text
    assert signed_in.get("/audit/seal").status_code == 200
    assert "Public key" in signed_in.text
