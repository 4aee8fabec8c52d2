"""Where calls come from, as the log says it."""

from functools import lru_cache
from urllib.parse import unquote

from creditd.addresses import place_of

REMEMBERED_PEERS = 1_024
"""Connections whose addresses are not made out anew for each of their calls."""

UNIX = "unix"


@lru_cache(REMEMBERED_PEERS)
def address_of(peer: str) -> str:
    """Return ``host:port`` of what gRPC calls a peer, such as ``ipv4:10.0.0.7:40962``; ``unix`` for a Unix socket.

    The port tells two callers behind one address apart, and finds them in the log of a proxy.
    """
    scheme, _, rest = peer.partition(":")
    return UNIX if scheme.startswith(UNIX) else unquote(rest)


@lru_cache(REMEMBERED_PEERS)
def place_of_peer(peer: str) -> str:
    """Return what counts as one place of what gRPC calls a peer."""
    return place_of(address_of(peer))
