"""Field rules: declared in the protos, checked here, and nowhere else."""

from typing import Any

import protovalidate
from google.protobuf.message import Message

from creditd.server.refusals import InvalidFields

_validator = protovalidate.Validator()


def validate(message: Message) -> None:
    """Check a request against the rules in its proto. Raises InvalidFields with every violation."""
    violations = _validator.collect_violations(message)
    if violations:
        raise InvalidFields([_described(violation.proto) for violation in violations])


def _described(violation: Any) -> tuple[str, str, str]:
    elements = violation.field.elements if violation.field else ()
    # A rule about a message as a whole is named after the field at fault: request_id.required.
    path = ".".join(_named(element) for element in elements) or violation.rule_id.partition(".")[0]
    return path, violation.rule_id, violation.message


def _named(element: Any) -> str:
    subscript = element.subscript
    return element.field_name if subscript is None else f"{element.field_name}[{subscript.value}]"
