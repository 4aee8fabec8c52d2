"""A service that answers every call with messages in which every field is set, each text of them a hostile one."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from credit.v1.access_service_pb2 import GetMyAccessResponse
from credit.v1.role_grant_pb2 import Role
from creditd.console.channel import Stubs

HOSTILE: Final = "<script>alert(1)</script>\u202e\"&'{x}</textarea>"

_IDS: Final = {
    "account_id": "ann",
    "credit_type": "chat",
    "currency": "THB",
    "purchase": "accounts/ann/purchases/1",
    "grant": "accounts/ann/wallets/chat/grants/g1",
    "reservation": "accounts/ann/wallets/chat/reservations/r1",
    "next_page_token": "",
}
"""What a page takes apart, by the name of the field."""

_NAMES: Final = {
    "Grant": "accounts/ann/wallets/chat/grants/g1",
    "Reservation": "accounts/ann/wallets/chat/reservations/r1",
    "Purchase": "accounts/ann/purchases/1",
    "Approval": "accounts/ann/approvals/a1",
    "AccountFlag": "accounts/ann/flags/f1",
}
"""Resource names, by the message."""

_MOST_DEPTH: Final = 6


def filled(message: Message, depth: int = 0) -> Message:
    """Set every field of a message, one of each that exclude each other, and return it."""
    for field in message.DESCRIPTOR.fields:
        choice = field.containing_oneof
        is_other = choice is not None and choice.fields[0] is not field
        if is_other or depth > _MOST_DEPTH:
            continue
        if field.message_type is None:
            value = _value(message, field)
            if field.is_repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)
        elif field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].type == FieldDescriptor.TYPE_STRING:
                getattr(message, field.name)[HOSTILE] = HOSTILE
        else:
            part = getattr(message, field.name)
            _fill(part.add() if field.is_repeated else part, depth)
    return message


def _fill(part: Any, depth: int) -> None:
    name = part.DESCRIPTOR.full_name
    part.SetInParent()
    if name == "google.protobuf.Timestamp":
        part.FromSeconds(int(time.time()) - 100)
    elif name == "google.protobuf.Duration":
        part.seconds = 5
    elif not name.startswith("google.protobuf."):
        filled(part, depth + 1)


def _value(message: Message, field: Any) -> Any:
    kind = field.type
    if kind == FieldDescriptor.TYPE_STRING:
        name = message.DESCRIPTOR.name
        own = _NAMES.get(name, f"{name[0].lower()}{name[1:]}s/x") if field.name == "name" else HOSTILE
        return _IDS.get(field.name, own)
    if kind == FieldDescriptor.TYPE_BYTES:
        return HOSTILE.encode()
    if kind == FieldDescriptor.TYPE_BOOL:
        return True
    if kind == FieldDescriptor.TYPE_ENUM and field.enum_type is not None:
        return field.enum_type.values[min(1, len(field.enum_type.values) - 1)].number
    return 7


class _Stream:
    """An answer of one message, which comes bit by bit."""

    def __init__(self, message: Message) -> None:
        self._messages = [message]

    async def read(self) -> Any:
        return self._messages.pop() if self._messages else grpc.aio.EOF

    def __aiter__(self) -> "_Stream":
        return self

    async def __anext__(self) -> Message:
        if not self._messages:
            raise StopAsyncIteration
        return self._messages.pop()

    def cancel(self) -> None:
        self._messages.clear()


class _Channel:
    """Makes the calls of stubs."""

    def __init__(self, permissions: list[str]) -> None:
        self._access = GetMyAccessResponse(
            subject="boss", person="boss", roles=[Role.ROLE_SUPER_ADMIN], permissions=permissions
        )

    def unary_unary(self, path: str, response_deserializer: Any, **_: Any) -> Callable[..., Awaitable[Message]]:
        answer = self._access if path.endswith("/GetMyAccess") else filled(_made(response_deserializer))

        async def call(message: Message, **_: Any) -> Message:
            del message
            return answer

        return call

    def unary_stream(self, path: str, response_deserializer: Any, **_: Any) -> Callable[..., _Stream]:
        del path

        def call(message: Message, **_: Any) -> _Stream:
            del message
            return _Stream(filled(_made(response_deserializer)))

        return call


def _made(deserializer: Any) -> Message:
    message: Message = deserializer(b"")
    return message


def filled_stubs(permissions: list[str]) -> Stubs:
    """Return stubs whose every answer is full; whoever asks has these permissions."""
    channel: Any = _Channel(permissions)
    return Stubs(channel)
