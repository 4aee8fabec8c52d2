"""What a caller sends along with a call, bounded before anything reads it.

grpcio announces its limits on metadata to clients and holds no client to them.
"""

import gc
from collections.abc import Iterable
from typing import Any, Final

import grpc

from creditd.server.refusals import MetadataTooLarge, TokenInvalid

Headers = dict[str, str | bytes]

MAX_HEADERS: Final = 64
"""gRPC itself, a token, tracing and a proxy or two need about a dozen."""

MAX_HEADER_BYTES: Final = 16 * 1024
"""Of all names and values together: twice gRPC's usual limit, for long tokens."""

FORGOTTEN_BYTES: Final = 16 * 1024 * 1024
"""Headers of calls that have ended and that may stay in memory: those of 15,000 calls of the usual kilobyte, or of a
few that bring megabytes."""


class HeaderMemory(grpc.GenericRpcHandler):
    """Sees to it that headers go when their calls do. It is asked for a handler of every call first, and has none.

    grpc.aio keeps the metadata of each call in a cycle, which stays until Python looks for such; and that it does by
    the number of objects, not by what they hold: 500 calls without a token held 2.9 GB.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._bytes = 0

    def service(self, handler_call_details: Any) -> None:
        """Count what a call brings along, and look for cycles when it is much."""
        self._bytes += sum([len(name) + len(value) for name, value in handler_call_details.invocation_metadata])
        if self._bytes >= FORGOTTEN_BYTES:
            self._bytes = 0
            # The young ones are enough: no call lasts so long that it has grown old.
            gc.collect(1)


def read_headers(metadata: Iterable[tuple[str, str | bytes]] | None) -> Headers:
    """Return the metadata of a call by name; of several with one name the last.

    Raises MetadataTooLarge, and TokenInvalid for more than one ``authorization``: what is in front of this server may
    have checked another one than we would.
    """
    pairs = tuple(metadata or ())
    size = sum([len(name) + len(value) for name, value in pairs])
    if len(pairs) > MAX_HEADERS or size > MAX_HEADER_BYTES:
        raise MetadataTooLarge(size=size, maximum=MAX_HEADER_BYTES, count=len(pairs), maximum_count=MAX_HEADERS)
    headers = dict(pairs)
    if len(headers) < len(pairs) and [name for name, _ in pairs].count("authorization") > 1:
        raise TokenInvalid(problem="more than one")
    return headers
