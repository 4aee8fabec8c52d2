"""The one connection to the service, encrypted unless it stays on this machine."""

from pathlib import Path
from typing import Final

import grpc

from creditd.addresses import is_loopback
from creditd.certificates import InvalidCertificate, Validity, fit_authorities, fit_pair
from creditd.webhooks import limits
from creditd.webhooks.settings import InvalidSetting, WebhooksSettings

_NEVER_MS: Final = 2**31 - 1

_OPTIONS: Final = (
    # The address given is the one called: a proxy named by the environment would see the token.
    ("grpc.enable_http_proxy", 0),
    # Open also between webhooks, so that the first one after a quiet hour does not wait for it.
    ("grpc.client_idle_timeout_ms", _NEVER_MS),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", limits.MAX_RECONNECT_SECONDS * 1_000),
    ("grpc.max_reconnect_backoff_ms", limits.MAX_RECONNECT_SECONDS * 1_000),
    ("grpc.keepalive_time_ms", limits.KEEPALIVE_SECONDS * 1_000),
    ("grpc.keepalive_timeout_ms", limits.KEEPALIVE_TIMEOUT_SECONDS * 1_000),
)


def channel_to(settings: WebhooksSettings) -> grpc.aio.Channel:
    """Return a channel to the service, which need not be there yet. Raises InvalidSetting."""
    if settings.tls_ca_file:
        return grpc.aio.secure_channel(settings.service, _credentials(settings), options=_OPTIONS)
    if not is_loopback(settings.service):
        raise InvalidSetting(f"{settings.service} is not a loopback address: set CREDITD_WEBHOOKS_TLS_CA_FILE")
    return grpc.aio.insecure_channel(settings.service, options=_OPTIONS)


def is_reachable(channel: grpc.aio.Channel) -> bool:
    """Return whether there is a connection; if not, start one."""
    return channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY


def _credentials(settings: WebhooksSettings) -> grpc.ChannelCredentials:
    try:
        # Checked first: grpc would report nothing and never connect.
        validities(settings)
    except InvalidCertificate as error:
        raise InvalidSetting(str(error)) from error
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    return grpc.ssl_channel_credentials(
        Path(settings.tls_ca_file).read_bytes(),
        Path(key).read_bytes() if key else None,
        Path(certificate).read_bytes() if certificate else None,
    )


def validities(settings: WebhooksSettings) -> tuple[Validity, ...]:
    """Return until when each certificate can be used. Raises InvalidCertificate."""
    if not settings.tls_ca_file:
        return ()
    authorities = fit_authorities("CREDITD_WEBHOOKS_TLS_CA_FILE", settings.tls_ca_file)
    if not settings.tls_certificate_file:
        return (authorities,)
    own = (
        ("CREDITD_WEBHOOKS_TLS_CERTIFICATE_FILE", settings.tls_certificate_file),
        ("CREDITD_WEBHOOKS_TLS_KEY_FILE", settings.tls_key_file),
    )
    return authorities, fit_pair(*own)
