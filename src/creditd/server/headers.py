"""What a caller sends along with a call, bounded before anything reads it.

grpcio announces its limits on metadata to clients and holds no client to them.
"""

from collections.abc import Iterable
from typing import Final

from creditd.server.refusals import MetadataTooLarge, TokenInvalid

Headers = dict[str, str | bytes]

MAX_HEADERS: Final = 64
"""gRPC itself, a token, tracing and a proxy or two need about a dozen."""

MAX_HEADER_BYTES: Final = 16 * 1024
"""Of all names and values together: twice gRPC's usual limit, for long tokens."""


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
