"""Whoever sends too many webhooks gets 429, and is told when to come again (I2)."""

import logging
from typing import Any

import pytest
from grpc import StatusCode

from creditd.call_windows import WINDOW_SECONDS
from creditd.webhooks.address_limit import AddressLimit
from creditd.webhooks.answers import NOT_STORED, Answer
from tests.support.told_service import Refused
from tests.support.webhook_adapter import Adapter, running_adapter

pytestmark = pytest.mark.requirement("I2", "E7")

FORGED = Refused(StatusCode.INVALID_ARGUMENT, "WEBHOOK_REJECTED")


def lines(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """Return the lines about webhooks."""
    return [record for record in caplog.records if record.message == "webhook"]


@pytest.mark.parametrize(("seconds", "told"), [(17, "17"), (0, "5")])
def test_a_rate_limit_of_the_service_becomes_429_with_its_time(
    adapter: Adapter, seconds: int, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The limit is on the adapter as a whole, and so for whoever runs it to see."""
    caplog.set_level(logging.INFO, "creditd.webhooks")
    adapter.service.refusal = Refused(StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED", seconds)
    response = adapter.post()
    assert (response.status_code, response.headers["retry-after"]) == (429, told)
    assert response.text == "Too Many Requests\n"
    line = lines(caplog)[-1]
    assert (line.levelno, line.reason) == (logging.WARNING, "RATE_LIMITED")


def test_an_address_whose_webhooks_are_turned_down_is_not_listened_to_for_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "creditd.webhooks")
    with running_adapter(address_calls_per_minute=3) as adapter:
        adapter.service.refusal = FORGED
        statuses = [adapter.post().status_code for _ in range(8)]
        assert statuses == [400] * 6 + [429] * 2
        assert len(adapter.service.taken) == 6
        response = adapter.post()
        assert 0 < int(response.headers["retry-after"]) <= 2 * WINDOW_SECONDS
        line = lines(caplog)[-1]
        assert (line.levelno, line.status, line.reason) == (logging.INFO, 429, "TOO_MANY_REJECTED")
        assert adapter.post(headers={"x-forwarded-for": "203.0.113.9"}).status_code == 400


def test_a_provider_sends_as_many_as_it_has_to() -> None:
    """Also while the service is away, and it sends each of them again and again."""
    with running_adapter(address_calls_per_minute=3) as adapter:
        assert {adapter.post().status_code for _ in range(20)} == {200}
        adapter.service.refusal = Refused(StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
        assert {adapter.post().status_code for _ in range(20)} == {503}
        adapter.service.refusal = FORGED
        assert [adapter.post().status_code for _ in range(8)] == [400] * 6 + [429] * 2


def test_a_crowd_counts_until_it_is_answered_and_addresses_of_one_network_together() -> None:
    limit, now = AddressLimit(3, lambda: 1_000.0), "2001:db8::"
    assert [limit.take(f"{now}{number:x}") for number in range(1, 7)] == [None] * 6
    refusal = limit.take(f"{now}ffff")
    assert refusal
    assert (refusal.status, refusal.reason) == (429, "TOO_MANY_REJECTED")
    limit.note(f"{now}1", Answer(NOT_STORED, "SHUTTING_DOWN"))
    assert limit.take(f"{now}ffff") is None
    assert limit.take("") is None


def test_without_a_limit_nothing_is_counted() -> None:
    limit = AddressLimit(0, lambda: 1_000.0)
    assert [limit.take("203.0.113.9") for _ in range(100)] == [None] * 100
