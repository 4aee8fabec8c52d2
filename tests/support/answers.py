"""Answers compared: what an answer tells for good, apart from how much time is left."""

from typing import TypeVar

from google.protobuf.message import Message

Answer = TypeVar("Answer", bound=Message)


def lasting(answer: Answer) -> Answer:
    """Return an answer without the time that was left of its reservations: the same call tells less of it later."""
    copy = type(answer)()
    copy.CopyFrom(answer)
    _clear(copy)
    return copy


def _clear(message: Message) -> None:
    for field, value in message.ListFields():
        if field.name == "remaining_ttl":
            message.ClearField(field.name)
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for part in value if field.is_repeated else [value]:
                _clear(part)
