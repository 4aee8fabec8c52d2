"""The configuration as a command sees it: the environment, flags over it, and each value fit for use."""

import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf
from typing import Any, Final

from creditd.config import SECRETS, Config, ConfigError, config_from_environment, nearest
from creditd.server.kinds import LEAST_CONNECTIONS

HIGHEST_PORT: Final = 65_535

MAX_DECIMALS: Final = 9
"""As the column that keeps them has it."""

MAX_AMOUNT: Final = 2**63 - 1

MIN_SECRET_CHARACTERS: Final = 16
"""Whoever guesses the secret can make page tokens; 16 characters at random are beyond guessing."""

_CREDIT_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
"""As in the protos: a type of another form could be named by no request."""


def settings(flags: Mapping[str, Any] | None = None) -> Config:
    """Return the configuration; a flag that is None was not given. Raises ConfigError, naming the setting."""
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    config = replace(config_from_environment(), **given)
    for name, is_fit, expected in _RULES:
        value = getattr(config, name)
        if not is_fit(value):
            raise ConfigError(f"{variable(name)} is {_shown(name, value)}; expected {expected}")
    _require_fit_together(config)
    return config


def _require_fit_together(config: Config) -> None:
    """Raise ConfigError for settings that are each fit and cannot be used together."""
    if bool(config.tls_certificate_file) != bool(config.tls_key_file):
        raise ConfigError("CREDITD_TLS_CERTIFICATE_FILE and CREDITD_TLS_KEY_FILE go together")
    if config.tls_client_ca_file and not config.tls_certificate_file:
        raise ConfigError(
            "CREDITD_TLS_CLIENT_CA_FILE needs CREDITD_TLS_CERTIFICATE_FILE: clients need a server to trust"
        )
    if config.reservation_ttl_seconds > config.reservation_max_ttl_seconds:
        raise ConfigError("CREDITD_RESERVATION_TTL_SECONDS is more than CREDITD_RESERVATION_MAX_TTL_SECONDS")
    for code in config.sign_up_credits:
        if code not in config.credit_types:
            raise ConfigError(
                f"CREDITD_SIGN_UP_CREDITS names {code!r}, which is none of CREDITD_CREDIT_TYPES: "
                f"{nearest(code, config.credit_types)}"
            )


def _shown(name: str, value: Any) -> str:
    """Return a value for a message, unless it is a secret or, in the place of a file's name, what the file holds."""
    if name in SECRETS:
        return f"{len(value)} characters long"
    if name.endswith(("_file", "_files")) and "-----" in str(value):
        return "the content of a file"
    return repr(value)


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"CREDITD_{name.upper()}"


def require(config: Config, names: Mapping[str, str]) -> None:
    """Raise ConfigError unless all these settings are there; each comes with what it is, for the message."""
    missing = [f"{variable(name)} ({purpose})" for name, purpose in names.items() if not getattr(config, name)]
    if missing:
        raise ConfigError(f"set {' and '.join(missing)}; for development, `creditd run` brings all of it along")


def port_of(address: str) -> int:
    """Return the port of ``host:port``. Raises ValueError."""
    host, separator, port = address.rpartition(":")
    if not host or not separator or not port.isdecimal() or int(port) > HIGHEST_PORT:
        raise ValueError(address)
    return int(port)


def _is_address(address: str) -> bool:
    try:
        port_of(address)
    except ValueError:
        return False
    return True


def _is_readable(path: str) -> bool:
    return not path or os.access(path, os.R_OK)


def _is_positive(value: float) -> bool:
    return 0 < value < inf


def _is_not_negative(value: float) -> bool:
    return 0 <= value < inf


def _are_credit_types(decimals: Mapping[str, int]) -> bool:
    return all(_CREDIT_TYPE.fullmatch(code) and 0 <= count <= MAX_DECIMALS for code, count in decimals.items())


def _are_amounts(amounts: Mapping[str, int]) -> bool:
    return all(0 < amount <= MAX_AMOUNT for amount in amounts.values())


def _is_long_enough(secret: str) -> bool:
    return not secret or len(secret) >= MIN_SECRET_CHARACTERS


_SOURCES: Final = ["admin", "free", "promo", "purchased"]
_FILE: Final = "a file that this user may read"

_RULES: Final[tuple[tuple[str, Callable[[Any], bool], str], ...]] = (
    ("listen", lambda address: address.startswith("unix:") or _is_address(address), "host:port or unix:/path"),
    ("metrics_listen", lambda address: not address or _is_address(address), "host:port, or nothing for no metrics"),
    ("webhooks_listen", lambda address: not address or _is_address(address), "host:port, or nothing for no adapter"),
    ("webhooks_service", _is_address, "host:port"),
    ("fakes_listen", _is_address, "host:port"),
    ("log_level", lambda level: level in logging.getLevelNamesMapping(), "DEBUG, INFO, WARNING or ERROR"),
    ("spend_order", lambda order: sorted(order) == _SOURCES, f"each of {', '.join(_SOURCES)} once"),
    ("jwt_public_key_files", lambda files: all(map(_is_readable, files)), "files that this user may read"),
    ("tls_certificate_file", _is_readable, _FILE),
    ("tls_key_file", _is_readable, _FILE),
    ("tls_client_ca_file", _is_readable, _FILE),
    ("page_token_secret", _is_long_enough, f"{MIN_SECRET_CHARACTERS} characters or more, or nothing"),
    ("credit_types", _are_credit_types, f"codes of letters, digits and _, each with 0 to {MAX_DECIMALS} decimals"),
    ("sign_up_credits", _are_amounts, "credit types, each with an amount of 1 or more"),
    ("workers", _is_positive, "1 or more"),
    ("database_pool_size", lambda size: size >= LEAST_CONNECTIONS, f"{LEAST_CONNECTIONS} or more"),
    ("database_prepare_threshold", _is_not_negative, "0 (never) or more"),
    ("drain_seconds", _is_not_negative, "0 or more"),
    ("shutdown_grace_seconds", _is_not_negative, "0 or more"),
    ("sweep_interval_seconds", _is_positive, "more than 0"),
    ("payment_poll_interval_seconds", _is_positive, "more than 0"),
    ("reservation_ttl_seconds", _is_positive, "1 or more"),
    ("reservation_max_ttl_seconds", _is_positive, "1 or more"),
    ("refund_grace_seconds", _is_not_negative, "0 or more"),
)
