"""RPCs as operations of HTTP: paths, parameters, bodies and answers."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor

from tools.openapi.protos import Protos
from tools.openapi.schemas import WELL_KNOWN, Schema, Schemas

NAMES: Final[Mapping[str, str]] = {
    "accounts": "accountId",
    "packages": "packageId",
    "promoCodes": "promoCodeId",
    "purchases": "purchaseId",
    "reservations": "reservationId",
    "runs": "runId",
    "wallets": "creditType",
    "workflows": "workflowId",
}
"""What a resource's own part of its name is called, by the collection that it is in."""

REQUEST_ID: Final = "request_id"

KEY: Final[Schema] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Made before the first try, and kept for all further ones. It is the request's `requestId`.",
    "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
}

REPLAYED: Final[Schema] = {
    "description": "`true` on the answer of an earlier try with the same key.",
    "schema": {"type": "string", "enum": ["true"]},
}

ERROR: Final[Schema] = {
    "type": "object",
    "description": "Why it was refused. Nothing was done, but after 503 and 504 the outcome is not known: try again.",
    "required": ["code", "reason", "message", "correlationId", "details"],
    "properties": {
        "code": {"type": "string", "description": "The code of gRPC.", "examples": ["FAILED_PRECONDITION"]},
        "reason": {
            "type": "string",
            "description": "What to go by: a reason of docs/errors.md, or one of the gateway's own.",
            "examples": ["INSUFFICIENT_CREDIT"],
        },
        "message": {"type": "string", "description": "For people, in the language of `accept-language`."},
        "correlationId": {"type": ["string", "null"], "description": "Under which the log has it."},
        "details": {
            "type": "array",
            "description": "As gRPC has them: ErrorInfo with every figure, BadRequest, RetryInfo, LocalizedMessage.",
            "items": WELL_KNOWN["google.protobuf.Any"],
        },
    },
}

STATUSES: Final[Mapping[str, str]] = {
    "400": "A field breaks its rule, or the request is no JSON.",
    "401": "There is no valid token.",
    "402": "The available balance does not cover the amount.",
    "403": "The caller may not do this.",
    "404": "There is no such resource.",
    "409": "The state of the account does not allow it, or the Idempotency-Key was used with other content.",
    "413": "The request is too large.",
    "429": "Too many calls.",
    "503": "No server can answer now.",
    "504": "There was no answer in time.",
}

_RETRY_AFTER: Final[Schema] = {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}

_VARIABLE: Final = re.compile(r"\{([\w.]+)(?:=([^}]+))?\}")


class _Path(NamedTuple):
    path: str
    parameters: list[Schema]
    bound: frozenset[str]


def refusals() -> dict[str, Schema]:
    """Return the answers that are errors, by their status and `default`."""
    found = {status: _refusal(said) for status, said in STATUSES.items()}
    for status in ("429", "503"):
        found[status]["headers"] = {"Retry-After": _RETRY_AFTER}
    return found | {"default": _refusal("Any other error.")}


def _refusal(said: str) -> Schema:
    return {"description": said, "content": _json({"$ref": "#/components/schemas/Error"})}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


class Operations:
    """The operations of all RPCs that have a path."""

    def __init__(self, protos: Protos, schemas: Schemas) -> None:
        """Take the protos, and where schemas of messages are kept."""
        self._protos = protos
        self._schemas = schemas

    def tags(self) -> list[Schema]:
        """Return the services that have a path."""
        names = {service.name: service for service, _, _ in self._methods()}
        return [{"name": name, "description": self._protos.comment_of(service)} for name, service in names.items()]

    def paths(self) -> dict[str, Schema]:
        """Return the operations by path and method.

        Raises ValueError for two of the same path and method.
        """
        found: dict[str, Schema] = defaultdict(dict)
        for service, method, rule in self._methods():
            verb = rule.WhichOneof("pattern")
            path = self._path(getattr(rule, verb), method.input_type)
            if verb in found[path.path]:
                message = f"two RPCs for {verb} {path.path}"
                raise ValueError(message)
            found[path.path][verb] = self._operation(service, method, verb, path)
        return dict(sorted(found.items()))

    def _methods(self) -> Iterator[tuple[ServiceDescriptor, MethodDescriptor, Any]]:
        for service in self._protos.services():
            for method in service.methods:
                rule = self._protos.http_of(method)
                if rule is not None:
                    yield service, method, rule

    def _path(self, template: str, message: Descriptor) -> _Path:
        parameters: list[Schema] = []
        bound: list[str] = []

        def filled(found: re.Match[str]) -> str:
            field = _field_at(message, found[1])
            bound.append(found[1])
            if found[2] is None:
                parameters.append(self._in_path(field.json_name, field, self._schemas.field(field)))
                return f"{{{field.json_name}}}"
            return "/".join(self._parts(found[2], field, parameters))

        path = _VARIABLE.sub(filled, template)
        return _Path(path, parameters, frozenset(bound))

    def _parts(self, name: str, field: FieldDescriptor, parameters: list[Schema]) -> Iterator[str]:
        # A resource's name, such as accounts/*/purchases/*: the rule of the field has as many parts.
        pattern = self._protos.rules_of(field).string.pattern.removeprefix("^").removesuffix("$").split("/")
        collection = ""
        for part, of_part in zip(name.split("/"), pattern, strict=True):
            if part != "*":
                collection = part
                yield part
                continue
            parameters.append(self._in_path(NAMES[collection], field, {"type": "string", "pattern": f"^{of_part}$"}))
            yield f"{{{NAMES[collection]}}}"

    def _in_path(self, name: str, field: FieldDescriptor, schema: Schema) -> Schema:
        said = self._protos.comment_of(field)
        return {"name": name, "in": "path", "required": True, "description": said, "schema": schema}

    def _operation(self, service: ServiceDescriptor, method: MethodDescriptor, verb: str, path: _Path) -> Schema:
        said = self._protos.comment_of(method)
        operation: Schema = {
            "tags": [service.name],
            "operationId": method.name,
            "summary": re.split(r"(?<=[.])\s", said, maxsplit=1)[0],
            "description": said,
            "parameters": list(path.parameters),
        }
        request = method.input_type
        if verb == "get":
            operation["parameters"] += [self._in_query(field) for field in _asked(request, path.bound)]
        else:
            acts = REQUEST_ID in request.fields_by_name
            operation["parameters"] += [KEY] if acts else []
            body = self._schemas.message(request, without=path.bound | {REQUEST_ID})
            operation["requestBody"] = {"required": True, "content": _json(body)}
        operation["responses"] = self._responses(method, verb)
        return operation

    def _in_query(self, field: FieldDescriptor) -> Schema:
        return {
            "name": field.json_name,
            "in": "query",
            "required": self._schemas.is_required(field),
            "description": self._protos.comment_of(field),
            "schema": self._schemas.field(field),
        }

    def _responses(self, method: MethodDescriptor, verb: str) -> Schema:
        said = self._protos.comment_of(method.output_type)
        answer: Schema = {"description": said, "content": _json(self._schemas.reference(method.output_type))}
        if method.server_streaming:
            answer["description"] = f"A stream: a line for each message. {said}"
        if verb != "get":
            answer["headers"] = {"replayed": REPLAYED}
        refused = [status for status in STATUSES if verb != "get" or status not in ("402", "413")]
        return {"200": answer} | {
            status: {"$ref": f"#/components/responses/{status}"} for status in (*refused, "default")
        }


def _field_at(message: Descriptor, path: str) -> FieldDescriptor:
    """Return the field that dotted names lead to, such as the name of the resource in an update of it (AIP-134)."""
    *way, last = path.split(".")
    for name in way:
        message = message.fields_by_name[name].message_type
    return message.fields_by_name[last]


def _asked(message: Descriptor, bound: frozenset[str]) -> Iterator[FieldDescriptor]:
    for field in message.fields:
        if field.name not in bound and (field.message_type is None or field.message_type.full_name in WELL_KNOWN):
            yield field
