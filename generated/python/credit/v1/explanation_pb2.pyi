from credit.v1 import account_pb2 as _account_pb2
from credit.v1 import balance_pb2 as _balance_pb2
from credit.v1 import limits_pb2 as _limits_pb2
from credit.v1 import reservation_pb2 as _reservation_pb2
from credit.v1 import source_pb2 as _source_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UntoldFact(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNTOLD_FACT_UNSPECIFIED: _ClassVar[UntoldFact]
    UNTOLD_FACT_GRANTS: _ClassVar[UntoldFact]
    UNTOLD_FACT_HOLDS: _ClassVar[UntoldFact]
    UNTOLD_FACT_LAPSES: _ClassVar[UntoldFact]
    UNTOLD_FACT_DEFAULT_LIMITS: _ClassVar[UntoldFact]
    UNTOLD_FACT_LIMIT_USAGE: _ClassVar[UntoldFact]
    UNTOLD_FACT_ACCOUNT: _ClassVar[UntoldFact]
UNTOLD_FACT_UNSPECIFIED: UntoldFact
UNTOLD_FACT_GRANTS: UntoldFact
UNTOLD_FACT_HOLDS: UntoldFact
UNTOLD_FACT_LAPSES: UntoldFact
UNTOLD_FACT_DEFAULT_LIMITS: UntoldFact
UNTOLD_FACT_LIMIT_USAGE: UntoldFact
UNTOLD_FACT_ACCOUNT: UntoldFact

class SourceSummary(_message.Message):
    __slots__ = ("source", "available", "grant_count", "held", "lapses_soon", "next_lapse_time")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    GRANT_COUNT_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    LAPSES_SOON_FIELD_NUMBER: _ClassVar[int]
    NEXT_LAPSE_TIME_FIELD_NUMBER: _ClassVar[int]
    source: _source_pb2.Source
    available: int
    grant_count: int
    held: int
    lapses_soon: int
    next_lapse_time: _timestamp_pb2.Timestamp
    def __init__(self, source: _Optional[_Union[_source_pb2.Source, str]] = ..., available: _Optional[int] = ..., grant_count: _Optional[int] = ..., held: _Optional[int] = ..., lapses_soon: _Optional[int] = ..., next_lapse_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Lapse(_message.Message):
    __slots__ = ("grant_id", "source", "amount", "lapse_time", "was_in_grace", "version")
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    LAPSE_TIME_FIELD_NUMBER: _ClassVar[int]
    WAS_IN_GRACE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    grant_id: str
    source: _source_pb2.Source
    amount: int
    lapse_time: _timestamp_pb2.Timestamp
    was_in_grace: bool
    version: int
    def __init__(self, grant_id: _Optional[str] = ..., source: _Optional[_Union[_source_pb2.Source, str]] = ..., amount: _Optional[int] = ..., lapse_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., was_in_grace: bool = ..., version: _Optional[int] = ...) -> None: ...

class LimitInForce(_message.Message):
    __slots__ = ("limit", "is_default", "used_in_hour", "used_in_day", "hour_end_time", "day_end_time")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    USED_IN_HOUR_FIELD_NUMBER: _ClassVar[int]
    USED_IN_DAY_FIELD_NUMBER: _ClassVar[int]
    HOUR_END_TIME_FIELD_NUMBER: _ClassVar[int]
    DAY_END_TIME_FIELD_NUMBER: _ClassVar[int]
    limit: _limits_pb2.Limit
    is_default: bool
    used_in_hour: int
    used_in_day: int
    hour_end_time: _timestamp_pb2.Timestamp
    day_end_time: _timestamp_pb2.Timestamp
    def __init__(self, limit: _Optional[_Union[_limits_pb2.Limit, _Mapping]] = ..., is_default: bool = ..., used_in_hour: _Optional[int] = ..., used_in_day: _Optional[int] = ..., hour_end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., day_end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReserveExplanation(_message.Message):
    __slots__ = ("would_succeed", "obstacles", "covered_by_plan", "slices", "slice_count", "shortfall", "as_of_time", "balance", "status", "plan", "sources", "holds", "hold_count", "hold_count_is_minimum", "lapses", "limits", "untold_facts")
    WOULD_SUCCEED_FIELD_NUMBER: _ClassVar[int]
    OBSTACLES_FIELD_NUMBER: _ClassVar[int]
    COVERED_BY_PLAN_FIELD_NUMBER: _ClassVar[int]
    SLICES_FIELD_NUMBER: _ClassVar[int]
    SLICE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SHORTFALL_FIELD_NUMBER: _ClassVar[int]
    AS_OF_TIME_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    HOLD_COUNT_FIELD_NUMBER: _ClassVar[int]
    HOLD_COUNT_IS_MINIMUM_FIELD_NUMBER: _ClassVar[int]
    LAPSES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    UNTOLD_FACTS_FIELD_NUMBER: _ClassVar[int]
    would_succeed: bool
    obstacles: _containers.RepeatedCompositeFieldContainer[_status_pb2.Status]
    covered_by_plan: bool
    slices: _containers.RepeatedCompositeFieldContainer[_source_pb2.Slice]
    slice_count: int
    shortfall: int
    as_of_time: _timestamp_pb2.Timestamp
    balance: _balance_pb2.Balance
    status: _account_pb2.AccountStatus
    plan: _account_pb2.Plan
    sources: _containers.RepeatedCompositeFieldContainer[SourceSummary]
    holds: _containers.RepeatedCompositeFieldContainer[_reservation_pb2.Reservation]
    hold_count: int
    hold_count_is_minimum: bool
    lapses: _containers.RepeatedCompositeFieldContainer[Lapse]
    limits: _containers.RepeatedCompositeFieldContainer[LimitInForce]
    untold_facts: _containers.RepeatedScalarFieldContainer[UntoldFact]
    def __init__(self, would_succeed: bool = ..., obstacles: _Optional[_Iterable[_Union[_status_pb2.Status, _Mapping]]] = ..., covered_by_plan: bool = ..., slices: _Optional[_Iterable[_Union[_source_pb2.Slice, _Mapping]]] = ..., slice_count: _Optional[int] = ..., shortfall: _Optional[int] = ..., as_of_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., balance: _Optional[_Union[_balance_pb2.Balance, _Mapping]] = ..., status: _Optional[_Union[_account_pb2.AccountStatus, str]] = ..., plan: _Optional[_Union[_account_pb2.Plan, _Mapping]] = ..., sources: _Optional[_Iterable[_Union[SourceSummary, _Mapping]]] = ..., holds: _Optional[_Iterable[_Union[_reservation_pb2.Reservation, _Mapping]]] = ..., hold_count: _Optional[int] = ..., hold_count_is_minimum: bool = ..., lapses: _Optional[_Iterable[_Union[Lapse, _Mapping]]] = ..., limits: _Optional[_Iterable[_Union[LimitInForce, _Mapping]]] = ..., untold_facts: _Optional[_Iterable[_Union[UntoldFact, str]]] = ...) -> None: ...
