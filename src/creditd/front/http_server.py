"""Where a front listens, what it encrypts with, and how its HTTP server is set."""

import socket
import ssl
from collections.abc import Callable
from typing import Any, NamedTuple

import uvicorn

from creditd import asgi
from creditd.addresses import Listener, PlaintextExposed, require_encrypted
from creditd.certificates import InvalidCertificate, Renewals, server_context
from creditd.front.setting_errors import InvalidSetting


class HttpPlace(NamedTuple):
    """Where a front listens, ``host:port``, and with what certificate, PEM files, both empty for plaintext.

    ``setting`` is what the names of the settings of its files begin with.
    """

    listener: Listener
    address: str
    certificate_file: str
    key_file: str
    plaintext_listeners: tuple[str, ...]
    setting: str


class HttpBounds(NamedTuple):
    """What one connection may take: pauses between requests, the end of those under way at a stop, and heads."""

    idle_seconds: int
    grace_seconds: int
    headers_bytes: int


def listening(address: str) -> socket.socket:
    """Listen on ``host:port``, a free port for 0. Raises InvalidSetting if it cannot be had."""
    try:
        return asgi.listening(address)
    except OSError as error:
        raise InvalidSetting(
            f"cannot listen on {address}: {error.strerror}; is another server running there?"
        ) from error


def encryption(place: HttpPlace) -> tuple[ssl.SSLContext, Renewals] | None:
    """Return what HTTPS is served with, and what follows its files; None where plaintext is served.

    Raises InvalidSetting, also for plaintext that others could read and nobody has allowed.
    """
    has_tls = bool(place.certificate_file)
    try:
        require_encrypted(place.listener, place.address, has_tls=has_tls, plaintext_listeners=place.plaintext_listeners)
        if not has_tls:
            return None
        return server_context(
            (f"{place.setting}_TLS_CERTIFICATE_FILE", place.certificate_file),
            (f"{place.setting}_TLS_KEY_FILE", place.key_file),
        )
    except (PlaintextExposed, InvalidCertificate) as error:
        raise InvalidSetting(str(error)) from error


def http_config(
    app: Any, bounds: HttpBounds, context: ssl.SSLContext | None, connection: Callable[..., Any] | None = None
) -> uvicorn.Config:
    """Return how an ASGI application is served; with a context over TLS, and with what a connection is, if given."""
    config = uvicorn.Config(
        app,
        # Its types know classes alone, not what makes connections.
        http=connection or "h11",  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=bounds.idle_seconds,
        timeout_graceful_shutdown=bounds.grace_seconds,
        h11_max_incomplete_event_size=bounds.headers_bytes,
    )
    if context:
        # It would make one of its own, from files, that follows no renewal.
        config.load()
        config.ssl = context
    return config
