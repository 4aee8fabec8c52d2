from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PromoKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROMO_KIND_UNSPECIFIED: _ClassVar[PromoKind]
    PROMO_KIND_BONUS_CREDITS: _ClassVar[PromoKind]
    PROMO_KIND_PERCENT_BONUS: _ClassVar[PromoKind]
    PROMO_KIND_PERCENT_DISCOUNT: _ClassVar[PromoKind]

class PromoCodeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROMO_CODE_STATE_UNSPECIFIED: _ClassVar[PromoCodeState]
    PROMO_CODE_STATE_SCHEDULED: _ClassVar[PromoCodeState]
    PROMO_CODE_STATE_ACTIVE: _ClassVar[PromoCodeState]
    PROMO_CODE_STATE_EXHAUSTED: _ClassVar[PromoCodeState]
    PROMO_CODE_STATE_EXPIRED: _ClassVar[PromoCodeState]
    PROMO_CODE_STATE_ENDED: _ClassVar[PromoCodeState]
PROMO_KIND_UNSPECIFIED: PromoKind
PROMO_KIND_BONUS_CREDITS: PromoKind
PROMO_KIND_PERCENT_BONUS: PromoKind
PROMO_KIND_PERCENT_DISCOUNT: PromoKind
PROMO_CODE_STATE_UNSPECIFIED: PromoCodeState
PROMO_CODE_STATE_SCHEDULED: PromoCodeState
PROMO_CODE_STATE_ACTIVE: PromoCodeState
PROMO_CODE_STATE_EXHAUSTED: PromoCodeState
PROMO_CODE_STATE_EXPIRED: PromoCodeState
PROMO_CODE_STATE_ENDED: PromoCodeState

class PromoTerms(_message.Message):
    __slots__ = ("kind", "credit_type", "credits", "credits_lifetime", "percent", "most_per_use", "currency", "minimum_amount", "first_purchase_only", "start_time", "expire_time", "total_limit", "account_limit")
    KIND_FIELD_NUMBER: _ClassVar[int]
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    CREDITS_LIFETIME_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    MOST_PER_USE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_PURCHASE_ONLY_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_LIMIT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_LIMIT_FIELD_NUMBER: _ClassVar[int]
    kind: PromoKind
    credit_type: str
    credits: int
    credits_lifetime: _duration_pb2.Duration
    percent: int
    most_per_use: int
    currency: str
    minimum_amount: int
    first_purchase_only: bool
    start_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    total_limit: int
    account_limit: int
    def __init__(self, kind: _Optional[_Union[PromoKind, str]] = ..., credit_type: _Optional[str] = ..., credits: _Optional[int] = ..., credits_lifetime: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., percent: _Optional[int] = ..., most_per_use: _Optional[int] = ..., currency: _Optional[str] = ..., minimum_amount: _Optional[int] = ..., first_purchase_only: bool = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., total_limit: _Optional[int] = ..., account_limit: _Optional[int] = ...) -> None: ...

class PromoCode(_message.Message):
    __slots__ = ("name", "display_code", "terms", "state", "series_id", "used_count", "given_amount", "most_amount", "create_time", "end_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_CODE_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    USED_COUNT_FIELD_NUMBER: _ClassVar[int]
    GIVEN_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    MOST_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_code: str
    terms: PromoTerms
    state: PromoCodeState
    series_id: str
    used_count: int
    given_amount: int
    most_amount: int
    create_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., display_code: _Optional[str] = ..., terms: _Optional[_Union[PromoTerms, _Mapping]] = ..., state: _Optional[_Union[PromoCodeState, str]] = ..., series_id: _Optional[str] = ..., used_count: _Optional[int] = ..., given_amount: _Optional[int] = ..., most_amount: _Optional[int] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
