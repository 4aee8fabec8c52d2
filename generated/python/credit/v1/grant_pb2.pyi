from credit.v1 import entry_pb2 as _entry_pb2
from credit.v1 import source_pb2 as _source_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GrantOrigin(_message.Message):
    __slots__ = ("version", "kind", "actor", "reason", "request_id", "purchase", "payment_id")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    version: int
    kind: _entry_pb2.EntryKind
    actor: str
    reason: str
    request_id: str
    purchase: str
    payment_id: str
    def __init__(self, version: _Optional[int] = ..., kind: _Optional[_Union[_entry_pb2.EntryKind, str]] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ..., purchase: _Optional[str] = ..., payment_id: _Optional[str] = ...) -> None: ...

class Grant(_message.Message):
    __slots__ = ("name", "grant_id", "source", "amount", "available", "held", "held_is_minimum", "expire_time", "grace_end_time", "create_time", "origin")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    HELD_IS_MINIMUM_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    GRACE_END_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    name: str
    grant_id: str
    source: _source_pb2.Source
    amount: int
    available: int
    held: int
    held_is_minimum: bool
    expire_time: _timestamp_pb2.Timestamp
    grace_end_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    origin: GrantOrigin
    def __init__(self, name: _Optional[str] = ..., grant_id: _Optional[str] = ..., source: _Optional[_Union[_source_pb2.Source, str]] = ..., amount: _Optional[int] = ..., available: _Optional[int] = ..., held: _Optional[int] = ..., held_is_minimum: bool = ..., expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., grace_end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., origin: _Optional[_Union[GrantOrigin, _Mapping]] = ...) -> None: ...

class GrantUse(_message.Message):
    __slots__ = ("grant_id", "source", "amount", "kind", "version", "reservation", "spender_id", "create_time")
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    SPENDER_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    grant_id: str
    source: _source_pb2.Source
    amount: int
    kind: _entry_pb2.EntryKind
    version: int
    reservation: str
    spender_id: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, grant_id: _Optional[str] = ..., source: _Optional[_Union[_source_pb2.Source, str]] = ..., amount: _Optional[int] = ..., kind: _Optional[_Union[_entry_pb2.EntryKind, str]] = ..., version: _Optional[int] = ..., reservation: _Optional[str] = ..., spender_id: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
