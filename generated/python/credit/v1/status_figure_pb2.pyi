from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StatusFigure(_message.Message):
    __slots__ = ("name", "value", "worrying_from", "is_worrying")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    WORRYING_FROM_FIELD_NUMBER: _ClassVar[int]
    IS_WORRYING_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    worrying_from: float
    is_worrying: bool
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ..., worrying_from: _Optional[float] = ..., is_worrying: bool = ...) -> None: ...

class SystemStatus(_message.Message):
    __slots__ = ("version", "schema_revision", "is_database_ready", "figures", "worrying_count", "create_time")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_REVISION_FIELD_NUMBER: _ClassVar[int]
    IS_DATABASE_READY_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    WORRYING_COUNT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    version: str
    schema_revision: str
    is_database_ready: bool
    figures: _containers.RepeatedCompositeFieldContainer[StatusFigure]
    worrying_count: int
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, version: _Optional[str] = ..., schema_revision: _Optional[str] = ..., is_database_ready: bool = ..., figures: _Optional[_Iterable[_Union[StatusFigure, _Mapping]]] = ..., worrying_count: _Optional[int] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
