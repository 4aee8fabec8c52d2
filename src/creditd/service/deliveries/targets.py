"""Where events may be sent to: https, and no address that only we can reach (requirement H6).

A name is resolved once for each connection, all of its addresses are judged, and the connection goes to one of those
that were judged: what the name resolves to a moment later changes nothing.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

MAX_URL_LENGTH: Final = 2_048

INTERNET: Final = IPv6Network("2000::/3")
"""What is given out of IPv6 addresses. All else is ours, of a link, of a group, or of nobody yet."""

TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""Stand for the IPv4 address in their last 32 bits (RFC 6052). A network's own such prefix is not of the internet."""

NOBODYS: Final = tuple(IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
"""Within INTERNET: protocols' own with Teredo, documentation, and 6to4; Teredo and 6to4 lead to IPv4 addresses."""

OURS: Final = tuple(
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
"""IPv4 addresses that are not anybody's on the internet (RFC 6890 and IANA's registry): unspecified, private, of a
provider's network, loopback, link-local with the metadata of clouds, protocols' own, documentation, benchmarks,
multicast, reserved."""

METADATA: Final = (IPv4Address("168.63.129.16"),)
"""Looks like anybody's, and is a cloud's own service for its machines (Azure)."""


def is_public(address: str) -> bool:
    """Tell whether an address is anybody's on the internet, and not one of ours, however it is written."""
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return ip not in METADATA and not any(ip in network for network in OURS)
    inner = _stands_for(ip)
    if inner is not None:
        return is_public(str(inner))
    # One with a zone ("%eth0") is a link's.
    return ip.scope_id is None and ip in INTERNET and not any(ip in network for network in NOBODYS)


def _stands_for(ip: IPv6Address) -> IPv4Address | None:
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in TRANSLATED else None


def problem_of(url: str, *, allows_private: bool) -> str | None:
    """Return why nothing may be sent to a URL, as far as it says so itself; None if it may.

    Where private addresses are allowed plain http is, too.
    """
    schemes = ("https", "http") if allows_private else ("https",)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "a URL"
    if parts.scheme not in schemes or not host or port == 0 or len(url) > MAX_URL_LENGTH:
        return f"a URL of {' or '.join(schemes)}, of {MAX_URL_LENGTH} characters at most"
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return "of printable ASCII, without spaces and backslashes"
    if "@" in parts.netloc or parts.fragment:
        return "without user, password and fragment"
    if not allows_private and _is_address(host) and not is_public(host):
        return NOT_PUBLIC
    return None


NOT_PUBLIC: Final = "an address that anybody can reach"


def are_public(addresses: Iterable[str]) -> bool:
    """Tell whether all of the addresses of a name are anybody's: one that is not is enough to refuse it."""
    return all(map(is_public, addresses))


def host_of(url: str) -> tuple[str, int]:
    """Return the host and the port of a URL that has no problem."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
