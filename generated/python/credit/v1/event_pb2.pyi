from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_TYPE_UNSPECIFIED: _ClassVar[EventType]
    EVENT_TYPE_TOP_UP_SUCCEEDED: _ClassVar[EventType]
    EVENT_TYPE_PURCHASE_FAILED: _ClassVar[EventType]
    EVENT_TYPE_CREDITS_REVERSED: _ClassVar[EventType]
    EVENT_TYPE_PLAN_CHANGED: _ClassVar[EventType]
    EVENT_TYPE_RECONCILED: _ClassVar[EventType]
    EVENT_TYPE_LOW_BALANCE: _ClassVar[EventType]
    EVENT_TYPE_RESERVATION_EXPIRED: _ClassVar[EventType]
    EVENT_TYPE_GRANT_EXPIRING: _ClassVar[EventType]
    EVENT_TYPE_GRANT_EXPIRED: _ClassVar[EventType]
    EVENT_TYPE_LIMIT_REACHED: _ClassVar[EventType]
    EVENT_TYPE_ACCOUNT_FLAGGED: _ClassVar[EventType]
    EVENT_TYPE_ACCOUNT_STATUS_CHANGED: _ClassVar[EventType]
EVENT_TYPE_UNSPECIFIED: EventType
EVENT_TYPE_TOP_UP_SUCCEEDED: EventType
EVENT_TYPE_PURCHASE_FAILED: EventType
EVENT_TYPE_CREDITS_REVERSED: EventType
EVENT_TYPE_PLAN_CHANGED: EventType
EVENT_TYPE_RECONCILED: EventType
EVENT_TYPE_LOW_BALANCE: EventType
EVENT_TYPE_RESERVATION_EXPIRED: EventType
EVENT_TYPE_GRANT_EXPIRING: EventType
EVENT_TYPE_GRANT_EXPIRED: EventType
EVENT_TYPE_LIMIT_REACHED: EventType
EVENT_TYPE_ACCOUNT_FLAGGED: EventType
EVENT_TYPE_ACCOUNT_STATUS_CHANGED: EventType

class Event(_message.Message):
    __slots__ = ("name", "position", "type", "schema_version", "account_id", "credit_type", "create_time", "data")
    NAME_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    name: str
    position: int
    type: EventType
    schema_version: int
    account_id: str
    credit_type: str
    create_time: _timestamp_pb2.Timestamp
    data: str
    def __init__(self, name: _Optional[str] = ..., position: _Optional[int] = ..., type: _Optional[_Union[EventType, str]] = ..., schema_version: _Optional[int] = ..., account_id: _Optional[str] = ..., credit_type: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., data: _Optional[str] = ...) -> None: ...
