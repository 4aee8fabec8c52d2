"""From JSON to a request: fields checked by name, request ids made where they are needed and missing."""

import json
import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from creditd.cli.failure import MISUSED, Failure
from creditd.ledger.ids import uuid7


def parse_request(kind: Descriptor, text: str) -> Message:
    """Return a request from JSON, with field names as in the proto or in camelCase. Raises Failure."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise Failure(f"this is no JSON ({error}): {text}", MISUSED) from error
    if not isinstance(document, dict):
        raise Failure(f'a request is a JSON object, such as {{"account_id": "ann"}}, and not {text}', MISUSED)
    request = GetMessageClass(kind)()
    try:
        json_format.ParseDict(document, request)
    except json_format.ParseError as error:
        raise Failure(_explained(str(error), kind), MISUSED) from error
    return request


_UNKNOWN_FIELD: Final = re.compile(r'type "([\w.]+)" has no field named "(.*?)" at "(.*?)"')


def _explained(error: str, kind: Descriptor) -> str:
    unknown = _UNKNOWN_FIELD.search(error)
    if unknown is None:
        return f"this is no {kind.name}: {error.splitlines()[0]}"
    type_name, field, place = unknown.groups()
    names = [known.name for known in kind.file.pool.FindMessageTypeByName(type_name).fields]
    near = get_close_matches(field, names, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{place} has no field {field}; {hint}It has {', '.join(names) or 'none'}."


def add_request_ids(request: Message) -> list[str]:
    """Give each part of a request that needs a request id and has none a fresh one, and return these."""
    made = []
    for message in _parts(request):
        if _lacks_request_id(message):
            made.append(uuid7())
            setattr(message, "request_id", made[-1])  # noqa: B010 - a name that only some messages have.
    return made


def _lacks_request_id(message: Message) -> bool:
    field = message.DESCRIPTOR.fields_by_name.get("request_id")
    is_needed = field is not None and not getattr(message, "validate_only", False)
    return is_needed and not getattr(message, "request_id", "")


def _parts(message: Message) -> Iterator[Message]:
    """A request, and the requests within it if it is a batch."""
    yield message
    for field, value in message.ListFields():
        if field.is_repeated and field.type == FieldDescriptor.TYPE_MESSAGE and not _is_map(field):
            yield from value


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)
