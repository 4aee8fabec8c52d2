"""Pages that follow an account: a stream says that it has moved, and keeps nobody signed in."""

from collections.abc import Iterator

import pytest

from creditd.console import limits
from tests.support.console import Browser, Members, give
from tests.support.service import RunningService


def lines(browser: Browser, account_id: str) -> Iterator[str]:
    """Yield the lines of the stream of an account."""
    accepted = {"accept": "text/event-stream"}
    with browser.http.stream("GET", f"/accounts/{account_id}/live", headers=accepted) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield from answer.iter_lines()


@pytest.mark.requirement("D6")
def test_a_stream_says_that_an_account_has_moved_and_nothing_of_it(
    signed_in: Browser, service: RunningService, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LIVE_PAUSE_SECONDS", 0.0)
    stream = lines(signed_in, account)
    assert next(stream).startswith("retry: ")
    for _ in range(2):
        give(service, account, "a gift", chat=7)
        assert next(line for line in stream if line.startswith(("event", "data: "))) == "event: moved"
    stream.close()  # type: ignore[attr-defined]


def test_a_quiet_stream_says_so_and_more_than_there_may_be_are_turned_away(
    signed_in: Browser, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LIVE_REMARK_SECONDS", 0.01)
    monkeypatch.setattr(limits, "LIVE_PAUSE_SECONDS", 0.0)
    stream = lines(signed_in, account)
    assert next(line for line in stream if line.startswith(":")) == ": still here"
    monkeypatch.setattr(limits, "MAX_LIVE_STREAMS", 1)
    assert signed_in.get(f"/accounts/{account}/live").status_code == 503
    stream.close()  # type: ignore[attr-defined]


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(
    browser: Browser, members: Members, service: RunningService, account: str
) -> None:
    browser.signs_in(members("SUPPORT"))
    for _ in range(3):
        service.clock.advance(700)
        browser.get(f"/accounts/{account}", {"x-by-itself": "1"})
    assert browser.get(f"/accounts/{account}").url.path == "/sign-in"
