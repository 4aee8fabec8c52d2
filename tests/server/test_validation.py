"""Whoever states a value that an enum does not have is told which it has, for every enum field of every request."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from credit.v1 import credit_service_pb2 as pb
from credit.v1 import entry_pb2
from creditd.cli.methods import all_methods
from creditd.server.refusals import InvalidFields
from creditd.server.status import MAX_DESCRIPTION_BYTES
from creditd.server.validation import validate

NO_VALUE = 99


def places(kind: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the fields that lead to each enum field of a kind of message."""
    for field in kind.fields:
        if field.enum_type is not None:
            yield (*way, field)
        elif field.message_type is not None and field.message_type not in [one.message_type for one in way]:
            yield from places(field.message_type, (*way, field))


KINDS = {method.input_type.full_name: method.input_type for method in all_methods()}
PLACES = {
    f"{name}.{'.'.join(field.name for field in way)}": (kind, way)
    for name, kind in KINDS.items()
    for way in places(kind)
}


def spoilt(kind: Any, way: tuple[Any, ...], value: int) -> Message:
    """Return a request with a value at a place."""
    request = GetMessageClass(kind)()
    message: Any = request
    *outer, last = way
    for field in outer:
        inner = getattr(message, field.name)
        message = inner.add() if field.is_repeated else inner
    if last.is_repeated:
        getattr(message, last.name).append(value)
    else:
        setattr(message, last.name, value)
    return request


def test_there_are_such_fields() -> None:
    assert "credit.v1.CreatePurchaseRequest.provider" in PLACES
    assert "credit.v1.ListTransactionsRequest.kinds" in PLACES


@pytest.mark.requirement("H1")
@pytest.mark.parametrize("place", PLACES)
def test_the_values_of_an_enum_are_listed(place: str) -> None:
    kind, way = PLACES[place]
    names = [value.name for value in way[-1].enum_type.values if value.number]
    with pytest.raises(InvalidFields) as refusal:
        validate(spoilt(kind, way, NO_VALUE))
    (text,) = [text for _, rule, text in refusal.value.violations if rule == "enum.defined_only"]
    assert all(name in text for name in names)
    assert len(text) <= MAX_DESCRIPTION_BYTES


def test_what_is_not_stated_is_no_value_where_one_has_to_be() -> None:
    with pytest.raises(InvalidFields) as refusal:
        validate(pb.ListTransactionsRequest(account_id="a", kinds=[entry_pb2.ENTRY_KIND_UNSPECIFIED]))
    ((field, rule, text),) = refusal.value.violations
    assert (field, rule) == ("kinds[0]", "enum.not_in")
    assert "UNSPECIFIED" not in text
    assert "ENTRY_KIND_DEDUCT" in text
