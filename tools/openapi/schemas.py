"""JSON Schemas of messages, as protobuf writes them in JSON, with the rules that the service holds requests to."""

import re
from collections.abc import Callable, Collection, Mapping
from itertools import combinations
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from tools.openapi.protos import PACKAGE, Protos, oneofs_of

Schema = dict[str, Any]

_DURATION: Final = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$", "examples": ["300s"]}

WELL_KNOWN: Final[Mapping[str, Schema]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": _DURATION,
    "google.protobuf.Any": {"type": "object", "properties": {"@type": {"type": "string"}}, "required": ["@type"]},
}
"""Messages that have a form of their own in JSON."""


class Schemas:
    """The schemas of messages, those that are referred to by name among the components."""

    def __init__(self, protos: Protos) -> None:
        """Begin with none."""
        self._protos = protos
        self.components: dict[str, Schema] = {}

    def reference(self, message: Descriptor) -> Schema:
        """Return what refers to a message's schema, which is made if it is not there yet."""
        if message.full_name in WELL_KNOWN:
            return dict(WELL_KNOWN[message.full_name])
        name = message.full_name.removeprefix(f"{PACKAGE}.")
        if name not in self.components:
            self.components[name] = {}
            self.components[name] = self.message(message)
        return {"$ref": f"#/components/schemas/{name}"}

    def message(self, message: Descriptor, without: Collection[str] = ()) -> Schema:
        """Return the schema of a message, ``without`` fields that are stated elsewhere."""
        fields = [field for field in message.fields if field.name not in without]
        schema: Schema = {
            "type": "object",
            "description": self._protos.comment_of(message),
            "properties": {field.json_name: self.described(field) for field in fields},
        }
        if required := [field.json_name for field in fields if self.is_required(field)]:
            schema["required"] = required
        if choices := self._choices(message):
            schema["allOf"] = choices
        return schema

    def described(self, field: FieldDescriptor) -> Schema:
        """Return the schema of a field, with its comment."""
        return self.field(field) | {"description": self._protos.comment_of(field)}

    def field(self, field: FieldDescriptor) -> Schema:
        """Return the schema of a field."""
        rules = self._protos.rules_of(field)
        if not field.is_repeated:
            return self._single(field, rules)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return self._map(field, rules.map)
        schema: Schema = {"type": "array", "items": self._single(field, rules.repeated.items)}
        limits = {"minItems": "min_items", "maxItems": "max_items", "uniqueItems": "unique"}
        return schema | _stated(rules.repeated, limits)

    def is_required(self, field: FieldDescriptor) -> bool:
        """Tell whether the rules refuse a request in which the field is not set."""
        rules = self._protos.rules_of(field)
        kind = rules.WhichOneof("type")
        if rules.required or field.containing_oneof is not None or rules.ignore:
            return bool(rules.required)
        if kind == "string":
            allowed = getattr(rules.string, "in")
            return rules.string.min_len > 0 or (not allowed and not re.search(rules.string.pattern, ""))
        if kind == "repeated":
            return bool(rules.repeated.min_items)
        if kind == "enum":
            return 0 in rules.enum.not_in
        return kind in ("int32", "int64") and getattr(rules, kind).HasField("gt")

    def _single(self, field: FieldDescriptor, rules: Any) -> Schema:
        if field.message_type is not None:
            return self.reference(field.message_type)
        if field.enum_type is not None:
            refused = set(rules.enum.not_in)
            return {"type": "string", "enum": [one.name for one in field.enum_type.values if one.number not in refused]}
        return _scalar(field, rules)

    def _map(self, field: FieldDescriptor, rules: Any) -> Schema:
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        schema: Schema = {"type": "object", "additionalProperties": self._single(value, rules.values)}
        if key.type == FieldDescriptor.TYPE_STRING:
            schema["propertyNames"] = _text(rules.keys.string)
        return schema | _stated(rules, {"minProperties": "min_pairs", "maxProperties": "max_pairs"})

    def _choices(self, message: Descriptor) -> list[Schema]:
        found: list[Schema] = []
        for oneof in oneofs_of(message):
            names = [field.json_name for field in oneof.fields]
            if self._protos.is_required(oneof):
                found.append({"oneOf": [{"required": [name]} for name in names]})
            else:
                found += [{"not": {"required": list(pair)}} for pair in combinations(names, 2)]
        return found


def _scalar(field: FieldDescriptor, rules: Any) -> Schema:
    schemas: dict[int, Callable[[], Schema]] = {
        FieldDescriptor.TYPE_BOOL: lambda: {"type": "boolean"},
        FieldDescriptor.TYPE_BYTES: lambda: {"type": "string", "contentEncoding": "base64"},
        FieldDescriptor.TYPE_INT32: lambda: {"type": "integer", "format": "int32"} | _bounds(rules.int32),
        FieldDescriptor.TYPE_INT64: lambda: {"type": "string", "format": "int64", "pattern": _pattern(rules.int64)},
        FieldDescriptor.TYPE_STRING: lambda: _text(rules.string),
    }
    return schemas[field.type]()


def _stated(rules: Any, names: Mapping[str, str]) -> Schema:
    found = {name: getattr(rules, rule) for name, rule in names.items()}
    return {name: limit for name, limit in found.items() if limit}


def _text(rules: Any) -> Schema:
    schema: Schema = {"type": "string"} | _stated(
        rules, {"minLength": "min_len", "maxLength": "max_len", "pattern": "pattern"}
    )
    if allowed := list(getattr(rules, "in")):
        schema["enum"] = allowed
    return schema


def _bounds(rules: Any) -> Schema:
    names = {"minimum": "gte", "exclusiveMinimum": "gt", "maximum": "lte", "exclusiveMaximum": "lt"}
    return {name: getattr(rules, rule) for name, rule in names.items() if rules.HasField(rule)}


def _pattern(rules: Any) -> str:
    if rules.HasField("gt") and rules.gt >= 0:
        return "^[1-9][0-9]{0,18}$"
    sign = "" if rules.HasField("gte") and rules.gte >= 0 else "-?"
    return f"^{sign}(0|[1-9][0-9]{{0,18}})$"
