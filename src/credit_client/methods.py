"""The RPCs, found by their requests: what is sent says where it goes and what comes back."""

from functools import cache
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass


class Method(NamedTuple):
    """A unary RPC: its path, the class of its answer, and whether its requests have a request id."""

    path: str
    answer: type[Message]
    takes_request_id: bool


REQUEST_ID: Final = "request_id"


def method_of(request: Message) -> Method:
    """Return the RPC that takes a request. Raises ValueError if none does that answers once."""
    return _method_of(request.DESCRIPTOR)


@cache
def _method_of(kind: Descriptor) -> Method:
    services: Any = kind.file.services_by_name.values()
    for service in services:
        for method in service.methods:
            if method.input_type.full_name == kind.full_name and not method.server_streaming:
                path = f"/{service.full_name}/{method.name}"
                return Method(path, GetMessageClass(method.output_type), REQUEST_ID in kind.fields_by_name)
    raise ValueError(f"no RPC of {kind.file.name} answers {kind.full_name} once: call it by its stub")


def serialized(message: Message) -> bytes:
    """Return a message as it goes over the wire."""
    return message.SerializeToString()
