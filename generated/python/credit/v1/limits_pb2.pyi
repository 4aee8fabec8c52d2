from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Limit(_message.Message):
    __slots__ = ("credit_type", "spender", "least_per_movement", "most_per_movement", "most_per_hour", "most_per_day")
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SPENDER_FIELD_NUMBER: _ClassVar[int]
    LEAST_PER_MOVEMENT_FIELD_NUMBER: _ClassVar[int]
    MOST_PER_MOVEMENT_FIELD_NUMBER: _ClassVar[int]
    MOST_PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    MOST_PER_DAY_FIELD_NUMBER: _ClassVar[int]
    credit_type: str
    spender: str
    least_per_movement: int
    most_per_movement: int
    most_per_hour: int
    most_per_day: int
    def __init__(self, credit_type: _Optional[str] = ..., spender: _Optional[str] = ..., least_per_movement: _Optional[int] = ..., most_per_movement: _Optional[int] = ..., most_per_hour: _Optional[int] = ..., most_per_day: _Optional[int] = ...) -> None: ...

class LimitUsage(_message.Message):
    __slots__ = ("credit_type", "spender_id", "used_in_hour", "used_in_day")
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SPENDER_ID_FIELD_NUMBER: _ClassVar[int]
    USED_IN_HOUR_FIELD_NUMBER: _ClassVar[int]
    USED_IN_DAY_FIELD_NUMBER: _ClassVar[int]
    credit_type: str
    spender_id: str
    used_in_hour: int
    used_in_day: int
    def __init__(self, credit_type: _Optional[str] = ..., spender_id: _Optional[str] = ..., used_in_hour: _Optional[int] = ..., used_in_day: _Optional[int] = ...) -> None: ...

class SetLimitsRequest(_message.Message):
    __slots__ = ("name", "limits", "request_id", "expected_version", "validate_only", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    limits: _containers.RepeatedCompositeFieldContainer[Limit]
    request_id: str
    expected_version: int
    validate_only: bool
    reason: str
    def __init__(self, name: _Optional[str] = ..., limits: _Optional[_Iterable[_Union[Limit, _Mapping]]] = ..., request_id: _Optional[str] = ..., expected_version: _Optional[int] = ..., validate_only: bool = ..., reason: _Optional[str] = ...) -> None: ...

class SetLimitsResponse(_message.Message):
    __slots__ = ("limits", "version")
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    limits: _containers.RepeatedCompositeFieldContainer[Limit]
    version: int
    def __init__(self, limits: _Optional[_Iterable[_Union[Limit, _Mapping]]] = ..., version: _Optional[int] = ...) -> None: ...

class GetLimitsRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetLimitsResponse(_message.Message):
    __slots__ = ("limits", "defaults", "usage", "version", "hour_end_time", "day_end_time")
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    DEFAULTS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    HOUR_END_TIME_FIELD_NUMBER: _ClassVar[int]
    DAY_END_TIME_FIELD_NUMBER: _ClassVar[int]
    limits: _containers.RepeatedCompositeFieldContainer[Limit]
    defaults: _containers.RepeatedCompositeFieldContainer[Limit]
    usage: _containers.RepeatedCompositeFieldContainer[LimitUsage]
    version: int
    hour_end_time: _timestamp_pb2.Timestamp
    day_end_time: _timestamp_pb2.Timestamp
    def __init__(self, limits: _Optional[_Iterable[_Union[Limit, _Mapping]]] = ..., defaults: _Optional[_Iterable[_Union[Limit, _Mapping]]] = ..., usage: _Optional[_Iterable[_Union[LimitUsage, _Mapping]]] = ..., version: _Optional[int] = ..., hour_end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., day_end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
