"""The configuration as a command sees it: the environment, flags over it, and each value fit for use."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from creditd.config import Config, ConfigError, config_from_environment

HIGHEST_PORT: Final = 65_535


def settings(flags: Mapping[str, Any] | None = None) -> Config:
    """Return the configuration; a flag that is None was not given. Raises ConfigError, naming the setting."""
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    config = replace(config_from_environment(), **given)
    for name, is_fit, expected in _RULES:
        value = getattr(config, name)
        if not is_fit(value):
            raise ConfigError(f"{variable(name)} is {value!r}; expected {expected}")
    if bool(config.tls_certificate_file) != bool(config.tls_key_file):
        raise ConfigError("CREDITD_TLS_CERTIFICATE_FILE and CREDITD_TLS_KEY_FILE go together")
    if config.tls_client_ca_file and not config.tls_certificate_file:
        raise ConfigError(
            "CREDITD_TLS_CLIENT_CA_FILE needs CREDITD_TLS_CERTIFICATE_FILE: clients need a server to trust"
        )
    return config


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
    return value > 0


def _is_not_negative(value: float) -> bool:
    return value >= 0


_SOURCES: Final = ["admin", "free", "promo", "purchased"]
_FILE: Final = "a file that this user may read"

_RULES: Final[tuple[tuple[str, Callable[[Any], bool], str], ...]] = (
    ("listen", lambda address: address.startswith("unix:") or _is_address(address), "host:port or unix:/path"),
    ("metrics_listen", lambda address: not address or _is_address(address), "host:port, or nothing for no metrics"),
    ("webhooks_listen", lambda address: not address or _is_address(address), "host:port, or nothing for no adapter"),
    ("webhooks_service", _is_address, "host:port"),
    ("log_level", lambda level: level in logging.getLevelNamesMapping(), "DEBUG, INFO, WARNING or ERROR"),
    ("spend_order", lambda order: sorted(order) == _SOURCES, f"each of {', '.join(_SOURCES)} once"),
    ("jwt_public_key_files", lambda files: all(map(_is_readable, files)), "files that this user may read"),
    ("tls_certificate_file", _is_readable, _FILE),
    ("tls_key_file", _is_readable, _FILE),
    ("tls_client_ca_file", _is_readable, _FILE),
    ("workers", _is_positive, "1 or more"),
    ("database_pool_size", _is_positive, "1 or more"),
    ("database_prepare_threshold", _is_not_negative, "0 (never) or more"),
    ("drain_seconds", _is_not_negative, "0 or more"),
    ("shutdown_grace_seconds", _is_not_negative, "0 or more"),
    ("sweep_interval_seconds", _is_positive, "more than 0"),
    ("reservation_ttl_seconds", _is_positive, "1 or more"),
    ("reservation_max_ttl_seconds", _is_positive, "1 or more"),
    ("refund_grace_seconds", _is_not_negative, "0 or more"),
)
