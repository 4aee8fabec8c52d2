"""The connection to an executor: mutual TLS by files that are renewed, or plaintext where that is said."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import grpc

from creditd.certificates import Renewals, Validity, fit_authorities, fit_pair

MAX_CONNECT_SECONDS: Final = 2
"""How long a connection may take to be made, and the longest pause before the next: within breaker.PROBE_SECONDS."""

CHANNEL_IDLE_MILLISECONDS: Final = 2**31 - 1
"""For gRPC: without end."""

KEEPALIVE_SECONDS: Final = 310
"""How often a connection is probed on which an execution is silent. Every gRPC server takes pings that are five minutes
apart, and cuts those off that ping more often, unless it was told otherwise: executors are written by others."""

KEEPALIVE_TIMEOUT_SECONDS: Final = 20
"""A connection on which nothing is acknowledged for as long is dead."""

MAX_ANSWER_BYTES: Final = 256 * 1024
"""Of one message: the largest lawful one has 64 kB. A larger one is not read."""


class ExecutorPlace(NamedTuple):
    """Where an executor is, ``host:port``, and whether it is called over TLS."""

    name: str
    address: str
    has_tls: bool


class ExecutorCertificates(NamedTuple):
    """PEM files: whose certificates executors show, and what is shown to them. Each is empty for none."""

    ca_file: str
    certificate_file: str
    key_file: str

    def renewals(self, *, tells: bool = True) -> Renewals:
        """Return what follows the files. Raises InvalidCertificate."""
        return Renewals(self, self._validities, tells=tells)

    def _validities(self) -> tuple[Validity, ...]:
        if not self.ca_file:
            return ()
        authorities = fit_authorities("CREDITD_EXECUTORS_TLS_CA_FILE", self.ca_file)
        if not self.certificate_file:
            return (authorities,)
        own = (
            ("CREDITD_EXECUTORS_TLS_CERTIFICATE_FILE", self.certificate_file),
            ("CREDITD_EXECUTORS_TLS_KEY_FILE", self.key_file),
        )
        return authorities, fit_pair(*own)

    def credentials(self) -> grpc.ChannelCredentials:
        """Return what a channel is encrypted with. Raises OSError."""
        files = (self.ca_file, self.key_file, self.certificate_file)
        return grpc.ssl_channel_credentials(*(Path(file).read_bytes() if file else None for file in files))


class ExecutorChannel:
    """A channel to one executor, which need not be there yet; made anew when the files of the certificates change.

    What is under way on the one before is finished there, however long that takes.
    """

    def __init__(self, place: ExecutorPlace, certificates: ExecutorCertificates) -> None:
        """Connect at the first call. Raises InvalidCertificate, OSError."""
        self._place = place
        self._certificates = certificates
        self._renewals = certificates.renewals() if place.has_tls else None
        self._closing: set[asyncio.Task[None]] = set()
        self._uses: dict[grpc.aio.Channel, int] = {}
        self._channel = self._made()

    @contextmanager
    def use(self) -> Iterator[grpc.aio.Channel]:
        """Enter with the channel for one call, which ends within."""
        if self._renewals and self._renewals.take():
            before, self._channel = self._channel, self._made()
            self._close_unused(before)
        channel = self._channel
        self._uses[channel] += 1
        try:
            yield channel
        finally:
            self._uses[channel] -= 1
            self._close_unused(channel)

    async def close(self) -> None:
        """End it, with what is under way."""
        await asyncio.gather(*(channel.close() for channel in self._uses), *self._closing, return_exceptions=True)

    def _close_unused(self, channel: grpc.aio.Channel) -> None:
        if channel is self._channel or self._uses[channel]:
            return
        del self._uses[channel]
        closing = asyncio.create_task(channel.close(), name="close the channel before")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _made(self) -> grpc.aio.Channel:
        if self._place.has_tls:
            credentials = self._certificates.credentials()
            channel = grpc.aio.secure_channel(self._place.address, credentials, options=_OPTIONS)
        else:
            channel = grpc.aio.insecure_channel(self._place.address, options=_OPTIONS)
        self._uses[channel] = 0
        return channel


_OPTIONS: Final = [
    # The address given is the one called, and no proxy named by the environment.
    ("grpc.enable_http_proxy", 0),
    ("grpc.client_idle_timeout_ms", CHANNEL_IDLE_MILLISECONDS),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", MAX_CONNECT_SECONDS * 1_000),
    ("grpc.max_reconnect_backoff_ms", MAX_CONNECT_SECONDS * 1_000),
    ("grpc.keepalive_time_ms", KEEPALIVE_SECONDS * 1_000),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_SECONDS * 1_000),
    ("grpc.http2.ping_timeout_ms", KEEPALIVE_TIMEOUT_SECONDS * 1_000),
    ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
]
