"""Addresses in settings and flags: ``host:port``."""

import ipaddress
from typing import Final

HIGHEST_PORT: Final = 65_535


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
