"""Texts of a request that are none: what is not UTF-8, and what has NUL in it, which PostgreSQL does not store.

The protobuf library refuses a message for the first without saying which field it is, and takes the second. So the
message is looked through as it came, up to MAX_PARTS of its parts: that is done on the thread that serves everybody.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Final, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from creditd.server.refusals import InvalidFields

MAX_PARTS: Final = 10_000
"""More than any call about one thing has, and some milliseconds of looking."""

_FIXED_BYTES: Final = {1: 8, 5: 4}
"""Of the wire types that have a length of their own: 64 and 32 bits."""

_VARINT: Final = 0
_LENGTH_DELIMITED: Final = 2

_VARINT_BITS: Final = 70
"""Ten bytes of seven bits: no number takes more."""


class _Part(NamedTuple):
    number: int
    content: bytes


def unreadable(message: bytes, kind: Descriptor) -> InvalidFields:
    """Return what to say of a message that cannot be read: the first text that is not UTF-8, or all of it."""
    for path, content in _texts(message, kind):
        if not _is_utf8(content):
            return InvalidFields([(path, "string.utf8", "has to be UTF-8")])
    return InvalidFields([("request", "wire_format", "is not the message of this method")])


def require_storable(message: bytes, kind: Descriptor) -> None:
    """Raise InvalidFields if a text of a message has NUL in it. A map's keys and values are named after the map."""
    if b"\0" in message:
        for path, content in _texts(message, kind):
            if b"\0" in content:
                raise InvalidFields([(path, "string.nul", "must not contain NUL")])


def _texts(message: bytes, kind: Descriptor) -> Iterator[tuple[str, bytes]]:
    """Yield the path and the bytes of each text, as far as the parts can be told apart."""
    with suppress(IndexError, ValueError):
        yield from _texts_below(message, kind, "", count())


def _texts_below(message: bytes, kind: Descriptor, above: str, parts: "count[int]") -> Iterator[tuple[str, bytes]]:
    is_entry = kind.GetOptions().map_entry
    places: Counter[int] = Counter()
    for part in _parts(message, parts):
        field = kind.fields_by_number.get(part.number)
        if field is None:
            continue
        path = above if is_entry else f"{above}.{field.name}".lstrip(".")
        if field.is_repeated and not (field.message_type and field.message_type.GetOptions().map_entry):
            path = f"{path}[{places[field.number]}]"
            places[field.number] += 1
        if field.type == FieldDescriptor.TYPE_STRING:
            yield path, part.content
        elif field.message_type:
            yield from _texts_below(part.content, field.message_type, path, parts)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _parts(message: bytes, parts: "count[int]") -> Iterator[_Part]:
    """Yield what has a length: texts, bytes and messages. Raises IndexError and ValueError where it is no message."""
    at = 0
    while at < len(message):
        if next(parts) >= MAX_PARTS:
            raise ValueError
        tag, at = _varint(message, at)
        wire_type = tag & 7
        if wire_type == _LENGTH_DELIMITED:
            length, at = _varint(message, at)
            yield _Part(tag >> 3, message[at : at + length])
            at += length
        elif wire_type == _VARINT:
            _, at = _varint(message, at)
        elif wire_type in _FIXED_BYTES:
            at += _FIXED_BYTES[wire_type]
        else:
            raise ValueError


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, and where it ends. Raises IndexError and ValueError if none does."""
    number = 0
    for shift in range(0, _VARINT_BITS, 7):
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return number, at
    raise ValueError
