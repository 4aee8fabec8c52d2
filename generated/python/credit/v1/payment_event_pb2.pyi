from credit.v1 import payment_provider_pb2 as _payment_provider_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PaymentEventState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAYMENT_EVENT_STATE_UNSPECIFIED: _ClassVar[PaymentEventState]
    PAYMENT_EVENT_STATE_PENDING: _ClassVar[PaymentEventState]
    PAYMENT_EVENT_STATE_APPLIED: _ClassVar[PaymentEventState]
    PAYMENT_EVENT_STATE_NOT_OF_INTEREST: _ClassVar[PaymentEventState]
    PAYMENT_EVENT_STATE_PARKED: _ClassVar[PaymentEventState]
    PAYMENT_EVENT_STATE_DISMISSED: _ClassVar[PaymentEventState]
    PAYMENT_EVENT_STATE_WAITING: _ClassVar[PaymentEventState]

class PaymentFactKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAYMENT_FACT_KIND_UNSPECIFIED: _ClassVar[PaymentFactKind]
    PAYMENT_FACT_KIND_PAYMENT: _ClassVar[PaymentFactKind]
    PAYMENT_FACT_KIND_REFUND: _ClassVar[PaymentFactKind]
    PAYMENT_FACT_KIND_REFUND_TOTAL: _ClassVar[PaymentFactKind]
    PAYMENT_FACT_KIND_DISPUTE_FUNDS: _ClassVar[PaymentFactKind]
    PAYMENT_FACT_KIND_DISPUTE: _ClassVar[PaymentFactKind]
    PAYMENT_FACT_KIND_OUTSIDE_REFUND: _ClassVar[PaymentFactKind]
    PAYMENT_FACT_KIND_DISPUTE_TRANSACTION: _ClassVar[PaymentFactKind]
    PAYMENT_FACT_KIND_REFUND_MADE: _ClassVar[PaymentFactKind]
    PAYMENT_FACT_KIND_REFUND_FAILURE: _ClassVar[PaymentFactKind]
    PAYMENT_FACT_KIND_REFUND_PROGRESS: _ClassVar[PaymentFactKind]

class PaymentEventActKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAYMENT_EVENT_ACT_KIND_UNSPECIFIED: _ClassVar[PaymentEventActKind]
    PAYMENT_EVENT_ACT_KIND_REPLAY: _ClassVar[PaymentEventActKind]
    PAYMENT_EVENT_ACT_KIND_DISMISS: _ClassVar[PaymentEventActKind]
PAYMENT_EVENT_STATE_UNSPECIFIED: PaymentEventState
PAYMENT_EVENT_STATE_PENDING: PaymentEventState
PAYMENT_EVENT_STATE_APPLIED: PaymentEventState
PAYMENT_EVENT_STATE_NOT_OF_INTEREST: PaymentEventState
PAYMENT_EVENT_STATE_PARKED: PaymentEventState
PAYMENT_EVENT_STATE_DISMISSED: PaymentEventState
PAYMENT_EVENT_STATE_WAITING: PaymentEventState
PAYMENT_FACT_KIND_UNSPECIFIED: PaymentFactKind
PAYMENT_FACT_KIND_PAYMENT: PaymentFactKind
PAYMENT_FACT_KIND_REFUND: PaymentFactKind
PAYMENT_FACT_KIND_REFUND_TOTAL: PaymentFactKind
PAYMENT_FACT_KIND_DISPUTE_FUNDS: PaymentFactKind
PAYMENT_FACT_KIND_DISPUTE: PaymentFactKind
PAYMENT_FACT_KIND_OUTSIDE_REFUND: PaymentFactKind
PAYMENT_FACT_KIND_DISPUTE_TRANSACTION: PaymentFactKind
PAYMENT_FACT_KIND_REFUND_MADE: PaymentFactKind
PAYMENT_FACT_KIND_REFUND_FAILURE: PaymentFactKind
PAYMENT_FACT_KIND_REFUND_PROGRESS: PaymentFactKind
PAYMENT_EVENT_ACT_KIND_UNSPECIFIED: PaymentEventActKind
PAYMENT_EVENT_ACT_KIND_REPLAY: PaymentEventActKind
PAYMENT_EVENT_ACT_KIND_DISMISS: PaymentEventActKind

class PaymentEvent(_message.Message):
    __slots__ = ("name", "provider", "delivery_key", "event_type", "state", "problem", "attempts", "next_attempt_time", "account_id", "purchase", "waits_for", "live", "receive_time", "update_time", "waits_for_count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_KEY_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_ATTEMPT_TIME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    WAITS_FOR_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    WAITS_FOR_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    provider: _payment_provider_pb2.PaymentProvider
    delivery_key: str
    event_type: str
    state: PaymentEventState
    problem: str
    attempts: int
    next_attempt_time: _timestamp_pb2.Timestamp
    account_id: str
    purchase: str
    waits_for: _containers.RepeatedScalarFieldContainer[str]
    live: bool
    receive_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    waits_for_count: int
    def __init__(self, name: _Optional[str] = ..., provider: _Optional[_Union[_payment_provider_pb2.PaymentProvider, str]] = ..., delivery_key: _Optional[str] = ..., event_type: _Optional[str] = ..., state: _Optional[_Union[PaymentEventState, str]] = ..., problem: _Optional[str] = ..., attempts: _Optional[int] = ..., next_attempt_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., account_id: _Optional[str] = ..., purchase: _Optional[str] = ..., waits_for: _Optional[_Iterable[str]] = ..., live: bool = ..., receive_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., waits_for_count: _Optional[int] = ...) -> None: ...

class PaymentFact(_message.Message):
    __slots__ = ("kind", "subject", "stage", "amount", "code", "message", "said_time", "payment_id", "currency")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SAID_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    kind: PaymentFactKind
    subject: str
    stage: str
    amount: int
    code: str
    message: str
    said_time: _timestamp_pb2.Timestamp
    payment_id: str
    currency: str
    def __init__(self, kind: _Optional[_Union[PaymentFactKind, str]] = ..., subject: _Optional[str] = ..., stage: _Optional[str] = ..., amount: _Optional[int] = ..., code: _Optional[str] = ..., message: _Optional[str] = ..., said_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., payment_id: _Optional[str] = ..., currency: _Optional[str] = ...) -> None: ...

class PaymentEventCount(_message.Message):
    __slots__ = ("state", "count", "is_minimum")
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    IS_MINIMUM_FIELD_NUMBER: _ClassVar[int]
    state: PaymentEventState
    count: int
    is_minimum: bool
    def __init__(self, state: _Optional[_Union[PaymentEventState, str]] = ..., count: _Optional[int] = ..., is_minimum: bool = ...) -> None: ...

class PaymentEventAct(_message.Message):
    __slots__ = ("kind", "actor", "reason", "create_time")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    kind: PaymentEventActKind
    actor: str
    reason: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, kind: _Optional[_Union[PaymentEventActKind, str]] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
