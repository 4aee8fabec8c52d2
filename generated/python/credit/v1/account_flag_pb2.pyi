from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VelocityKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VELOCITY_KIND_UNSPECIFIED: _ClassVar[VelocityKind]
    VELOCITY_KIND_FAILED_PAYMENTS: _ClassVar[VelocityKind]
    VELOCITY_KIND_REFUNDS: _ClassVar[VelocityKind]
    VELOCITY_KIND_DISPUTES: _ClassVar[VelocityKind]
    VELOCITY_KIND_TOP_UPS: _ClassVar[VelocityKind]
    VELOCITY_KIND_PROMO_ATTEMPTS: _ClassVar[VelocityKind]

class VelocityAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VELOCITY_ACTION_UNSPECIFIED: _ClassVar[VelocityAction]
    VELOCITY_ACTION_FLAG: _ClassVar[VelocityAction]
    VELOCITY_ACTION_SUSPEND: _ClassVar[VelocityAction]
VELOCITY_KIND_UNSPECIFIED: VelocityKind
VELOCITY_KIND_FAILED_PAYMENTS: VelocityKind
VELOCITY_KIND_REFUNDS: VelocityKind
VELOCITY_KIND_DISPUTES: VelocityKind
VELOCITY_KIND_TOP_UPS: VelocityKind
VELOCITY_KIND_PROMO_ATTEMPTS: VelocityKind
VELOCITY_ACTION_UNSPECIFIED: VelocityAction
VELOCITY_ACTION_FLAG: VelocityAction
VELOCITY_ACTION_SUSPEND: VelocityAction

class AccountFlag(_message.Message):
    __slots__ = ("name", "account_id", "kind", "most", "window_seconds", "action", "event_count", "suspended", "raise_time", "clear_time", "cleared_by", "clear_reason", "activated")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    WINDOW_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_FIELD_NUMBER: _ClassVar[int]
    RAISE_TIME_FIELD_NUMBER: _ClassVar[int]
    CLEAR_TIME_FIELD_NUMBER: _ClassVar[int]
    CLEARED_BY_FIELD_NUMBER: _ClassVar[int]
    CLEAR_REASON_FIELD_NUMBER: _ClassVar[int]
    ACTIVATED_FIELD_NUMBER: _ClassVar[int]
    name: str
    account_id: str
    kind: VelocityKind
    most: int
    window_seconds: int
    action: VelocityAction
    event_count: int
    suspended: bool
    raise_time: _timestamp_pb2.Timestamp
    clear_time: _timestamp_pb2.Timestamp
    cleared_by: str
    clear_reason: str
    activated: bool
    def __init__(self, name: _Optional[str] = ..., account_id: _Optional[str] = ..., kind: _Optional[_Union[VelocityKind, str]] = ..., most: _Optional[int] = ..., window_seconds: _Optional[int] = ..., action: _Optional[_Union[VelocityAction, str]] = ..., event_count: _Optional[int] = ..., suspended: bool = ..., raise_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., clear_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., cleared_by: _Optional[str] = ..., clear_reason: _Optional[str] = ..., activated: bool = ...) -> None: ...

class ListAccountFlagsRequest(_message.Message):
    __slots__ = ("account_id", "kind", "show_cleared", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SHOW_CLEARED_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    kind: VelocityKind
    show_cleared: bool
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[str] = ..., kind: _Optional[_Union[VelocityKind, str]] = ..., show_cleared: bool = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAccountFlagsResponse(_message.Message):
    __slots__ = ("account_flags", "next_page_token")
    ACCOUNT_FLAGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_flags: _containers.RepeatedCompositeFieldContainer[AccountFlag]
    next_page_token: str
    def __init__(self, account_flags: _Optional[_Iterable[_Union[AccountFlag, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ClearAccountFlagRequest(_message.Message):
    __slots__ = ("name", "activate", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACTIVATE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    activate: bool
    request_id: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., activate: bool = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ClearAccountFlagResponse(_message.Message):
    __slots__ = ("account_flag",)
    ACCOUNT_FLAG_FIELD_NUMBER: _ClassVar[int]
    account_flag: AccountFlag
    def __init__(self, account_flag: _Optional[_Union[AccountFlag, _Mapping]] = ...) -> None: ...
