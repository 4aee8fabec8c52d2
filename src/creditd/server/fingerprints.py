"""What a request says, as one number: equal content gives an equal number, in every version of protobuf.

A row keeps its fingerprint for good, and protobuf may write the same content otherwise in its next version. So what is
hashed is a JSON object of our own with sorted keys: from the number of each set field to its value. Messages and maps
are objects again, repeated fields are arrays, and enums are their numbers.

A field with presence is set if it was stated, another one if it is not zero or empty. So a field that a later version
adds changes nothing for a request that does not state it. A field that this version does not know is left out, since
nothing is done because of it.
"""

from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from typing import Any, Final

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor

_NOT_CONTENT: Final = frozenset({"request_id"})
"""What names a request, and is no part of what it asks for."""

_NOT_CANONICAL: Final = frozenset({FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_BYTES})
"""JSON writes them in several ways or not at all; no request has them so far."""

Convert = Callable[[Any], Any]
"""Turns a field's value into what JSON can hold."""


def fingerprint(request: Any) -> int:
    """Return a signed 64-bit number for the kind of a request and all that it says but its id."""
    person, content = _kind(request.DESCRIPTOR)
    text = orjson.dumps(content(request), option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(blake2b(text, digest_size=8, person=person).digest(), "big", signed=True)


@cache
def _kind(request: Descriptor) -> tuple[bytes, Convert]:
    # A Reserve and a Deduct of the same content are not the same request.
    person = blake2b(request.name.encode(), digest_size=16).digest()
    return person, _content_of(request, _NOT_CONTENT)


def _content_of(message: Descriptor, left_out: frozenset[str] = frozenset()) -> Convert:
    """Compile the reader of a message's set fields. Raises TypeError for a field that has no canonical form."""
    fields = [
        (str(field.number), field.name, field.has_presence, _conversion(field))
        for field in message.fields
        if field.name not in left_out
    ]

    def content(said: Any) -> dict[str, Any]:
        found = {}
        for number, name, has_presence, convert in fields:
            if has_presence and not said.HasField(name):
                continue
            value = getattr(said, name)
            if value or has_presence:
                found[number] = convert(value) if convert else value
        return found

    return content


def _conversion(field: FieldDescriptor) -> Convert | None:
    """Return how a field's value is turned into JSON; None if it is JSON as it stands."""
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        return _map_conversion(entry)
    convert = _value_conversion(field)
    if not field.is_repeated:
        return convert
    return (lambda values: list(map(convert, values))) if convert else list


def _map_conversion(entry: Descriptor) -> Convert:
    if any(field.cpp_type != FieldDescriptor.CPPTYPE_STRING for field in entry.fields):
        raise TypeError(f"{entry.full_name}: only maps from text to text have a canonical form")
    return dict


def _value_conversion(field: FieldDescriptor) -> Convert | None:
    if field.message_type is not None:
        return _content_of(field.message_type)
    if field.type in _NOT_CANONICAL:
        raise TypeError(f"{field.full_name}: neither bytes nor fractions have a canonical form")
    return None
