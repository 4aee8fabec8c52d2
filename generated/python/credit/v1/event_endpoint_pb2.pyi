from credit.v1 import event_pb2 as _event_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventEndpoint(_message.Message):
    __slots__ = ("name", "url", "description", "types", "account_id", "credit_type", "paused", "position", "version", "create_time", "update_time", "rotation_end_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ROTATION_END_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    url: str
    description: str
    types: _containers.RepeatedScalarFieldContainer[_event_pb2.EventType]
    account_id: str
    credit_type: str
    paused: bool
    position: int
    version: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    rotation_end_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., url: _Optional[str] = ..., description: _Optional[str] = ..., types: _Optional[_Iterable[_Union[_event_pb2.EventType, str]]] = ..., account_id: _Optional[str] = ..., credit_type: _Optional[str] = ..., paused: bool = ..., position: _Optional[int] = ..., version: _Optional[int] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., rotation_end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DeliveryAttempt(_message.Message):
    __slots__ = ("position", "event", "type", "number", "status", "problem", "begin_time", "duration_milliseconds")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    BEGIN_TIME_FIELD_NUMBER: _ClassVar[int]
    DURATION_MILLISECONDS_FIELD_NUMBER: _ClassVar[int]
    position: int
    event: str
    type: _event_pb2.EventType
    number: int
    status: int
    problem: str
    begin_time: _timestamp_pb2.Timestamp
    duration_milliseconds: int
    def __init__(self, position: _Optional[int] = ..., event: _Optional[str] = ..., type: _Optional[_Union[_event_pb2.EventType, str]] = ..., number: _Optional[int] = ..., status: _Optional[int] = ..., problem: _Optional[str] = ..., begin_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., duration_milliseconds: _Optional[int] = ...) -> None: ...

class DeadLetter(_message.Message):
    __slots__ = ("position", "event", "type", "attempts", "problem", "begin_time")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    BEGIN_TIME_FIELD_NUMBER: _ClassVar[int]
    position: int
    event: str
    type: _event_pb2.EventType
    attempts: int
    problem: str
    begin_time: _timestamp_pb2.Timestamp
    def __init__(self, position: _Optional[int] = ..., event: _Optional[str] = ..., type: _Optional[_Union[_event_pb2.EventType, str]] = ..., attempts: _Optional[int] = ..., problem: _Optional[str] = ..., begin_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
