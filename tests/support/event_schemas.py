"""JSON documents held against the schemas of docs/events: as much of JSON Schema as these use, and nothing else."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[2] / "docs" / "events"

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

_KNOWN: Final = {
    *("$schema", "title", "description", "type", "properties", "required", "additionalProperties"),
    *("enum", "anyOf", "format"),
}


def require_schema(kind: str, version: int, document: Any) -> None:
    """Raise AssertionError unless a document keeps to the schema of an event type."""
    _require(json.loads((FOLDER / f"{kind}.v{version}.json").read_text()), document, kind)


def _require(schema: Mapping[str, Any], value: Any, where: str) -> None:
    assert set(schema) <= _KNOWN, f"{where}: this schema says more than is understood here"
    if "anyOf" in schema:
        assert any(_keeps(one, value, where) for one in schema["anyOf"]), f"{where}: {value!r}"
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value!r}"
    if "type" in schema:
        is_bool = isinstance(value, bool) and schema["type"] != "boolean"
        assert not is_bool, f"{where}: {value!r}"
        assert isinstance(value, _TYPES[schema["type"]]), f"{where}: {value!r}"
    if schema.get("format") == "date-time":
        assert _TIME.fullmatch(value), f"{where}: {value!r}"
    for name in schema.get("required", ()):
        assert name in value, f"{where} has no {name}"
    for name, one in schema.get("properties", {}).items():
        if name in value:
            _require(one, value[name], f"{where}.{name}")


def _keeps(schema: Mapping[str, Any], value: Any, where: str) -> bool:
    try:
        _require(schema, value, where)
    except AssertionError:
        return False
    return True
