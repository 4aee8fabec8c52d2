"""Where events may be sent to: https, and no address that only we can reach (requirement H6).

A name is resolved once for each connection, all of its addresses are judged, and the connection goes to one of those
that were judged: what the name resolves to a moment later changes nothing.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore

MAX_URL_LENGTH: Final = 2_048

MAX_ADDRESSES: Final = 16
"""Of one name that are looked at: more than any service has."""

_NAT64: Final = IPv6Network("64:ff9b::/96")
"""Translated to the IPv4 address in its last 32 bits (RFC 6052)."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a name."""


class TargetRefused(Exception):
    """Nothing is sent there; the message says why."""


def is_public(address: str) -> bool:
    """Tell whether an address is anybody's on the internet, and not one of ours, however it is written."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        return all(map(_is_global, (ip, *_within(ip))))
    return _is_global(ip)


def _within(ip: IPv6Address) -> Iterable[IPv4Address]:
    """Return the IPv4 addresses that packets to an IPv6 address may come to."""
    if ip.ipv4_mapped:
        yield ip.ipv4_mapped
    if ip.sixtofour:
        yield ip.sixtofour
    if ip.teredo:
        yield from ip.teredo
    if ip in _NAT64:
        yield IPv4Address(int(ip) & 0xFFFF_FFFF)


def _is_global(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv6Address) and (ip.ipv4_mapped or ip in _NAT64):
        # Judged by what it stands for.
        return True
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def problem_of(url: str, *, allows_private: bool, allows_http: bool) -> str | None:
    """Return why nothing may be sent to a URL, as far as it says so itself; None if it may."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "a URL"
    schemes = ("https", "http") if allows_http else ("https",)
    if parts.scheme not in schemes or not host or port == 0 or not url.isascii() or len(url) > MAX_URL_LENGTH:
        return f"a URL of {' or '.join(schemes)} in ASCII, of {MAX_URL_LENGTH} characters at most"
    if "@" in parts.netloc or parts.fragment or any(character.isspace() for character in url):
        return "without user, password, fragment and spaces"
    if not allows_private and (_is_address(host) and not is_public(host)):
        return "a public address"
    return None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name, by the machine's own resolver, on a thread. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found[:MAX_ADDRESSES]]


class JudgedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to addresses that may be connected to, and to no other."""

    def __init__(self, resolve: Resolve = resolve, *, allows_private: bool = False) -> None:
        """Resolve names by ``resolve``; without ``allows_private`` every address of a name has to be public."""
        self._resolve = resolve
        self._allows_private = allows_private
        self.network: httpcore.AsyncNetworkBackend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own.
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a name, or an address. Raises TargetRefused, httpcore.ConnectError, httpcore.ConnectTimeout."""
        try:
            addresses = await self._resolve(host, port)
        except OSError as error:
            message = "the name cannot be resolved"
            raise httpcore.ConnectError(message) from error
        if not addresses:
            message = "the name has no address"
            raise httpcore.ConnectError(message)
        if not self._allows_private and not all(map(is_public, addresses)):
            message = "the name has an address that is not public"
            raise TargetRefused(message)
        return await self.network.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Refuse: nobody's endpoint is a file of this machine."""
        message = "a socket of this machine"
        raise TargetRefused(message)

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await asyncio.sleep(seconds)
