"""Addresses, ``host:port``: in settings and flags, of callers, and what may be served on them unencrypted."""

import ipaddress
from collections.abc import Collection
from enum import StrEnum
from typing import Final

HIGHEST_PORT: Final = 65_535

IPV6_NETWORK: Final = 64
"""Bits of an IPv6 address that stand for one place: whoever has one address of a network has all of them."""

IPV6_SITE: Final = 48
"""Bits of the largest block that one customer is given (RFC 6177), of 65,536 networks."""


def port_of(address: str) -> int:
    """Return the port of ``host:port``. Raises ValueError."""
    host, separator, port = address.rpartition(":")
    if not host or not separator or not port.isdecimal() or int(port) > HIGHEST_PORT:
        raise ValueError(address)
    return int(port)


def is_address(address: str) -> bool:
    """Tell whether a text is ``host:port``."""
    try:
        port_of(address)
    except ValueError:
        return False
    return True


def is_loopback(address: str) -> bool:
    """Tell whether ``host:port`` is on this machine alone; a Unix socket is."""
    host = address.rpartition(":")[0].strip("[]")
    if address.startswith("unix:") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def place_of(address: str) -> str:
    """Return what counts as one place of a caller's address, ``host:port`` or the name of a socket."""
    host = address.rpartition(":")[0].strip("[]").partition("%")[0] or address
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(parsed, ipaddress.IPv6Address):
        # One of IPv4 as a socket or a proxy may write it: all of those would be one network.
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, IPV6_NETWORK), strict=False))
    return host


def site_of(place: str) -> str:
    """Return the IPv6 site that a place is in; empty for a place that is no network of IPv6."""
    try:
        return str(ipaddress.IPv6Network(place).supernet(new_prefix=IPV6_SITE))
    except ValueError:
        return ""


class Listener(StrEnum):
    """What listens for others, by the name that the setting of plaintext has for it."""

    GRPC = "grpc"
    METRICS = "metrics"
    WEBHOOKS = "webhooks"
    CONSOLE = "console"


_TLS_SETTINGS: Final = {
    Listener.GRPC: "CREDITD_TLS",
    Listener.METRICS: "CREDITD_METRICS_TLS",
    Listener.WEBHOOKS: "CREDITD_WEBHOOKS_LISTEN_TLS",
    Listener.CONSOLE: "CREDITD_CONSOLE_LISTEN_TLS",
}
"""How the settings of a listener's certificate and key begin."""


class PlaintextExposed(ValueError):
    """A listener would serve plaintext where others can reach it; the message says what to set."""


def require_encrypted(
    listener: Listener, address: str, *, has_tls: bool, plaintext_listeners: Collection[str] = ()
) -> None:
    """Verify that a listener on ``host:port`` encrypts, or stays on this machine, or is one that need not.

    Raises PlaintextExposed.
    """
    if has_tls or is_loopback(address) or listener in plaintext_listeners:
        return
    tls = _TLS_SETTINGS[listener]
    raise PlaintextExposed(
        f"{address} is not a loopback address: set {tls}_CERTIFICATE_FILE and {tls}_KEY_FILE, or, on a network that "
        f"nobody else reads, have CREDITD_PLAINTEXT_LISTENERS name {listener}"
    )
