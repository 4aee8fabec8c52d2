"""Configuration, from the environment alone (twelve-factor, III): every setting is CREDITD_ and its name."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any


class ConfigError(Exception):
    """A setting that cannot be used; the message names it and says what is expected."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, with the defaults of a development machine.

    Times are in seconds. A setting whose name ends in ``_file`` is a path; secrets come only from such files or
    from the environment.
    """

    database_url: str = ""
    database_role: str = "creditd_app"
    require_least_privilege: bool = False
    database_pool_size: int = 25
    database_prepare_threshold: int = 2
    listen: str = "127.0.0.1:50051"
    metrics_listen: str = "127.0.0.1:9464"
    workers: int = 1
    data_dir: Path = Path(".creditd")
    jwt_public_key_files: tuple[str, ...] = ()
    jwt_issuer: str = ""
    jwt_audience: str = ""
    page_token_secret: str = ""
    tls_certificate_file: str = ""
    tls_key_file: str = ""
    tls_client_ca_file: str = ""
    reflection: bool = True
    log_level: str = "INFO"
    otlp_endpoint: str = ""
    drain_seconds: float = 2.0
    shutdown_grace_seconds: float = 10.0
    sweep_interval_seconds: float = 1.0
    reservation_ttl_seconds: int = 300
    reservation_max_ttl_seconds: int = 86_400
    refund_grace_seconds: int = 86_400
    spend_order: tuple[str, ...] = ("free", "promo", "admin", "purchased")
    sign_up_credits: Mapping[str, int] = field(default_factory=lambda: {"spec": 1})
    payments_live: bool = False
    payment_poll_interval_seconds: float = 5.0
    stripe_api_key: str = ""
    stripe_webhook_secrets: tuple[str, ...] = ()
    stripe_api_url: str = "https://api.stripe.com"
    omise_secret_key: str = ""
    omise_webhook_secrets: tuple[str, ...] = ()
    omise_unsigned_webhooks: bool = False
    omise_api_url: str = "https://api.omise.co"
    lemonsqueezy_api_key: str = ""
    lemonsqueezy_webhook_secrets: tuple[str, ...] = ()
    lemonsqueezy_api_url: str = "https://api.lemonsqueezy.com"
    lemonsqueezy_store_id: str = ""
    lemonsqueezy_variant_id: str = ""
    lemonsqueezy_plan_variant_ids: tuple[str, ...] = ()
    fakes_listen: str = "127.0.0.1:8081"
    webhooks_listen: str = "127.0.0.1:8080"
    webhooks_service: str = "127.0.0.1:50051"
    webhooks_token_file: str = ""
    webhooks_tls_ca_file: str = ""
    webhooks_tls_certificate_file: str = ""
    webhooks_tls_key_file: str = ""
    call_tls: bool = False
    call_tls_ca_file: str = ""
    call_tls_certificate_file: str = ""
    call_tls_key_file: str = ""
    credit_types: Mapping[str, int] = field(default_factory=lambda: {"spec": 0, "chat": 0, "quiz_gen": 0, "THB": 2})


SECRETS = frozenset(
    {
        "database_url",
        "page_token_secret",
        "stripe_api_key",
        "stripe_webhook_secrets",
        "omise_secret_key",
        "omise_webhook_secrets",
        "lemonsqueezy_api_key",
        "lemonsqueezy_webhook_secrets",
    }
)
"""Settings whose values stand in no message."""

NOT_OURS = ("CREDITD_TEST_", "CREDITD_PORT", "CREDITD_SERVICE_")
"""Prefixes of other variables: the tests' own, and what Kubernetes sets in every pod beside a service named creditd."""


def config_from_environment(environment: Mapping[str, str] | None = None) -> Config:
    """Read the configuration. Raises ConfigError for an unknown CREDITD_ name or a value that does not parse."""
    environment = os.environ if environment is None else environment
    defaults = Config()
    known = {f"CREDITD_{item.name.upper()}": item.name for item in fields(Config)}
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith("CREDITD_") or variable.startswith(NOT_OURS):
            continue
        if variable not in known:
            raise ConfigError(f"{variable} is not a setting; {nearest(variable, known)}")
        name = known[variable]
        values[name] = _parse(variable, text, getattr(defaults, name))
    return Config(**values)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint for a name that is none of those known: the nearest one, else all of them."""
    names = sorted(known)
    near = get_close_matches(name, names, 1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"


def _parse(variable: str, text: str, default: Any) -> Any:
    try:
        match default:
            case bool():
                return {"1": True, "true": True, "0": False, "false": False}[text.lower()]
            case int() | float() | str() | Path():
                return type(default)(text)
            case tuple():
                return tuple(part.strip() for part in text.split(",") if part.strip())
            case _:
                return _numbers_by_name(text)
    except (KeyError, ValueError) as error:
        kind = "name=number,..." if isinstance(default, Mapping) else type(default).__name__
        message = f"{variable} is {text!r}, which is not of the form {kind}"
        raise ConfigError(message) from error


def _numbers_by_name(text: str) -> dict[str, int]:
    """Read ``name=number,...``. Raises ValueError, also for a name that stands there twice."""
    numbers: dict[str, int] = {}
    for part in filter(str.strip, text.split(",")):
        name, _, number = part.partition("=")
        if name.strip() in numbers:
            raise ValueError(name)
        numbers[name.strip()] = int(number)
    return numbers
