from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BalanceAlert(_message.Message):
    __slots__ = ("credit_type", "below")
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    BELOW_FIELD_NUMBER: _ClassVar[int]
    credit_type: str
    below: int
    def __init__(self, credit_type: _Optional[str] = ..., below: _Optional[int] = ...) -> None: ...

class SetBalanceAlertsRequest(_message.Message):
    __slots__ = ("name", "alerts", "request_id", "expected_version", "validate_only", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    alerts: _containers.RepeatedCompositeFieldContainer[BalanceAlert]
    request_id: str
    expected_version: int
    validate_only: bool
    reason: str
    def __init__(self, name: _Optional[str] = ..., alerts: _Optional[_Iterable[_Union[BalanceAlert, _Mapping]]] = ..., request_id: _Optional[str] = ..., expected_version: _Optional[int] = ..., validate_only: bool = ..., reason: _Optional[str] = ...) -> None: ...

class SetBalanceAlertsResponse(_message.Message):
    __slots__ = ("alerts", "version")
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    alerts: _containers.RepeatedCompositeFieldContainer[BalanceAlert]
    version: int
    def __init__(self, alerts: _Optional[_Iterable[_Union[BalanceAlert, _Mapping]]] = ..., version: _Optional[int] = ...) -> None: ...

class GetBalanceAlertsRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetBalanceAlertsResponse(_message.Message):
    __slots__ = ("alerts", "version")
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    alerts: _containers.RepeatedCompositeFieldContainer[BalanceAlert]
    version: int
    def __init__(self, alerts: _Optional[_Iterable[_Union[BalanceAlert, _Mapping]]] = ..., version: _Optional[int] = ...) -> None: ...
