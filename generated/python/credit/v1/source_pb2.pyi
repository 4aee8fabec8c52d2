from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SOURCE_UNSPECIFIED: _ClassVar[Source]
    SOURCE_FREE: _ClassVar[Source]
    SOURCE_PROMO: _ClassVar[Source]
    SOURCE_PURCHASED: _ClassVar[Source]
    SOURCE_ADMIN: _ClassVar[Source]
SOURCE_UNSPECIFIED: Source
SOURCE_FREE: Source
SOURCE_PROMO: Source
SOURCE_PURCHASED: Source
SOURCE_ADMIN: Source

class Slice(_message.Message):
    __slots__ = ("grant_id", "source", "amount")
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    grant_id: str
    source: Source
    amount: int
    def __init__(self, grant_id: _Optional[str] = ..., source: _Optional[_Union[Source, str]] = ..., amount: _Optional[int] = ...) -> None: ...
