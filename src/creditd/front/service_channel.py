"""A process's one connection to the service, encrypted unless it stays on this machine."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar

import grpc

from creditd.addresses import is_loopback
from creditd.certificates import InvalidCertificate, Renewals, Validity, fit_authorities, fit_pair
from creditd.front.setting_errors import InvalidSetting

MAX_RECONNECT_SECONDS: Final = 2
"""The longest pause between tries to reach the service: grpc's own two minutes would outlast its restart by far."""

CHANNEL_IDLE_MILLISECONDS = 2**31 - 1
"""For gRPC: without end. The connection stays open also while nothing is asked, so that the first call after a quiet
hour does not wait for it. Read as an attribute of this module, as the two below, so that tests can set it."""

KEEPALIVE_SECONDS = 30
"""How often a connection with a call under way is probed; setting it also has the system give up on a dead one."""

KEEPALIVE_TIMEOUT_SECONDS = 5
"""A connection on which nothing is acknowledged for as long is dead, and another one is made."""


class ServicePlace(NamedTuple):
    """Where the service is, ``host:port``, and how it is called.

    The files are PEM, each empty for none: with ``ca_file`` the service has to show a certificate of that authority;
    ``certificate_file`` and ``key_file`` are what is shown to it. ``setting`` is what the names of their settings begin
    with. A call takes ``call_seconds`` at most.
    """

    service: str
    ca_file: str
    certificate_file: str
    key_file: str
    setting: str
    call_seconds: float


def require_known_service(service: str, ca_file: str, setting: str) -> None:
    """Verify that a service on ``host:port`` is on this machine, or is known by an authority. Raises InvalidSetting."""
    if not ca_file and not is_loopback(service):
        raise InvalidSetting(f"{service} is not a loopback address: set {setting}_TLS_CA_FILE")


Stubs = TypeVar("Stubs")


class ServiceChannel(Generic[Stubs]):
    """A channel to the service, which need not be there yet; made anew when the files of its certificates change.

    Files that cannot be used leave the channel as it is, and the log says why.
    """

    def __init__(self, place: ServicePlace, stubs_over: Callable[[grpc.aio.Channel], Stubs]) -> None:
        """Connect at the first call, by what ``stubs_over`` makes of the channel. Raises InvalidSetting."""
        require_known_service(place.service, place.ca_file, place.setting)
        self._place = place
        self._stubs_over = stubs_over
        files = (place.ca_file, place.certificate_file, place.key_file)
        try:
            # Judged first: grpc would report nothing and never connect.
            self._renewals = Renewals(files, lambda: _validities(place))
        except InvalidCertificate as error:
            raise InvalidSetting(str(error)) from error
        self._closing: set[asyncio.Task[None]] = set()
        self._make()

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

    @property
    def stubs(self) -> Stubs:
        """What calls are made by, for those of one request."""
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
            closing = asyncio.create_task(
                _close_later(self._channel, self._place.call_seconds), name="close the channel before"
            )
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            self._make()

    def _make(self) -> None:
        if self._place.ca_file:
            self._channel = grpc.aio.secure_channel(self._place.service, _credentials(self._place), options=_options())
        else:
            self._channel = grpc.aio.insecure_channel(self._place.service, options=_options())
        self._stubs = self._stubs_over(self._channel)


async def _close_later(channel: grpc.aio.Channel, seconds: float) -> None:
    """Close a channel on which no more calls are begun, once each of them has had its time."""
    try:
        await asyncio.sleep(seconds)
    finally:
        await channel.close()


def _options() -> list[tuple[str, int]]:
    return [
        # The address given is the one called: a proxy named by the environment would see the tokens.
        ("grpc.enable_http_proxy", 0),
        ("grpc.client_idle_timeout_ms", CHANNEL_IDLE_MILLISECONDS),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", MAX_RECONNECT_SECONDS * 1_000),
        ("grpc.max_reconnect_backoff_ms", MAX_RECONNECT_SECONDS * 1_000),
        ("grpc.keepalive_time_ms", KEEPALIVE_SECONDS * 1_000),
        # Both: the one is for a machine that is gone, which the system finds out; the other for a process that hangs,
        # whose system acknowledges whatever is sent.
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_SECONDS * 1_000),
        ("grpc.http2.ping_timeout_ms", KEEPALIVE_TIMEOUT_SECONDS * 1_000),
    ]


def _credentials(place: ServicePlace) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        Path(place.ca_file).read_bytes(),
        Path(place.key_file).read_bytes() if place.key_file else None,
        Path(place.certificate_file).read_bytes() if place.certificate_file else None,
    )


def _validities(place: ServicePlace) -> tuple[Validity, ...]:
    """Return until when each certificate can be used. Raises InvalidCertificate."""
    if not place.ca_file:
        return ()
    authorities = fit_authorities(f"{place.setting}_TLS_CA_FILE", place.ca_file)
    if not place.certificate_file:
        return (authorities,)
    own = (
        (f"{place.setting}_TLS_CERTIFICATE_FILE", place.certificate_file),
        (f"{place.setting}_TLS_KEY_FILE", place.key_file),
    )
    return authorities, fit_pair(*own)
