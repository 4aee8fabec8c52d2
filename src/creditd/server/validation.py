"""Field rules: declared in the protos, checked here, and nowhere else."""

from typing import Any

import protovalidate
from google.protobuf.message import Message

from creditd.server.refusals import InvalidFields

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
    raise InvalidFields([_described(violation.proto) for violation in violations[:MAX_VIOLATIONS]])


def _described(violation: Any) -> tuple[str, str, str]:
    elements = violation.field.elements if violation.field else ()
    # A rule about a message as a whole is named after the field at fault: request_id.required.
    path = ".".join(_named(element) for element in elements) or violation.rule_id.partition(".")[0]
    return path, violation.rule_id, violation.message


def _named(element: Any) -> str:
    subscript = element.subscript
    return element.field_name if subscript is None else f"{element.field_name}[{subscript.value}]"
