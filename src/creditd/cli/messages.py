"""Requests from JSON and answers to JSON."""

import json
import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from creditd.cli.output import MISUSED, CommandFailure
from creditd.cli.printable import json_text
from creditd.ledger.ids import uuid7


def parse_request(kind: Descriptor, text: str) -> Message:
    """Return a request from JSON, with field names as in the proto or in camelCase. Raises CommandFailure."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise CommandFailure(f"the request is not valid JSON ({error}): {text}", MISUSED) from error
    if not isinstance(document, dict):
        raise CommandFailure(f'the request must be a JSON object, such as {{"account_id": "ann"}}, not {text}', MISUSED)
    request = GetMessageClass(kind)()
    try:
        json_format.ParseDict(document, request)
    except json_format.ParseError as error:
        raise CommandFailure(_explained(str(error), kind), MISUSED) from error
    return request


_UNKNOWN_FIELD: Final = re.compile(r'type "([\w.]+)" has no field named "(.*?)" at "(.*?)"')


_UNKNOWN_VALUE: Final = re.compile(r"Invalid enum value (.*) for enum type ([\w.]+) at (\S+?)\.?$")


def _explained(error: str, kind: Descriptor) -> str:
    value = _UNKNOWN_VALUE.search(error.splitlines()[0])
    if value is not None:
        return _value_explained(value[1], value[2], value[3], kind)
    unknown = _UNKNOWN_FIELD.search(error)
    if unknown is None:
        return f"not a valid {kind.name}: {error.splitlines()[0]}"
    type_name, field, place = unknown.groups()
    names = [known.name for known in kind.file.pool.FindMessageTypeByName(type_name).fields]
    near = get_close_matches(field, names, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{place} has no field {field}; {hint}Its fields: {', '.join(names) or 'none'}."


def _value_explained(value: str, type_name: str, place: str, kind: Descriptor) -> str:
    """Return which values an enum has, and the one nearest to a misspelt one, with or without the prefix."""
    unspecified, *names = (known.name for known in kind.file.pool.FindEnumTypeByName(type_name).values)
    prefix = unspecified.removesuffix("UNSPECIFIED")
    short = {name.removeprefix(prefix): name for name in names}
    wanted = value.upper().removeprefix(prefix)
    near = [short[match] for match in get_close_matches(wanted, short, 1)]
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{value} is no value of {place}; {hint}It is one of {', '.join(names)}."


def add_request_ids(request: Message) -> dict[str, str]:
    """Set a fresh request id wherever a request needs one and has none; return those set, by field."""
    made = {}
    for place, message in _parts(request):
        if "request_id" in message.DESCRIPTOR.fields_by_name and not getattr(message, "request_id", ""):
            made[f"{place}request_id"] = uuid7()
            setattr(message, "request_id", made[f"{place}request_id"])  # noqa: B010 - only some messages have it.
    return made


def _parts(request: Message) -> Iterator[tuple[str, Message]]:
    """Yield a request, and those within it if it is a batch, each with where it stands."""
    yield "", request
    for field, value in request.ListFields():
        if field.is_repeated and field.message_type and not field.message_type.GetOptions().map_entry:
            yield from ((f"{field.name}[{position}].", message) for position, message in enumerate(value))


def as_json(message: Message) -> str:
    """Return a message as JSON with the proto's own field names. 64-bit numbers become strings."""
    document = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return json_text(_in_order(document, message.DESCRIPTOR))


def _in_order(document: Any, kind: Any) -> Any:
    # json_format puts what is zero after everything else.
    if isinstance(document, list):
        return [_in_order(item, kind) for item in document]
    if not isinstance(document, dict) or kind is None or kind.GetOptions().map_entry or "@type" in document:
        return document
    fields = [field for field in kind.fields if field.name in document]
    return {field.name: _in_order(document[field.name], field.message_type) for field in fields}
