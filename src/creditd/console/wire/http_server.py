"""The console's HTTP server."""

import socket
import ssl
from contextlib import AbstractAsyncContextManager
from typing import Any

import uvicorn

from creditd import asgi
from creditd.addresses import Listener, PlaintextExposed, require_encrypted
from creditd.certificates import InvalidCertificate, Renewals, server_context
from creditd.console import limits
from creditd.console.settings import ConsoleSettings, InvalidConsoleSetting


def console_listener(address: str) -> socket.socket:
    """Listen on ``host:port``, a free port for 0. Raises InvalidConsoleSetting if it cannot be had."""
    try:
        return asgi.listening(address)
    except OSError as error:
        raise InvalidConsoleSetting(
            f"cannot listen on {address}: {error.strerror}; is another server running there?"
        ) from error


def console_encryption(settings: ConsoleSettings) -> tuple[ssl.SSLContext, Renewals] | None:
    """Return what HTTPS is served with, and what follows its files; None where plaintext is served.

    Raises InvalidConsoleSetting.
    """
    certificate = "CREDITD_CONSOLE_LISTEN_TLS_CERTIFICATE_FILE", settings.listen_tls_certificate_file
    try:
        require_encrypted(
            Listener.CONSOLE,
            settings.listen,
            has_tls=bool(certificate[1]),
            plaintext_listeners=settings.plaintext_listeners,
        )
        if not certificate[1]:
            return None
        return server_context(certificate, ("CREDITD_CONSOLE_LISTEN_TLS_KEY_FILE", settings.listen_tls_key_file))
    except (PlaintextExposed, InvalidCertificate) as error:
        raise InvalidConsoleSetting(str(error)) from error


def console_http_serving(
    app: Any, listener: socket.socket, context: ssl.SSLContext | None = None
) -> AbstractAsyncContextManager[None]:
    """Serve an ASGI application on a socket that listens already, while the block lasts; with a context over TLS.

    When the block ends, no more connections are taken; what is under way ends within limits.GRACE_SECONDS.
    """
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=limits.IDLE_SECONDS,
        timeout_graceful_shutdown=limits.GRACE_SECONDS,
        h11_max_incomplete_event_size=limits.MAX_HEADERS_BYTES,
    )
    if context:
        # It would make one of its own, from files, that follows no renewal.
        config.load()
        config.ssl = context
    return asgi.asgi_serving(config, listener)
