"""Judges a configuration: each setting alone, then what has to fit what."""

from collections.abc import Mapping
from typing import Any, Final

from creditd.config.rules import ConfigError, nearest
from creditd.config.settings import SETTINGS, Config, variable
from creditd.payments.signatures import from_base64


def require_fit(config: Config) -> None:
    """Raise ConfigError for the first setting that cannot be used, alone or beside the others."""
    for setting in SETTINGS.values():
        name, value, rule = setting.name, getattr(config, setting.name), setting.rule
        if not rule.is_fit(value):
            hint = rule.hint(value)
            expected = f"{rule.expected}; {hint}" if hint else rule.expected
            raise ConfigError(f"{variable(name)} is {_shown(name, value)}; expected {expected}")
    for require_part in _PARTS:
        require_part(config)


def require(config: Config, needed: Mapping[str, str]) -> None:
    """Raise ConfigError unless all these settings are there; each comes with what it is, for the message."""
    missing = [f"{variable(name)} ({purpose})" for name, purpose in needed.items() if not getattr(config, name)]
    if missing:
        raise ConfigError(f"set {' and '.join(missing)}; for development, `creditd run` brings all of it along")


def _shown(name: str, value: Any) -> str:
    """Return a value for a message, unless it is a secret or, in the place of a file's name, what the file holds."""
    if SETTINGS[name].is_secret:
        return f"{len(value)} characters long"
    if name.endswith(("_file", "_files")) and "-----" in str(value):
        return "the content of a file"
    return repr(value)


def _require_tls(config: Config) -> None:
    _require_both("tls_certificate_file", "tls_key_file", config)
    if config.tls_client_ca_file and not config.tls_certificate_file:
        raise ConfigError(
            "CREDITD_TLS_CLIENT_CA_FILE needs CREDITD_TLS_CERTIFICATE_FILE: mutual TLS needs a server certificate too"
        )


def _require_webhooks(config: Config) -> None:
    _require_both("webhooks_tls_certificate_file", "webhooks_tls_key_file", config)
    if config.webhooks_tls_certificate_file and not config.webhooks_tls_ca_file:
        raise ConfigError(
            "CREDITD_WEBHOOKS_TLS_CERTIFICATE_FILE needs CREDITD_WEBHOOKS_TLS_CA_FILE, which verifies the service"
        )


def _require_both(one: str, other: str, config: Config) -> None:
    if bool(getattr(config, one)) != bool(getattr(config, other)):
        raise ConfigError(f"{variable(one)} and {variable(other)} go together")


def _require_credits(config: Config) -> None:
    if config.reservation_ttl_seconds > config.reservation_max_ttl_seconds:
        raise ConfigError("CREDITD_RESERVATION_TTL_SECONDS is more than CREDITD_RESERVATION_MAX_TTL_SECONDS")
    for code in config.sign_up_credits:
        if code not in config.credit_types:
            raise ConfigError(
                f"CREDITD_SIGN_UP_CREDITS names {code!r}, which is none of CREDITD_CREDIT_TYPES: "
                f"{nearest(code, config.credit_types)}"
            )


def _require_stripe(config: Config) -> None:
    if config.stripe_api_key:
        _require_beside("stripe_api_key", ("stripe_webhook_secrets",), config)
        _require_mode("stripe_api_key", config)


def _require_omise(config: Config) -> None:
    if config.omise_secret_key:
        _require_mode("omise_secret_key", config)
        _require_signatures(config)


def _require_lemon_squeezy(config: Config) -> None:
    if config.lemonsqueezy_api_key:
        needed = ("lemonsqueezy_webhook_secrets", "lemonsqueezy_store_id", "lemonsqueezy_variant_id")
        _require_beside("lemonsqueezy_api_key", needed, config)


def _require_beside(key: str, needed: tuple[str, ...], config: Config) -> None:
    """Raise ConfigError if a provider that has a key lacks another setting: payments could never be confirmed."""
    missing = [variable(name) for name in needed if not any(getattr(config, name))]
    if missing:
        raise ConfigError(f"{variable(key)} is set but not {', '.join(missing)}")


def _require_mode(key: str, config: Config) -> None:
    """Raise ConfigError unless a key is of the configured mode: test and live payments never mix."""
    is_test = "_test_" in getattr(config, key)
    if is_test == config.payments_live:
        mode = "live" if config.payments_live else "test"
        says = str(config.payments_live).lower()
        raise ConfigError(f"{variable(key)} is not a {mode} key, but CREDITD_PAYMENTS_LIVE says {says}")


def _require_signatures(config: Config) -> None:
    """Raise ConfigError for secrets that verify nothing, and if anybody could send live webhooks and nobody said so."""
    secrets = [secret for secret in config.omise_webhook_secrets if secret]
    if not all(map(from_base64, secrets)):
        raise ConfigError("CREDITD_OMISE_WEBHOOK_SECRETS must be base64, as Omise shows them")
    if secrets and config.omise_unsigned_webhooks:
        raise ConfigError(
            "CREDITD_OMISE_UNSIGNED_WEBHOOKS is true, but CREDITD_OMISE_WEBHOOK_SECRETS is set: every webhook must "
            "then be signed; remove one of the two"
        )
    if config.payments_live and not secrets and not config.omise_unsigned_webhooks:
        raise ConfigError(
            "CREDITD_OMISE_SECRET_KEY is a live key without CREDITD_OMISE_WEBHOOK_SECRETS, so anybody "
            "could send its webhooks; set them, or CREDITD_OMISE_UNSIGNED_WEBHOOKS to true"
        )


_PARTS: Final = (
    _require_tls,
    _require_webhooks,
    _require_credits,
    _require_stripe,
    _require_omise,
    _require_lemon_squeezy,
)
