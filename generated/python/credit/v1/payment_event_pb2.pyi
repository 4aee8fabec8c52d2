import datetime

from credit.v1 import purchase_pb2 as _purchase_pb2
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

class SubscriptionStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUBSCRIPTION_STATUS_UNSPECIFIED: _ClassVar[SubscriptionStatus]
    SUBSCRIPTION_STATUS_ON_TRIAL: _ClassVar[SubscriptionStatus]
    SUBSCRIPTION_STATUS_ACTIVE: _ClassVar[SubscriptionStatus]
    SUBSCRIPTION_STATUS_PAST_DUE: _ClassVar[SubscriptionStatus]
    SUBSCRIPTION_STATUS_PAUSED: _ClassVar[SubscriptionStatus]
    SUBSCRIPTION_STATUS_UNPAID: _ClassVar[SubscriptionStatus]
    SUBSCRIPTION_STATUS_CANCELLED: _ClassVar[SubscriptionStatus]
    SUBSCRIPTION_STATUS_EXPIRED: _ClassVar[SubscriptionStatus]
PAYMENT_EVENT_STATE_UNSPECIFIED: PaymentEventState
PAYMENT_EVENT_STATE_PENDING: PaymentEventState
PAYMENT_EVENT_STATE_APPLIED: PaymentEventState
PAYMENT_EVENT_STATE_NOT_OF_INTEREST: PaymentEventState
PAYMENT_EVENT_STATE_PARKED: PaymentEventState
PAYMENT_EVENT_STATE_DISMISSED: PaymentEventState
PAYMENT_EVENT_STATE_WAITING: PaymentEventState
SUBSCRIPTION_STATUS_UNSPECIFIED: SubscriptionStatus
SUBSCRIPTION_STATUS_ON_TRIAL: SubscriptionStatus
SUBSCRIPTION_STATUS_ACTIVE: SubscriptionStatus
SUBSCRIPTION_STATUS_PAST_DUE: SubscriptionStatus
SUBSCRIPTION_STATUS_PAUSED: SubscriptionStatus
SUBSCRIPTION_STATUS_UNPAID: SubscriptionStatus
SUBSCRIPTION_STATUS_CANCELLED: SubscriptionStatus
SUBSCRIPTION_STATUS_EXPIRED: SubscriptionStatus

class PaymentEvent(_message.Message):
    __slots__ = ("event_id", "provider", "delivery_key", "event_type", "state", "problem", "attempts", "next_attempt_time", "purchase", "live", "receive_time", "update_time", "body", "acts", "account_id", "waits_for")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_KEY_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_ATTEMPT_TIME_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    ACTS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    WAITS_FOR_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    provider: _purchase_pb2.PaymentProvider
    delivery_key: str
    event_type: str
    state: PaymentEventState
    problem: str
    attempts: int
    next_attempt_time: _timestamp_pb2.Timestamp
    purchase: str
    live: bool
    receive_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    body: str
    acts: _containers.RepeatedCompositeFieldContainer[PaymentEventAct]
    account_id: str
    waits_for: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, event_id: _Optional[str] = ..., provider: _Optional[_Union[_purchase_pb2.PaymentProvider, str]] = ..., delivery_key: _Optional[str] = ..., event_type: _Optional[str] = ..., state: _Optional[_Union[PaymentEventState, str]] = ..., problem: _Optional[str] = ..., attempts: _Optional[int] = ..., next_attempt_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purchase: _Optional[str] = ..., live: _Optional[bool] = ..., receive_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., body: _Optional[str] = ..., acts: _Optional[_Iterable[_Union[PaymentEventAct, _Mapping]]] = ..., account_id: _Optional[str] = ..., waits_for: _Optional[_Iterable[str]] = ...) -> None: ...

class PaymentEventAct(_message.Message):
    __slots__ = ("act", "actor", "reason", "create_time")
    ACT_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    act: str
    actor: str
    reason: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, act: _Optional[str] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RejectedWebhooks(_message.Message):
    __slots__ = ("provider", "reason", "hour", "count", "last_time", "last_remote_address")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    HOUR_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_REMOTE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    provider: _purchase_pb2.PaymentProvider
    reason: str
    hour: _timestamp_pb2.Timestamp
    count: int
    last_time: _timestamp_pb2.Timestamp
    last_remote_address: str
    def __init__(self, provider: _Optional[_Union[_purchase_pb2.PaymentProvider, str]] = ..., reason: _Optional[str] = ..., hour: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., count: _Optional[int] = ..., last_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_remote_address: _Optional[str] = ...) -> None: ...

class Subscription(_message.Message):
    __slots__ = ("provider", "subscription_id", "account_id", "status", "keeps_service", "end_time", "live", "provider_update_time")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    KEEPS_SERVICE_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    provider: _purchase_pb2.PaymentProvider
    subscription_id: str
    account_id: str
    status: SubscriptionStatus
    keeps_service: bool
    end_time: _timestamp_pb2.Timestamp
    live: bool
    provider_update_time: _timestamp_pb2.Timestamp
    def __init__(self, provider: _Optional[_Union[_purchase_pb2.PaymentProvider, str]] = ..., subscription_id: _Optional[str] = ..., account_id: _Optional[str] = ..., status: _Optional[_Union[SubscriptionStatus, str]] = ..., keeps_service: _Optional[bool] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., live: _Optional[bool] = ..., provider_update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
