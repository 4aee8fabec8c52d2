from credit.v1 import account_pb2 as _account_pb2
from credit.v1 import account_flag_pb2 as _account_flag_pb2
from credit.v1 import approval_pb2 as _approval_pb2
from credit.v1 import balance_alert_pb2 as _balance_alert_pb2
from credit.v1 import entry_pb2 as _entry_pb2
from credit.v1 import limits_pb2 as _limits_pb2
from credit.v1 import payment_event_pb2 as _payment_event_pb2
from credit.v1 import purchase_pb2 as _purchase_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AccountChange(_message.Message):
    __slots__ = ("version", "status", "plan", "limits", "alerts")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    version: int
    status: _account_pb2.AccountStatus
    plan: _account_pb2.Plan
    limits: _containers.RepeatedCompositeFieldContainer[_limits_pb2.Limit]
    alerts: _containers.RepeatedCompositeFieldContainer[_balance_alert_pb2.BalanceAlert]
    def __init__(self, version: _Optional[int] = ..., status: _Optional[_Union[_account_pb2.AccountStatus, str]] = ..., plan: _Optional[_Union[_account_pb2.Plan, _Mapping]] = ..., limits: _Optional[_Iterable[_Union[_limits_pb2.Limit, _Mapping]]] = ..., alerts: _Optional[_Iterable[_Union[_balance_alert_pb2.BalanceAlert, _Mapping]]] = ...) -> None: ...

class HistoryItem(_message.Message):
    __slots__ = ("create_time", "name", "cause", "actor", "reason", "request_id", "entry", "purchase_change", "payment_event", "account_change", "approval", "account_flag", "staff_note")
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_CHANGE_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_EVENT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_CHANGE_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FLAG_FIELD_NUMBER: _ClassVar[int]
    STAFF_NOTE_FIELD_NUMBER: _ClassVar[int]
    create_time: _timestamp_pb2.Timestamp
    name: str
    cause: str
    actor: str
    reason: str
    request_id: str
    entry: _entry_pb2.Entry
    purchase_change: _purchase_pb2.PurchaseChange
    payment_event: _payment_event_pb2.PaymentEvent
    account_change: AccountChange
    approval: _approval_pb2.Approval
    account_flag: _account_flag_pb2.AccountFlag
    staff_note: str
    def __init__(self, create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., name: _Optional[str] = ..., cause: _Optional[str] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ..., entry: _Optional[_Union[_entry_pb2.Entry, _Mapping]] = ..., purchase_change: _Optional[_Union[_purchase_pb2.PurchaseChange, _Mapping]] = ..., payment_event: _Optional[_Union[_payment_event_pb2.PaymentEvent, _Mapping]] = ..., account_change: _Optional[_Union[AccountChange, _Mapping]] = ..., approval: _Optional[_Union[_approval_pb2.Approval, _Mapping]] = ..., account_flag: _Optional[_Union[_account_flag_pb2.AccountFlag, _Mapping]] = ..., staff_note: _Optional[str] = ...) -> None: ...
