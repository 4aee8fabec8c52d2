"""The little of HPACK (RFC 7541) that a client needs whose calls all carry the same headers."""

UNREADABLE = -1
"""The status of an answer whose trailers say none that can be read; counted as a failure, never as OK."""

_STATIC_DYNAMIC_BORDER = 62
_METHOD_POST = b"\x83"
_SCHEME_HTTP = b"\x86"
_PATH, _AUTHORITY, _AUTHORIZATION = 4, 1, 23
_STATUS_NAME = b"\x0bgrpc-status"
_STATUS_OK = _STATUS_NAME + b"\x010"
# As Envoy writes it: the name in Huffman codes, by which it is shorter; a status in digits never is.
_CODED_STATUS_NAME = b"\x88\x9a\xca\xc8\xb2\x124\xda\x8f"
_CODED_STATUS_OK = _CODED_STATUS_NAME + b"\x010"
_ACCOUNT = b"\0\x0cx-account-id"


class HeaderTable:
    """Encodes request headers for one connection: whole the first time, one byte for each from then on.

    The bearer token alone is sent whole with every call and kept out of the table, as grpc's own C core does, so that
    the server has as many bytes to read as from a real client.
    """

    def __init__(self, authority: str, token: str, timeout: str) -> None:
        """Promises blocks for calls to `authority` with this bearer token and this grpc-timeout."""
        self._authority = authority.encode()
        self._steady = (
            (b"te", b"trailers"),
            (b"content-type", b"application/grpc"),
            (b"user-agent", b"creditd-bench"),
            (b"grpc-timeout", timeout.encode()),
        )
        bearer = _string(b"Bearer " + token.encode()) if token else b""
        self._token = _integer(_AUTHORIZATION, 4, 0x00) + bearer if token else b""
        self._positions: dict[tuple[bytes, bytes], int] = {}
        self._blocks: dict[str, tuple[int, bytes]] = {}

    def block(self, path: str, account: bytes = b"") -> bytes:
        """The header block of the next call of `path`; blocks must be sent in the order they were asked for.

        An `account` is named by a header too, which is kept out of the table.

        Bytes that are no text stand in it as surrogates.
        """
        if account:
            return self.block(path) + _ACCOUNT + _string(account)
        known = self._blocks.get(path)
        if known is not None and known[0] == len(self._positions):
            return known[1]
        before = len(self._positions)
        fields = [
            self._field(b":path", path.encode(errors="surrogateescape"), _PATH),
            self._field(b":authority", self._authority, _AUTHORITY),
        ]
        fields += [self._field(name, value) for name, value in self._steady]
        block = b"".join((_METHOD_POST, _SCHEME_HTTP, *fields, self._token))
        if len(self._positions) == before:
            # Only a block that adds nothing may be sent again: its indexes hold as long as the table stays as it is.
            self._blocks[path] = (before, block)
        return block

    def _field(self, name: bytes, value: bytes, static_name: int = 0) -> bytes:
        position = self._positions.get((name, value))
        if position is not None:
            return _integer(_STATIC_DYNAMIC_BORDER + len(self._positions) - 1 - position, 7, 0x80)
        self._positions[name, value] = len(self._positions)
        return _integer(static_name, 6, 0x40) + (b"" if static_name else _string(name)) + _string(value)


def grpc_status(trailers: bytes) -> int:
    """The grpc-status in a block written without a dynamic table, and with its digits as they are, or `UNREADABLE`.

    The client announces a table of size 0, so that a block stands for itself, and grpc's C core never uses Huffman
    codes; a server that did would be seen at once, as every one of its answers would count as unreadable.
    """
    if _STATUS_OK in trailers or _CODED_STATUS_OK in trailers:
        return 0
    name = _STATUS_NAME if _STATUS_NAME in trailers else _CODED_STATUS_NAME
    at = trailers.find(name)
    if at < 0:
        return UNREADABLE
    start = at + len(name) + 1
    digits = trailers[start : start + trailers[start - 1]]
    return int(digits) if digits.isdigit() else UNREADABLE


def _integer(value: int, prefix_bits: int, pattern: int) -> bytes:
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes((pattern | value,))
    encoded = bytearray((pattern | limit,))
    value -= limit
    while value > 0x7F:
        encoded.append(0x80 | value & 0x7F)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _string(value: bytes) -> bytes:
    return _integer(len(value), 7, 0x00) + value
