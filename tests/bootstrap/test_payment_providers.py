"""Which providers a configuration gives, and which settings do not fit together."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from creditd.bootstrap.payment_providers import configured_providers
from creditd.config import Config, ConfigError, config_from_environment, require_fit
from creditd.domain.instant import Instant
from creditd.domain.payments.provider import Provider

WHOLE = Config(
    stripe_api_key="sk_test_1",
    stripe_webhook_secrets=("whsec_1",),
    omise_secret_key="skey_test_1",  # noqa: S106 - nothing is kept secret in a test.
    lemonsqueezy_api_key="key",
    lemonsqueezy_webhook_secrets=("one", "two"),
    lemonsqueezy_store_id="1",
    lemonsqueezy_variant_id="2",
)

LIVE = replace(WHOLE, payments_live=True, stripe_api_key="sk_live_1", omise_secret_key="skey_1")  # noqa: S106


def now() -> Instant:
    """Tell a time."""
    return Instant(0)


def kinds(config: Config) -> list[Provider]:
    """Return which providers a configuration gives."""
    require_fit(config)
    providers = configured_providers(config, now)
    found = [provider.provider for provider in providers]
    assert {provider.live for provider in providers} <= {config.payments_live}
    for provider in providers:
        asyncio.run(provider.close())
    return found


def test_without_a_key_there_is_no_provider() -> None:
    assert kinds(Config()) == []


def test_each_provider_with_a_key_is_there() -> None:
    assert kinds(WHOLE) == list(Provider)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"stripe_webhook_secrets": ()}, "CREDITD_STRIPE_WEBHOOK_SECRETS"),
        ({"lemonsqueezy_webhook_secrets": ()}, "CREDITD_LEMONSQUEEZY_WEBHOOK_SECRETS"),
        ({"lemonsqueezy_store_id": ""}, "CREDITD_LEMONSQUEEZY_STORE_ID"),
        ({"lemonsqueezy_variant_id": ""}, "CREDITD_LEMONSQUEEZY_VARIANT_ID"),
        ({"stripe_api_key": "sk_live_1"}, "CREDITD_STRIPE_API_KEY"),
        ({"omise_secret_key": "skey_1"}, "CREDITD_OMISE_SECRET_KEY"),
        ({"payments_live": True}, "CREDITD_STRIPE_API_KEY"),
    ],
)
def test_what_does_not_fit_together_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        require_fit(replace(WHOLE, **changes))


def test_live_keys_serve_live_payments() -> None:
    assert kinds(replace(LIVE, omise_webhook_secrets=("c2VjcmV0",))) == list(Provider)


def test_live_webhooks_are_signed_unless_it_is_said_otherwise() -> None:
    """Anybody could send them: see docs/decisions/0025-unsigned-hints.md."""
    with pytest.raises(
        ConfigError, match=r"without CREDITD_OMISE_WEBHOOK_SECRETS.*CREDITD_OMISE_UNSIGNED_WEBHOOKS"
    ) as error:
        require_fit(LIVE)
    assert "\n" not in str(error.value)
    assert kinds(replace(LIVE, omise_unsigned_webhooks=True)) == list(Provider)


def test_what_is_signed_is_not_called_unsigned() -> None:
    said = replace(WHOLE, omise_webhook_secrets=("c2VjcmV0",), omise_unsigned_webhooks=True)
    with pytest.raises(ConfigError, match="CREDITD_OMISE_UNSIGNED_WEBHOOKS"):
        require_fit(said)


@pytest.mark.parametrize("secret", ["no base64!", "c2VjcmV", "===="])
def test_a_secret_that_can_verify_nothing_is_refused(secret: str) -> None:
    with pytest.raises(ConfigError, match="CREDITD_OMISE_WEBHOOK_SECRETS") as error:
        require_fit(replace(WHOLE, omise_webhook_secrets=("c2VjcmV0", secret)))
    assert secret not in str(error.value)


@pytest.mark.parametrize("text", ["", ",", " , ,"])
def test_an_empty_secret_is_none(text: str) -> None:
    config = config_from_environment({"CREDITD_STRIPE_API_KEY": "sk_test_1", "CREDITD_STRIPE_WEBHOOK_SECRETS": text})
    with pytest.raises(ConfigError, match="CREDITD_STRIPE_WEBHOOK_SECRETS"):
        require_fit(config)
