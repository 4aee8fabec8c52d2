"""The one connection to the service, encrypted unless it stays on this machine."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import grpc

from credit.v1.webhook_service_pb2 import IngestWebhookRequest, IngestWebhookResponse
from credit.v1.webhook_service_pb2_grpc import WebhookServiceStub
from creditd.certificates import InvalidCertificate, Renewals, Validity, fit_authorities, fit_pair
from creditd.webhooks import limits
from creditd.webhooks.settings import InvalidSetting, WebhooksSettings, require_known_service


class ServiceChannel:
    """A channel to the service, which need not be there yet; made anew when the files of its certificates change.

    Files that cannot be used leave the channel as it is, and the log says why.
    """

    def __init__(self, settings: WebhooksSettings) -> None:
        """Connect at the first call. Raises InvalidSetting."""
        require_known_service(settings.service, settings.tls_ca_file)
        self._settings = settings
        files = (settings.tls_ca_file, settings.tls_certificate_file, settings.tls_key_file)
        try:
            # Judged first: grpc would report nothing and never connect.
            self._renewals = Renewals(files, lambda: _validities(settings))
        except InvalidCertificate as error:
            raise InvalidSetting(str(error)) from error
        self._channel = self._made()
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def validities(self) -> tuple[Validity, ...]:
        """Until when each certificate in use can be used."""
        self._renew()
        return self._renewals.validities

    def connect(self) -> None:
        """Begin to connect, if there is no connection."""
        self._channel.get_state(try_to_connect=True)

    @property
    def is_reachable(self) -> bool:
        """Whether there is a connection at the moment; asking has one made."""
        self._renew()
        return self._channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY

    def ingest(
        self, request: IngestWebhookRequest, metadata: tuple[tuple[str, str], ...]
    ) -> Awaitable[IngestWebhookResponse]:
        """Call the service, for limits.RPC_SECONDS at most. Raises grpc.aio.AioRpcError."""
        self._renew()
        call: Awaitable[IngestWebhookResponse] = self._ingest(request, timeout=limits.RPC_SECONDS, metadata=metadata)
        return call

    async def close(self) -> None:
        """End it, with what is under way."""
        for one in self._closing:
            one.cancel()
        await asyncio.gather(self._channel.close(), *self._closing, return_exceptions=True)

    def _renew(self) -> None:
        """Make the channel anew if its files have changed; what is under way on the one before is finished there."""
        if self._renewals.take():
            closing = asyncio.create_task(_close_later(self._channel), name="close the channel before")
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            self._channel = self._made()

    def _made(self) -> grpc.aio.Channel:
        if self._settings.tls_ca_file:
            channel = grpc.aio.secure_channel(self._settings.service, _credentials(self._settings), options=_options())
        else:
            channel = grpc.aio.insecure_channel(self._settings.service, options=_options())
        self._ingest = WebhookServiceStub(channel).IngestWebhook
        return channel


async def _close_later(channel: grpc.aio.Channel) -> None:
    """Close a channel on which no more calls are begun, once each of them has had its time."""
    try:
        await asyncio.sleep(limits.RPC_SECONDS)
    finally:
        await channel.close()


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


def _credentials(settings: WebhooksSettings) -> grpc.ChannelCredentials:
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    return grpc.ssl_channel_credentials(
        Path(settings.tls_ca_file).read_bytes(),
        Path(key).read_bytes() if key else None,
        Path(certificate).read_bytes() if certificate else None,
    )


def _validities(settings: WebhooksSettings) -> tuple[Validity, ...]:
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
