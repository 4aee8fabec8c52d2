"""The one connection to the service, encrypted unless it stays on this machine."""

from pathlib import Path

import grpc

from creditd.addresses import is_loopback
from creditd.certificates import InvalidCertificate, Validity, fit_authorities, fit_pair
from creditd.webhooks import limits
from creditd.webhooks.settings import InvalidSetting, WebhooksSettings


def channel_to(settings: WebhooksSettings) -> grpc.aio.Channel:
    """Return a channel to the service, which need not be there yet. Raises InvalidSetting."""
    if settings.tls_ca_file:
        return grpc.aio.secure_channel(settings.service, _credentials(settings), options=_options())
    if not is_loopback(settings.service):
        raise InvalidSetting(f"{settings.service} is not a loopback address: set CREDITD_WEBHOOKS_TLS_CA_FILE")
    return grpc.aio.insecure_channel(settings.service, options=_options())


def _options() -> list[tuple[str, int]]:
    return [
        # The address given is the one called: a proxy named by the environment would see the token.
        ("grpc.enable_http_proxy", 0),
        ("grpc.client_idle_timeout_ms", limits.CHANNEL_IDLE_MILLISECONDS),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", limits.MAX_RECONNECT_SECONDS * 1_000),
        ("grpc.max_reconnect_backoff_ms", limits.MAX_RECONNECT_SECONDS * 1_000),
        ("grpc.keepalive_time_ms", limits.KEEPALIVE_SECONDS * 1_000),
        # Both: the one is for a machine that is gone, which the system finds out; the other for a process that hangs,
        # whose system acknowledges whatever is sent.
        ("grpc.keepalive_timeout_ms", limits.KEEPALIVE_TIMEOUT_SECONDS * 1_000),
        ("grpc.http2.ping_timeout_ms", limits.KEEPALIVE_TIMEOUT_SECONDS * 1_000),
    ]


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
