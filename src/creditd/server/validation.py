"""Field rules: declared in the protos, checked here, and nowhere else."""

from collections.abc import Sequence
from typing import Any

import protovalidate
from google.protobuf.message import Message

from creditd.server.refusals import InvalidFields, Violation

REPORTED_IN_FULL_BYTES = 1_024
"""A message of up to so many bytes has every violation reported. In a larger one the first is enough: a million wrong
elements took 18 s and 3 GB to describe, on the thread that serves everybody."""

MAX_VIOLATIONS = 100
"""Violations described: more than a person reads, and more than the answer's headers hold."""

_validator = protovalidate.Validator()


def validate(message: Message) -> None:
    """Check a request against the rules in its proto.

    Raises InvalidFields, with up to MAX_VIOLATIONS violations of a small message and the first one of a large message.
    """
    violations = _validator.collect_violations(message, fail_fast=True)
    if not violations:
        return
    if message.ByteSize() <= REPORTED_IN_FULL_BYTES:
        violations = _validator.collect_violations(message)
    kind = message.DESCRIPTOR
    raise InvalidFields([_described(violation.proto, kind) for violation in violations[:MAX_VIOLATIONS]])


def _described(violation: Any, kind: Any) -> Violation:
    elements = violation.field.elements if violation.field else ()
    # A rule about a message as a whole is named after the field at fault: request_id.required.
    path = ".".join(_named(element) for element in elements) or violation.rule_id.partition(".")[0]
    text = violation.message
    if violation.rule_id.startswith("enum."):
        text = f"has to be one of {', '.join(_values_allowed(elements, kind))}"
    return path, violation.rule_id, text


def _values_allowed(elements: Sequence[Any], kind: Any) -> list[str]:
    """Return the names that a field, or each element of a repeated one, may have; a path leads to it from a message.

    The one that says that nothing is stated is left out, also where it may be stated.
    """
    *way, last = (element.field_name for element in elements)
    for name in way:
        kind = kind.fields_by_name[name].message_type
    return [value.name for value in kind.fields_by_name[last].enum_type.values if value.number]


def _named(element: Any) -> str:
    subscript = element.subscript
    return element.field_name if subscript is None else f"{element.field_name}[{subscript.value}]"
