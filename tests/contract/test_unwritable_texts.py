"""NUL, lone surrogates and what is no UTF-8, in every text of every request: refused, and the field is named."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from creditd.bootstrap.credit import SERVICES
from creditd.server.authorization.policy import SCOPES
from tests.contract.leaks import tells_nothing_of_our_insides
from tests.support.refusals import details_of, read_refusal
from tests.support.service import RunningService
from tests.support.tokens import bearer

NO_TEXTS = {"nul": b"a\0b", "surrogate": b"a\xed\xa0\x80b", "no UTF-8": b"a\xff\xfeb"}

METADATA = [("authorization", bearer("anyone", ["ADMIN", "SERVICE"], " ".join(SCOPES)))]


class Text(NamedTuple):
    """A text somewhere in a request: the fields on the way to it."""

    method: MethodDescriptor
    way: tuple[FieldDescriptor, ...]

    @property
    def name(self) -> str:
        """The path as violations name it, without subscripts; a map's keys and values are named after the map."""
        return ".".join(field.name for field in self.way if not is_of_map(field))

    def request(self, text: bytes) -> bytes:
        """Return a request with nothing in it but this text."""
        for field in reversed(self.way):
            text = bytes([*varint(field.number << 3 | 2), *varint(len(text)), *text])
        return text


def is_of_map(field: FieldDescriptor) -> bool:
    """Tell whether a field is a map's key or value."""
    return bool(field.containing_type and field.containing_type.GetOptions().map_entry)


def varint(number: int) -> bytes:
    """Return a number as it goes over the wire."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def ways(message: Descriptor) -> Iterator[tuple[FieldDescriptor, ...]]:
    """Yield the way to each text in a message; none of ours contains itself."""
    for field in message.fields:
        if field.type == FieldDescriptor.TYPE_STRING:
            yield (field,)
        elif field.message_type:
            for way in ways(field.message_type):
                yield (field, *way)


TEXTS = [Text(method, way) for service in SERVICES for method in service.methods for way in ways(method.input_type)]


def violations_of(channel: grpc.Channel, path: str, text: Text, content: bytes) -> set[str]:
    """Return the fields that a request is refused for, without subscripts, as an argument that is invalid."""
    kind = GetMessageClass(text.method.output_type)
    make = channel.unary_stream if text.method.server_streaming else channel.unary_unary
    call: Any = make(path, request_serializer=bytes, response_deserializer=kind.FromString)
    try:
        answer = call(text.request(content), metadata=METADATA, timeout=20)
        # The items of a batch are refused each by itself.
        items = [result.error for result in (answer.results if hasattr(answer, "results") else list(answer))]
    except grpc.RpcError as error:
        refusal = read_refusal(error)
        assert tells_nothing_of_our_insides(refusal)
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT, (path, text.name, refusal)
        return {without_subscripts(violation) for violation in refusal.violations}
    [item] = items
    assert item.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    # Here the rules go first, so that what is missing is named; test_bad_input spoils the items of whole requests.
    return {text.name} if details_of(item)["violations"] else set()


def without_subscripts(violation: str) -> str:
    """Return the path of a field."""
    return re.sub(r"\[[^\]]*\]", "", violation)


@pytest.mark.requirement("H2")
@pytest.mark.parametrize("no_text", NO_TEXTS)
def test_what_cannot_be_stored_as_text_is_refused_in_every_field(service: RunningService, no_text: str) -> None:
    channel = service.channel()
    faults = []
    for text in TEXTS:
        path = f"/{text.method.containing_service.full_name}/{text.method.name}"
        violations = violations_of(channel, path, text, NO_TEXTS[no_text])
        # Of a webhook NUL is taken where strangers may send it: no row has it as a text (test_rejected_webhooks).
        is_named = text.name in violations or (no_text == "nul" and text.method.name == "IngestWebhook")
        if not is_named:
            faults.append((path, text.name, violations))
    assert not faults, faults
