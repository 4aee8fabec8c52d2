"""Judges a configuration: each setting alone, then what has to fit what."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from creditd.addresses import is_loopback
from creditd.config.executor_rules import are_executors, executor_addresses
from creditd.config.masks import quoted
from creditd.config.rules import EACH_SPENDER, ConfigError, nearest
from creditd.config.settings import SETTINGS, Config, variable
from creditd.payments.signatures import from_base64
from creditd.server.authentication.outside_issuers import InvalidIssuer, read_outside_issuers
from creditd.server.authorization.policy import RULES


def require_fit(config: Config) -> None:
    """Raise ConfigError for the first setting that cannot be used, alone or beside the others."""
    for fault in faults_of(config):
        raise ConfigError(fault)


def faults_of(config: Config) -> Iterator[str]:
    """Yield in one line each what keeps a configuration from being used; no secret stands in it."""
    for setting in SETTINGS.values():
        name, value, rule = setting.name, getattr(config, setting.name), setting.rule
        if not rule.is_fit(value):
            hint = rule.hint(value)
            expected = f"{rule.expected}; {hint}" if hint else rule.expected
            yield f"{variable(name)} is {quoted(setting, value)}; expected {expected}"
    for faults_of_part in _PARTS:
        yield from faults_of_part(config)


def require(config: Config, needed: Mapping[str, str]) -> None:
    """Raise ConfigError unless all these settings are there; each comes with what it is, for the message."""
    missing = [f"{variable(name)} ({purpose})" for name, purpose in needed.items() if not getattr(config, name)]
    if missing:
        raise ConfigError(f"set {' and '.join(missing)}; for development, `creditd run` brings all of it along")


def _tls_faults(config: Config) -> Iterator[str]:
    yield from _pair_faults("tls_certificate_file", "tls_key_file", config)
    yield from _pair_faults("metrics_tls_certificate_file", "metrics_tls_key_file", config)
    if config.tls_client_ca_file and not config.tls_certificate_file:
        yield "CREDITD_TLS_CLIENT_CA_FILE needs CREDITD_TLS_CERTIFICATE_FILE: mutual TLS needs a server certificate too"


def _webhooks_faults(config: Config) -> Iterator[str]:
    yield from _pair_faults("webhooks_listen_tls_certificate_file", "webhooks_listen_tls_key_file", config)
    yield from _pair_faults("webhooks_tls_certificate_file", "webhooks_tls_key_file", config)
    if config.webhooks_tls_certificate_file and not config.webhooks_tls_ca_file:
        yield "CREDITD_WEBHOOKS_TLS_CERTIFICATE_FILE needs CREDITD_WEBHOOKS_TLS_CA_FILE, which verifies the service"


def _console_faults(config: Config) -> Iterator[str]:
    yield from _pair_faults("console_listen_tls_certificate_file", "console_listen_tls_key_file", config)
    yield from _pair_faults("console_tls_certificate_file", "console_tls_key_file", config)
    if config.console_tls_certificate_file and not config.console_tls_ca_file:
        yield "CREDITD_CONSOLE_TLS_CERTIFICATE_FILE needs CREDITD_CONSOLE_TLS_CA_FILE, which verifies the service"
    if bool(config.console_sso_issuer) != bool(config.console_sso_client_id):
        yield "CREDITD_CONSOLE_SSO_ISSUER and CREDITD_CONSOLE_SSO_CLIENT_ID go together: set both, or neither"


def _pair_faults(one: str, other: str, config: Config) -> Iterator[str]:
    if bool(getattr(config, one)) != bool(getattr(config, other)):
        yield f"{variable(one)} and {variable(other)} go together"


_OF_ONE_POSTGRESQL: Final = ("backup_folder", "search_label", "usage_label")
"""What needs all tables in one PostgreSQL: a backup is of one server, the rollup reads many ledgers at one moment."""


def _layout_faults(config: Config) -> Iterator[str]:
    if config.database_layout != "plain":
        for name in _OF_ONE_POSTGRESQL:
            if getattr(config, name):
                yield f"CREDITD_DATABASE_LAYOUT: the layout {config.database_layout} does not carry {variable(name)}"


def _executors_faults(config: Config) -> Iterator[str]:
    yield from _pair_faults("executors_tls_certificate_file", "executors_tls_key_file", config)
    if config.executors_tls_certificate_file and not config.executors_tls_ca_file:
        yield "CREDITD_EXECUTORS_TLS_CERTIFICATE_FILE needs CREDITD_EXECUTORS_TLS_CA_FILE, which verifies executors"
    if not are_executors(config.executors):
        # Told as a fault of the setting itself.
        return
    addresses = executor_addresses(config.executors)
    for name in config.plaintext_executors:
        if name not in addresses:
            yield f"CREDITD_PLAINTEXT_EXECUTORS names {name!r}, which is none of CREDITD_EXECUTORS"
    for name, address in addresses.items():
        if not (config.executors_tls_ca_file or is_loopback(address) or name in config.plaintext_executors):
            yield (
                f"CREDITD_EXECUTORS: {name} is not on this machine: set CREDITD_EXECUTORS_TLS_CA_FILE, or, on a "
                f"network that nobody else reads, have CREDITD_PLAINTEXT_EXECUTORS name {name}"
            )


def _identity_faults(config: Config) -> Iterator[str]:
    if not config.identity_database_url:
        return
    if not config.identity_key_encryption_key:
        yield "CREDITD_IDENTITY_DATABASE_URL needs CREDITD_IDENTITY_KEY_ENCRYPTION_KEY"
    if config.identity_database_url == config.database_url:
        yield "CREDITD_IDENTITY_DATABASE_URL is CREDITD_DATABASE_URL: identity needs a database of its own"
    if config.identity_issuer == config.jwt_issuer:
        yield "CREDITD_IDENTITY_ISSUER is CREDITD_JWT_ISSUER: no key may sign for two issuers"


def _issuers_faults(config: Config) -> Iterator[str]:
    if not config.issuers_file:
        return
    try:
        names = [issuer.name for issuer in read_outside_issuers(Path(config.issuers_file))]
    except InvalidIssuer as error:
        yield f"CREDITD_ISSUERS_FILE: {error}"
        return
    except OSError:
        # Told as a fault of the setting itself, without what it names.
        return
    own = {"CREDITD_JWT_ISSUER": config.jwt_issuer}
    if config.identity_database_url:
        own["CREDITD_IDENTITY_ISSUER"] = config.identity_issuer
    for setting, name in own.items():
        if name in names:
            yield f"{setting} is an issuer in CREDITD_ISSUERS_FILE too: no key may sign for two issuers"


def _rate_limits_faults(config: Config) -> Iterator[str]:
    if config.rate_limits_redis_ca_file and not config.rate_limits_redis_url.startswith("rediss:"):
        yield "CREDITD_RATE_LIMITS_REDIS_CA_FILE needs a CREDITD_RATE_LIMITS_REDIS_URL that speaks TLS, rediss://"
    methods = [rule.removeprefix("/") for rule in RULES]
    for method in config.method_calls_per_minute:
        if method not in methods:
            yield f"CREDITD_METHOD_CALLS_PER_MINUTE names {method}, which is no RPC; {nearest(method, methods)}"


def _credits_faults(config: Config) -> Iterator[str]:
    if config.reservation_ttl_seconds > config.reservation_max_ttl_seconds:
        yield "CREDITD_RESERVATION_TTL_SECONDS is more than CREDITD_RESERVATION_MAX_TTL_SECONDS"
    for code in config.sign_up_credits:
        if code not in config.credit_types:
            yield (
                f"CREDITD_SIGN_UP_CREDITS names {code!r}, which is none of CREDITD_CREDIT_TYPES: "
                f"{nearest(code, config.credit_types)}"
            )


def _limits_faults(config: Config) -> Iterator[str]:
    for setting in ("least_per_movement", "most_per_movement", "most_per_hour", "most_per_day"):
        for name in getattr(config, setting):
            code = name.removesuffix(EACH_SPENDER)
            if code not in config.credit_types:
                yield (
                    f"{variable(setting)} names {code!r}, which is none of CREDITD_CREDIT_TYPES: "
                    f"{nearest(code, config.credit_types)}"
                )
    for name, least in config.least_per_movement.items():
        if least > config.most_per_movement.get(name, least):
            yield f"CREDITD_LEAST_PER_MOVEMENT is more than CREDITD_MOST_PER_MOVEMENT for {name}"


def _stripe_faults(config: Config) -> Iterator[str]:
    if config.stripe_api_key:
        yield from _missing_beside("stripe_api_key", ("stripe_webhook_secrets",), config)
        yield from _mode_faults("stripe_api_key", config)


def _omise_faults(config: Config) -> Iterator[str]:
    if config.omise_secret_key:
        yield from _mode_faults("omise_secret_key", config)
        yield from _signature_faults(config)


def _lemon_squeezy_faults(config: Config) -> Iterator[str]:
    if config.lemonsqueezy_api_key:
        needed = ("lemonsqueezy_webhook_secrets", "lemonsqueezy_store_id", "lemonsqueezy_variant_id")
        yield from _missing_beside("lemonsqueezy_api_key", needed, config)


def _missing_beside(key: str, needed: tuple[str, ...], config: Config) -> Iterator[str]:
    """Yield the fault of a provider that has a key and lacks another setting: payments could never be confirmed."""
    missing = [variable(name) for name in needed if not any(getattr(config, name))]
    if missing:
        yield f"{variable(key)} is set but not {', '.join(missing)}"


def _mode_faults(key: str, config: Config) -> Iterator[str]:
    """Yield the fault of a key that is not of the configured mode: test and live payments never mix."""
    is_test = "_test_" in getattr(config, key)
    if is_test == config.payments_live:
        mode = "live" if config.payments_live else "test"
        says = str(config.payments_live).lower()
        yield f"{variable(key)} is not a {mode} key, but CREDITD_PAYMENTS_LIVE says {says}"


def _signature_faults(config: Config) -> Iterator[str]:
    """Yield the faults of secrets that verify nothing, and of live webhooks that anybody could send unsaid."""
    secrets = [secret for secret in config.omise_webhook_secrets if secret]
    if not all(map(from_base64, secrets)):
        yield "CREDITD_OMISE_WEBHOOK_SECRETS must be base64, as Omise shows them"
    if secrets and config.omise_unsigned_webhooks:
        yield (
            "CREDITD_OMISE_UNSIGNED_WEBHOOKS is true, but CREDITD_OMISE_WEBHOOK_SECRETS is set: every webhook must "
            "then be signed; remove one of the two"
        )
    if config.payments_live and not secrets and not config.omise_unsigned_webhooks:
        yield (
            "CREDITD_OMISE_SECRET_KEY is a live key without CREDITD_OMISE_WEBHOOK_SECRETS, so anybody "
            "could send its webhooks; set them, or CREDITD_OMISE_UNSIGNED_WEBHOOKS to true"
        )


_PARTS: Final = (
    _tls_faults,
    _webhooks_faults,
    _console_faults,
    _layout_faults,
    _executors_faults,
    _identity_faults,
    _issuers_faults,
    _rate_limits_faults,
    _credits_faults,
    _limits_faults,
    _stripe_faults,
    _omise_faults,
    _lemon_squeezy_faults,
)
