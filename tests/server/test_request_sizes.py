"""What a caller can send is bounded in the protos, and every lawful request fits the size of its method."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor

from creditd.bootstrap.credit import SERVICES
from creditd.server.request_sizes import CALL_BYTES, LARGEST_BYTES, RUN_BYTES, largest_request
from tests.support.rules import rules_of

METHODS = [method for service in SERVICES for method in service.methods]
METADATA_BYTES = 4 * 1024
"""Of all labels together, which the handlers check; the protos bound each of them."""

OURS = {"page_token", "resume_token"}
"""Fields that hold nothing but what we made, in ASCII."""

NUMBER_BYTES, LENGTH_BYTES, BYTES_PER_CHARACTER = 12, 6, 4
"""At most, with the field's tag."""


def name_of(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def fields_of(message: Any) -> Iterator[FieldDescriptor]:
    """Yield every field that a request can hold, at any depth, but those of the well-known types."""
    for field in message.fields:
        yield field
        nested = field.message_type
        if nested and not nested.full_name.startswith("google.protobuf.") and not nested.GetOptions().map_entry:
            yield from fields_of(nested)


def longest_text(field: FieldDescriptor, rules: Any) -> int:
    """Return the most bytes of a text; 0 if its rules do not bound it. What has a pattern is of ASCII alone."""
    if rules.max_len:
        return int(rules.max_len) * (1 if rules.pattern or field.name in OURS else BYTES_PER_CHARACTER)
    if rules.max_bytes:
        return int(rules.max_bytes)
    return sum(int(most) for most in re.findall(r"\{(?:\d+,)?(\d+)\}", rules.pattern))


def is_bounded(field: FieldDescriptor) -> bool:
    rules = rules_of(field)
    if field.message_type and field.message_type.GetOptions().map_entry:
        return bool(rules.map.max_pairs and rules.map.keys.string.max_len and rules.map.values.string.max_len)
    if field.is_repeated:
        rules = rules.repeated.items if rules.repeated.max_items else None
    if rules is None:
        return False
    if field.type == FieldDescriptor.TYPE_STRING:
        return longest_text(field, rules.string) > 0
    return field.type != FieldDescriptor.TYPE_BYTES or bool(rules.bytes.max_len)


def largest(message: Any) -> int:
    """Return a bound for the bytes of a lawful message."""
    return sum(LENGTH_BYTES + largest_field(field) for field in message.fields)


def largest_field(field: FieldDescriptor) -> int:
    rules = rules_of(field)
    if field.message_type and field.message_type.GetOptions().map_entry:
        return METADATA_BYTES + int(rules.map.max_pairs) * 3 * LENGTH_BYTES
    if field.is_repeated:
        return int(rules.repeated.max_items) * (LENGTH_BYTES + largest_value(field, rules.repeated.items))
    return largest_value(field, rules)


def largest_value(field: FieldDescriptor, rules: Any) -> int:
    if field.type == FieldDescriptor.TYPE_STRING:
        return longest_text(field, rules.string)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return int(rules.bytes.max_len)
    return largest(field.message_type) if field.message_type else NUMBER_BYTES


@pytest.mark.requirement("H1")
@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_every_field_of_a_request_is_bounded(method: MethodDescriptor) -> None:
    assert [field.full_name for field in fields_of(method.input_type) if not is_bounded(field)] == []


@pytest.mark.requirement("H3")
@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_a_lawful_request_about_one_thing_fits(method: MethodDescriptor) -> None:
    """A batch is bounded by its size as well, whatever its requests hold."""
    size = largest_request(name_of(method))
    assert size in {CALL_BYTES, RUN_BYTES, LARGEST_BYTES}
    assert size == LARGEST_BYTES or largest(method.input_type) <= size, largest(method.input_type)
