"""From an answer to JSON: every figure is there, also where it is zero, in the order of the proto."""

import json
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message


def as_json(message: Message) -> str:
    """Return a message as JSON with the proto's own field names. 64-bit numbers are strings, as JSON has no such."""
    document = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return json.dumps(_in_order(document, message.DESCRIPTOR), indent=2, ensure_ascii=False)


def _in_order(document: Any, kind: Any) -> Any:
    # json_format puts what is zero after everything else.
    if isinstance(document, list):
        return [_in_order(item, kind) for item in document]
    if not isinstance(document, dict) or kind is None or kind.GetOptions().map_entry or "@type" in document:
        return document
    fields = [field for field in kind.fields if field.name in document]
    return {field.name: _in_order(document[field.name], field.message_type) for field in fields}
