"""The three fakes on one server: each under its own path, and each may be acted on by name."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from creditd.config import Config
from creditd.development.fakes.server import FakesSettings
from tests.development.fakes.beside import FakesBeside, fakes_beside

PROVIDERS = ("stripe", "omise", "lemonsqueezy")


@pytest.fixture
def beside() -> Iterator[FakesBeside]:
    """Run the fakes."""
    with fakes_beside() as running:
        yield running


def post(beside: FakesBeside, path: str, **arguments: Any) -> httpx.Response:
    return httpx.post(f"{beside.fakes.url}{path}", content=json.dumps(arguments), trust_env=False)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_act_that_is_unknown_is_answered_with_those_that_are_known(beside: FakesBeside, provider: str) -> None:
    answer = post(beside, f"/{provider}/control/nonsense")
    assert answer.status_code == 404
    assert {"misbehave", "behave", "pay", "refund"} <= set(answer.json()["acts"])


def test_one_misbehaves_when_told_to_and_the_others_do_not(beside: FakesBeside) -> None:
    assert post(beside, "/omise/control/misbehave", how="error").status_code == 200
    statuses = [
        httpx.get(f"{beside.fakes.url}/{provider}/nothing", headers={"authorization": "x"}, trust_env=False).status_code
        for provider in PROVIDERS
    ]
    assert [status == 500 for status in statuses] == [False, True, False]


def test_mischief_is_made_by_name_and_only_as_far_as_it_is_known(beside: FakesBeside) -> None:
    assert post(beside, "/control/mischief", repeat=3).status_code == 200
    refused = post(beside, "/control/mischief", vanish=True)
    assert (refused.status_code, "vanish" in refused.json()["error"]) == (400, True)
    assert beside.fakes.outgoing.mischief.repeat == 3


def test_arguments_that_are_no_json_are_refused(beside: FakesBeside) -> None:
    answer = httpx.post(f"{beside.fakes.url}/control/mischief", content=b"{", trust_env=False)
    assert answer.status_code == 400


def test_its_settings_are_those_of_a_service_for_all_three(beside: FakesBeside) -> None:
    config = Config(**beside.fakes.settings)
    assert config.stripe_api_url == f"{beside.fakes.url}/stripe"
    assert config.lemonsqueezy_store_id


def test_a_port_that_is_taken_is_said(beside: FakesBeside) -> None:
    taken = beside.fakes.url.removeprefix("http://")
    with pytest.raises(OSError, match="in use"), fakes_beside(FakesSettings(listen=taken)):
        pass
