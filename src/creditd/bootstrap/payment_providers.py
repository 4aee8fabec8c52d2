"""Which payment providers are configured, and whether their settings fit together."""

from collections.abc import Callable, Iterator, Mapping

from creditd.config import Config, ConfigError
from creditd.domain.instant import Instant
from creditd.payments.lemonsqueezy.provider import LemonSqueezy, LemonSqueezySettings
from creditd.payments.omise.provider import Omise, OmiseSettings
from creditd.payments.provider import PaymentProvider
from creditd.payments.signatures import from_base64
from creditd.payments.stripe.provider import Stripe, StripeSettings


def require_fit(config: Config) -> None:
    """Raise ConfigError for a provider whose settings do not fit together, before anything is started."""
    if config.stripe_api_key:
        _require_together("STRIPE", {"WEBHOOK_SECRETS": config.stripe_webhook_secrets})
        is_test = "_test_" in config.stripe_api_key
        _require_mode("CREDITD_STRIPE_API_KEY", is_test=is_test, live=config.payments_live)
    if config.omise_secret_key:
        is_test = "_test_" in config.omise_secret_key
        _require_mode("CREDITD_OMISE_SECRET_KEY", is_test=is_test, live=config.payments_live)
        _require_signatures(config)
    if config.lemonsqueezy_api_key:
        needed = {
            "WEBHOOK_SECRETS": config.lemonsqueezy_webhook_secrets,
            "STORE_ID": config.lemonsqueezy_store_id,
            "VARIANT_ID": config.lemonsqueezy_variant_id,
        }
        _require_together("LEMONSQUEEZY", needed)


def configured_providers(config: Config, now: Callable[[], Instant]) -> list[PaymentProvider]:
    """Return the providers that have a key, on the clock ``now``.

    Raises ConfigError for one whose settings do not fit together.
    """
    require_fit(config)
    return [*_stripe(config), *_omise(config, now), *_lemon_squeezy(config, now)]


def _stripe(config: Config) -> Iterator[PaymentProvider]:
    if config.stripe_api_key:
        secrets = _secrets(config.stripe_webhook_secrets)
        yield Stripe(StripeSettings(config.stripe_api_key, secrets, config.stripe_api_url, config.payments_live))


def _omise(config: Config, now: Callable[[], Instant]) -> Iterator[PaymentProvider]:
    if config.omise_secret_key:
        secrets = _secrets(config.omise_webhook_secrets)
        yield Omise(OmiseSettings(config.omise_secret_key, secrets, config.omise_api_url, config.payments_live), now)


def _lemon_squeezy(config: Config, now: Callable[[], Instant]) -> Iterator[PaymentProvider]:
    if not config.lemonsqueezy_api_key:
        return
    yield LemonSqueezy(
        LemonSqueezySettings(
            config.lemonsqueezy_api_key,
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


def _require_together(provider: str, others: Mapping[str, object]) -> None:
    """Raise ConfigError if a provider that has a key lacks another setting: payments could never be confirmed."""
    missing = [f"CREDITD_{provider}_{name}" for name, value in others.items() if not value]
    if missing:
        raise ConfigError(f"{provider} has a key but no {', '.join(missing)}")


def _require_mode(setting: str, *, is_test: bool, live: bool) -> None:
    """Raise ConfigError unless a key is of the configured mode: test and live payments never mix."""
    if is_test == live:
        mode = "live" if live else "test"
        raise ConfigError(f"{setting} is not a {mode} key, but CREDITD_PAYMENTS_LIVE says {str(live).lower()}")


def _require_signatures(config: Config) -> None:
    """Raise ConfigError for secrets that verify nothing, and if anybody could send live webhooks and nobody said so."""
    secrets = _secrets(config.omise_webhook_secrets)
    if not all(map(from_base64, secrets)):
        raise ConfigError(
            "CREDITD_OMISE_WEBHOOK_SECRETS has to be base64, as Omise shows it; one that is not verifies nothing"
        )
    is_signed = bool(secrets)
    if is_signed and config.omise_unsigned_webhooks:
        raise ConfigError(
            "CREDITD_OMISE_UNSIGNED_WEBHOOKS is true, but CREDITD_OMISE_WEBHOOK_SECRETS is set: every webhook has to "
            "be signed then; take one of the two away"
        )
    if config.payments_live and not is_signed and not config.omise_unsigned_webhooks:
        raise ConfigError(
            "OMISE has a live key but no CREDITD_OMISE_WEBHOOK_SECRETS, so that anybody could send its webhooks; set "
            "it, or CREDITD_OMISE_UNSIGNED_WEBHOOKS to true"
        )
