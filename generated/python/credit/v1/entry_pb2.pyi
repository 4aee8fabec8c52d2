from credit.v1 import source_pb2 as _source_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EntryKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTRY_KIND_UNSPECIFIED: _ClassVar[EntryKind]
    ENTRY_KIND_GRANT: _ClassVar[EntryKind]
    ENTRY_KIND_TOP_UP: _ClassVar[EntryKind]
    ENTRY_KIND_PROMO: _ClassVar[EntryKind]
    ENTRY_KIND_ADMIN_ADD: _ClassVar[EntryKind]
    ENTRY_KIND_ADMIN_REMOVE: _ClassVar[EntryKind]
    ENTRY_KIND_RESERVE: _ClassVar[EntryKind]
    ENTRY_KIND_CONFIRM: _ClassVar[EntryKind]
    ENTRY_KIND_REFUND: _ClassVar[EntryKind]
    ENTRY_KIND_DEDUCT: _ClassVar[EntryKind]
    ENTRY_KIND_EXTEND: _ClassVar[EntryKind]
    ENTRY_KIND_RELEASE: _ClassVar[EntryKind]
    ENTRY_KIND_EXPIRE: _ClassVar[EntryKind]
    ENTRY_KIND_CLAWBACK: _ClassVar[EntryKind]
    ENTRY_KIND_RESTORE: _ClassVar[EntryKind]
    ENTRY_KIND_WRITE_OFF: _ClassVar[EntryKind]
ENTRY_KIND_UNSPECIFIED: EntryKind
ENTRY_KIND_GRANT: EntryKind
ENTRY_KIND_TOP_UP: EntryKind
ENTRY_KIND_PROMO: EntryKind
ENTRY_KIND_ADMIN_ADD: EntryKind
ENTRY_KIND_ADMIN_REMOVE: EntryKind
ENTRY_KIND_RESERVE: EntryKind
ENTRY_KIND_CONFIRM: EntryKind
ENTRY_KIND_REFUND: EntryKind
ENTRY_KIND_DEDUCT: EntryKind
ENTRY_KIND_EXTEND: EntryKind
ENTRY_KIND_RELEASE: EntryKind
ENTRY_KIND_EXPIRE: EntryKind
ENTRY_KIND_CLAWBACK: EntryKind
ENTRY_KIND_RESTORE: EntryKind
ENTRY_KIND_WRITE_OFF: EntryKind

class Entry(_message.Message):
    __slots__ = ("account_id", "credit_type", "version", "kind", "amount", "available_delta", "reserved_delta", "debt_delta", "available_after", "reserved_after", "debt_after", "slices", "slice_count", "reservation", "request_id", "actor", "reason", "metadata", "create_time", "spender_id", "correlation_id")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_DELTA_FIELD_NUMBER: _ClassVar[int]
    RESERVED_DELTA_FIELD_NUMBER: _ClassVar[int]
    DEBT_DELTA_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_AFTER_FIELD_NUMBER: _ClassVar[int]
    RESERVED_AFTER_FIELD_NUMBER: _ClassVar[int]
    DEBT_AFTER_FIELD_NUMBER: _ClassVar[int]
    SLICES_FIELD_NUMBER: _ClassVar[int]
    SLICE_COUNT_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SPENDER_ID_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    credit_type: str
    version: int
    kind: EntryKind
    amount: int
    available_delta: int
    reserved_delta: int
    debt_delta: int
    available_after: int
    reserved_after: int
    debt_after: int
    slices: _containers.RepeatedCompositeFieldContainer[_source_pb2.Slice]
    slice_count: int
    reservation: str
    request_id: str
    actor: str
    reason: str
    metadata: _containers.ScalarMap[str, str]
    create_time: _timestamp_pb2.Timestamp
    spender_id: str
    correlation_id: str
    def __init__(self, account_id: _Optional[str] = ..., credit_type: _Optional[str] = ..., version: _Optional[int] = ..., kind: _Optional[_Union[EntryKind, str]] = ..., amount: _Optional[int] = ..., available_delta: _Optional[int] = ..., reserved_delta: _Optional[int] = ..., debt_delta: _Optional[int] = ..., available_after: _Optional[int] = ..., reserved_after: _Optional[int] = ..., debt_after: _Optional[int] = ..., slices: _Optional[_Iterable[_Union[_source_pb2.Slice, _Mapping]]] = ..., slice_count: _Optional[int] = ..., reservation: _Optional[str] = ..., request_id: _Optional[str] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., spender_id: _Optional[str] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class ArchivedEntries(_message.Message):
    __slots__ = ("credit_type", "before_version", "before_time", "file")
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_VERSION_FIELD_NUMBER: _ClassVar[int]
    BEFORE_TIME_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    credit_type: str
    before_version: int
    before_time: _timestamp_pb2.Timestamp
    file: str
    def __init__(self, credit_type: _Optional[str] = ..., before_version: _Optional[int] = ..., before_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., file: _Optional[str] = ...) -> None: ...
