"""From a descriptor set with comments on standard input to OpenAPI in JSON on standard output."""

import json
import sys
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tools.openapi.operations import ERROR, Operations, refusals
from tools.openapi.protos import Protos
from tools.openapi.schemas import Schemas

DESCRIPTION = """\
Credits: hold them before costly work, confirm when it succeeded, refund when it failed.

Each operation is an RPC of `credit.v1`, called by JSON as protobuf writes it: names in camelCase, int64 as strings,
enums by name, times in RFC 3339. What acts is sent with an `Idempotency-Key`: the same key with the same content is
answered with the first answer.
"""


def described(protos: Protos) -> dict[str, Any]:
    """Return the whole description."""
    schemas = Schemas(protos)
    operations = Operations(protos, schemas)
    paths = operations.paths()
    return {
        "openapi": "3.1.0",
        "info": {"title": "creditd", "version": "v1", "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": operations.tags(),
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "responses": refusals(),
            "schemas": dict(sorted((schemas.components | {"Error": ERROR}).items())),
        },
    }


if __name__ == "__main__":
    read = Protos(FileDescriptorSet.FromString(sys.stdin.buffer.read()))
    json.dump(described(read), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
