"""The one connection to the service, encrypted unless it stays on this machine."""

import asyncio
from pathlib import Path
from typing import Any

import grpc

from credit.v1.access_service_pb2_grpc import AccessServiceStub
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit.v1.identity_service_pb2_grpc import IdentityServiceStub
from credit.v1.support_service_pb2_grpc import SupportServiceStub
from creditd.certificates import InvalidCertificate, Renewals, Validity, fit_authorities, fit_pair
from creditd.console import limits
from creditd.console.settings import ConsoleSettings, InvalidConsoleSetting, require_known_console_service


class Stubs:
    """The services, each by its name, over one channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """Call over ``channel``."""
        # Any: what the stubs of asyncio are is known to type checkers alone.
        self.access: Any = AccessServiceStub(channel)
        self.admin: Any = AdminServiceStub(channel)
        self.credit: Any = CreditServiceStub(channel)
        self.identity: Any = IdentityServiceStub(channel)
        self.support: Any = SupportServiceStub(channel)


class ConsoleChannel:
    """A channel to the service, which need not be there yet; made anew when the files of its certificates change.

    Files that cannot be used leave the channel as it is, and the log says why.
    """

    def __init__(self, settings: ConsoleSettings) -> None:
        """Connect at the first call. Raises InvalidConsoleSetting."""
        require_known_console_service(settings.service, settings.tls_ca_file)
        self._settings = settings
        files = (settings.tls_ca_file, settings.tls_certificate_file, settings.tls_key_file)
        try:
            # Judged first: grpc would report nothing and never connect.
            self._renewals = Renewals(files, lambda: _validities(settings))
        except InvalidCertificate as error:
            raise InvalidConsoleSetting(str(error)) from error
        self._channel = self._made()
        self._stubs = Stubs(self._channel)
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def validities(self) -> tuple[Validity, ...]:
        """Until when each certificate in use can be used."""
        self._renew()
        return self._renewals.validities

    @property
    def is_reachable(self) -> bool:
        """Whether there is a connection at the moment; asking has one made."""
        self._renew()
        return self._channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY

    @property
    def stubs(self) -> Stubs:
        """The services, for the calls of one page."""
        self._renew()
        return self._stubs

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
            self._stubs = Stubs(self._channel)

    def _made(self) -> grpc.aio.Channel:
        if self._settings.tls_ca_file:
            return grpc.aio.secure_channel(self._settings.service, _credentials(self._settings), options=_options())
        return grpc.aio.insecure_channel(self._settings.service, options=_options())


async def _close_later(channel: grpc.aio.Channel) -> None:
    """Close a channel on which no more calls are begun, once each of them has had its time."""
    try:
        await asyncio.sleep(limits.RPC_SECONDS)
    finally:
        await channel.close()


def _options() -> list[tuple[str, int]]:
    return [
        # The address given is the one called: a proxy named by the environment would see the tokens.
        ("grpc.enable_http_proxy", 0),
        ("grpc.client_idle_timeout_ms", limits.CHANNEL_IDLE_MILLISECONDS),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", limits.MAX_RECONNECT_SECONDS * 1_000),
        ("grpc.max_reconnect_backoff_ms", limits.MAX_RECONNECT_SECONDS * 1_000),
        ("grpc.keepalive_time_ms", limits.KEEPALIVE_SECONDS * 1_000),
        ("grpc.keepalive_timeout_ms", limits.KEEPALIVE_TIMEOUT_SECONDS * 1_000),
        ("grpc.http2.ping_timeout_ms", limits.KEEPALIVE_TIMEOUT_SECONDS * 1_000),
    ]


def _credentials(settings: ConsoleSettings) -> grpc.ChannelCredentials:
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    return grpc.ssl_channel_credentials(
        Path(settings.tls_ca_file).read_bytes(),
        Path(key).read_bytes() if key else None,
        Path(certificate).read_bytes() if certificate else None,
    )


def _validities(settings: ConsoleSettings) -> tuple[Validity, ...]:
    """Return until when each certificate can be used. Raises InvalidCertificate."""
    if not settings.tls_ca_file:
        return ()
    authorities = fit_authorities("CREDITD_CONSOLE_TLS_CA_FILE", settings.tls_ca_file)
    if not settings.tls_certificate_file:
        return (authorities,)
    own = (
        ("CREDITD_CONSOLE_TLS_CERTIFICATE_FILE", settings.tls_certificate_file),
        ("CREDITD_CONSOLE_TLS_KEY_FILE", settings.tls_key_file),
    )
    return authorities, fit_pair(*own)
