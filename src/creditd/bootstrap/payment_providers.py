"""The payment providers that are configured."""

from collections.abc import Callable, Iterator

from creditd.config import Config
from creditd.domain.instant import Instant
from creditd.payments.lemonsqueezy.provider import LemonSqueezy, LemonSqueezySettings
from creditd.payments.omise.provider import Omise, OmiseSettings
from creditd.payments.provider import PaymentProvider
from creditd.payments.stripe.provider import Stripe, StripeSettings


def configured_providers(config: Config, now: Callable[[], Instant]) -> list[PaymentProvider]:
    """Return the providers that have a key, on the clock ``now``."""
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
