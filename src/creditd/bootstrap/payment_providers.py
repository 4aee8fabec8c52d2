"""Which payment providers are configured, and whether their settings fit together."""

from collections.abc import Callable, Iterator, Mapping

from creditd.config import Config, ConfigError
from creditd.domain.instant import Instant
from creditd.payments.lemonsqueezy import LemonSqueezy, LemonSqueezySettings
from creditd.payments.omise import Omise, OmiseSettings
from creditd.payments.provider import PaymentProvider
from creditd.payments.stripe import Stripe, StripeSettings


def configured_providers(config: Config, now: Callable[[], Instant]) -> list[PaymentProvider]:
    """Return the providers that have a key, on the clock ``now``.

    Raises ConfigError for one whose settings do not fit together.
    """
    return [*_stripe(config), *_omise(config, now), *_lemon_squeezy(config, now)]


def _stripe(config: Config) -> Iterator[PaymentProvider]:
    key = config.stripe_api_key
    _require_together("STRIPE", key, {"WEBHOOK_SECRETS": config.stripe_webhook_secrets})
    if not key:
        return
    _require_mode("CREDITD_STRIPE_API_KEY", is_test="_test_" in key, live=config.payments_live)
    secrets = _secrets(config.stripe_webhook_secrets)
    yield Stripe(StripeSettings(key, secrets, config.stripe_api_url, config.payments_live))


def _omise(config: Config, now: Callable[[], Instant]) -> Iterator[PaymentProvider]:
    key = config.omise_secret_key
    if not key:
        return
    _require_mode("CREDITD_OMISE_SECRET_KEY", is_test="_test_" in key, live=config.payments_live)
    secrets = _secrets(config.omise_webhook_secrets)
    yield Omise(OmiseSettings(key, secrets, config.omise_api_url, config.payments_live), now)


def _lemon_squeezy(config: Config, now: Callable[[], Instant]) -> Iterator[PaymentProvider]:
    key = config.lemonsqueezy_api_key
    needed = {
        "WEBHOOK_SECRETS": config.lemonsqueezy_webhook_secrets,
        "STORE_ID": config.lemonsqueezy_store_id,
        "VARIANT_ID": config.lemonsqueezy_variant_id,
    }
    _require_together("LEMONSQUEEZY", key, needed)
    if not key:
        return
    yield LemonSqueezy(
        LemonSqueezySettings(
            key,
            _secrets(config.lemonsqueezy_webhook_secrets),
            config.lemonsqueezy_api_url,
            config.lemonsqueezy_store_id,
            config.lemonsqueezy_variant_id,
            config.lemonsqueezy_plan_variant_ids,
            config.payments_live,
        ),
        now,
    )


def _secrets(secrets: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(secret for secret in secrets if secret)


def _require_together(provider: str, key: str, others: Mapping[str, object]) -> None:
    """Raise ConfigError if a provider has a key and lacks another setting: its payments could never be confirmed."""
    missing = [f"CREDITD_{provider}_{name}" for name, value in others.items() if not value]
    if key and missing:
        raise ConfigError(f"{provider} has a key but no {', '.join(missing)}")


def _require_mode(setting: str, *, is_test: bool, live: bool) -> None:
    """Raise ConfigError unless a key is of the configured mode: test and live payments never mix."""
    if is_test == live:
        mode = "live" if live else "test"
        raise ConfigError(f"{setting} is not a {mode} key, but CREDITD_PAYMENTS_LIVE says {str(live).lower()}")
