from credit.v1 import source_pb2 as _source_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UsageGranularity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    USAGE_GRANULARITY_UNSPECIFIED: _ClassVar[UsageGranularity]
    USAGE_GRANULARITY_HOUR: _ClassVar[UsageGranularity]
    USAGE_GRANULARITY_DAY: _ClassVar[UsageGranularity]
    USAGE_GRANULARITY_WEEK: _ClassVar[UsageGranularity]
    USAGE_GRANULARITY_MONTH: _ClassVar[UsageGranularity]
USAGE_GRANULARITY_UNSPECIFIED: UsageGranularity
USAGE_GRANULARITY_HOUR: UsageGranularity
USAGE_GRANULARITY_DAY: UsageGranularity
USAGE_GRANULARITY_WEEK: UsageGranularity
USAGE_GRANULARITY_MONTH: UsageGranularity

class UsageFigures(_message.Message):
    __slots__ = ("used", "spent", "refunded", "covered", "purchased", "granted", "promotional", "added", "restored", "removed", "expired", "clawed_back", "debt_incurred", "debt_paid", "debt_written_off")
    USED_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_FIELD_NUMBER: _ClassVar[int]
    COVERED_FIELD_NUMBER: _ClassVar[int]
    PURCHASED_FIELD_NUMBER: _ClassVar[int]
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    PROMOTIONAL_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    RESTORED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    CLAWED_BACK_FIELD_NUMBER: _ClassVar[int]
    DEBT_INCURRED_FIELD_NUMBER: _ClassVar[int]
    DEBT_PAID_FIELD_NUMBER: _ClassVar[int]
    DEBT_WRITTEN_OFF_FIELD_NUMBER: _ClassVar[int]
    used: int
    spent: int
    refunded: int
    covered: int
    purchased: int
    granted: int
    promotional: int
    added: int
    restored: int
    removed: int
    expired: int
    clawed_back: int
    debt_incurred: int
    debt_paid: int
    debt_written_off: int
    def __init__(self, used: _Optional[int] = ..., spent: _Optional[int] = ..., refunded: _Optional[int] = ..., covered: _Optional[int] = ..., purchased: _Optional[int] = ..., granted: _Optional[int] = ..., promotional: _Optional[int] = ..., added: _Optional[int] = ..., restored: _Optional[int] = ..., removed: _Optional[int] = ..., expired: _Optional[int] = ..., clawed_back: _Optional[int] = ..., debt_incurred: _Optional[int] = ..., debt_paid: _Optional[int] = ..., debt_written_off: _Optional[int] = ...) -> None: ...

class UsageBalance(_message.Message):
    __slots__ = ("available", "reserved", "debt")
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    DEBT_FIELD_NUMBER: _ClassVar[int]
    available: int
    reserved: int
    debt: int
    def __init__(self, available: _Optional[int] = ..., reserved: _Optional[int] = ..., debt: _Optional[int] = ...) -> None: ...

class SourceUsage(_message.Message):
    __slots__ = ("source", "figures")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    source: _source_pb2.Source
    figures: UsageFigures
    def __init__(self, source: _Optional[_Union[_source_pb2.Source, str]] = ..., figures: _Optional[_Union[UsageFigures, _Mapping]] = ...) -> None: ...

class UsagePoint(_message.Message):
    __slots__ = ("start_time", "end_time", "figures")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    figures: UsageFigures
    def __init__(self, start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., figures: _Optional[_Union[UsageFigures, _Mapping]] = ...) -> None: ...

class UsagePart(_message.Message):
    __slots__ = ("value", "used", "covered")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    COVERED_FIELD_NUMBER: _ClassVar[int]
    value: str
    used: int
    covered: int
    def __init__(self, value: _Optional[str] = ..., used: _Optional[int] = ..., covered: _Optional[int] = ...) -> None: ...

class CreditTypeUsage(_message.Message):
    __slots__ = ("credit_type", "opening_balance", "closing_balance", "held", "figures", "sources", "points", "labels", "spenders")
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    OPENING_BALANCE_FIELD_NUMBER: _ClassVar[int]
    CLOSING_BALANCE_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SPENDERS_FIELD_NUMBER: _ClassVar[int]
    credit_type: str
    opening_balance: UsageBalance
    closing_balance: UsageBalance
    held: int
    figures: UsageFigures
    sources: _containers.RepeatedCompositeFieldContainer[SourceUsage]
    points: _containers.RepeatedCompositeFieldContainer[UsagePoint]
    labels: _containers.RepeatedCompositeFieldContainer[UsagePart]
    spenders: _containers.RepeatedCompositeFieldContainer[UsagePart]
    def __init__(self, credit_type: _Optional[str] = ..., opening_balance: _Optional[_Union[UsageBalance, _Mapping]] = ..., closing_balance: _Optional[_Union[UsageBalance, _Mapping]] = ..., held: _Optional[int] = ..., figures: _Optional[_Union[UsageFigures, _Mapping]] = ..., sources: _Optional[_Iterable[_Union[SourceUsage, _Mapping]]] = ..., points: _Optional[_Iterable[_Union[UsagePoint, _Mapping]]] = ..., labels: _Optional[_Iterable[_Union[UsagePart, _Mapping]]] = ..., spenders: _Optional[_Iterable[_Union[UsagePart, _Mapping]]] = ...) -> None: ...

class CreditTypeAnalytics(_message.Message):
    __slots__ = ("credit_type", "balance", "figures", "sources", "points", "top_accounts", "top_labels")
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    TOP_ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    TOP_LABELS_FIELD_NUMBER: _ClassVar[int]
    credit_type: str
    balance: UsageBalance
    figures: UsageFigures
    sources: _containers.RepeatedCompositeFieldContainer[SourceUsage]
    points: _containers.RepeatedCompositeFieldContainer[UsagePoint]
    top_accounts: _containers.RepeatedCompositeFieldContainer[UsagePart]
    top_labels: _containers.RepeatedCompositeFieldContainer[UsagePart]
    def __init__(self, credit_type: _Optional[str] = ..., balance: _Optional[_Union[UsageBalance, _Mapping]] = ..., figures: _Optional[_Union[UsageFigures, _Mapping]] = ..., sources: _Optional[_Iterable[_Union[SourceUsage, _Mapping]]] = ..., points: _Optional[_Iterable[_Union[UsagePoint, _Mapping]]] = ..., top_accounts: _Optional[_Iterable[_Union[UsagePart, _Mapping]]] = ..., top_labels: _Optional[_Iterable[_Union[UsagePart, _Mapping]]] = ...) -> None: ...
