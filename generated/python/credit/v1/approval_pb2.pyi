from credit.v1 import balance_pb2 as _balance_pb2
from credit.v1 import money_pb2 as _money_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ApprovalKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    APPROVAL_KIND_UNSPECIFIED: _ClassVar[ApprovalKind]
    APPROVAL_KIND_REMOVE_CREDITS: _ClassVar[ApprovalKind]
    APPROVAL_KIND_WRITE_OFF_DEBT: _ClassVar[ApprovalKind]
    APPROVAL_KIND_REVERSE_PURCHASE: _ClassVar[ApprovalKind]

class ApprovalState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    APPROVAL_STATE_UNSPECIFIED: _ClassVar[ApprovalState]
    APPROVAL_STATE_PENDING: _ClassVar[ApprovalState]
    APPROVAL_STATE_APPROVED: _ClassVar[ApprovalState]
    APPROVAL_STATE_REJECTED: _ClassVar[ApprovalState]
    APPROVAL_STATE_EXPIRED: _ClassVar[ApprovalState]
    APPROVAL_STATE_CANCELLED: _ClassVar[ApprovalState]
APPROVAL_KIND_UNSPECIFIED: ApprovalKind
APPROVAL_KIND_REMOVE_CREDITS: ApprovalKind
APPROVAL_KIND_WRITE_OFF_DEBT: ApprovalKind
APPROVAL_KIND_REVERSE_PURCHASE: ApprovalKind
APPROVAL_STATE_UNSPECIFIED: ApprovalState
APPROVAL_STATE_PENDING: ApprovalState
APPROVAL_STATE_APPROVED: ApprovalState
APPROVAL_STATE_REJECTED: ApprovalState
APPROVAL_STATE_EXPIRED: ApprovalState
APPROVAL_STATE_CANCELLED: ApprovalState

class Approval(_message.Message):
    __slots__ = ("name", "account_id", "kind", "state", "amounts", "purchase", "money", "preview", "reason", "maker", "maker_person", "create_time", "expire_time", "decided_by", "decided_by_person", "decision_reason", "decide_time", "balances", "staff_note")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    AMOUNTS_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    MONEY_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MAKER_FIELD_NUMBER: _ClassVar[int]
    MAKER_PERSON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_PERSON_FIELD_NUMBER: _ClassVar[int]
    DECISION_REASON_FIELD_NUMBER: _ClassVar[int]
    DECIDE_TIME_FIELD_NUMBER: _ClassVar[int]
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    STAFF_NOTE_FIELD_NUMBER: _ClassVar[int]
    name: str
    account_id: str
    kind: ApprovalKind
    state: ApprovalState
    amounts: _containers.RepeatedCompositeFieldContainer[ApprovalAmount]
    purchase: str
    money: _money_pb2.Money
    preview: _containers.RepeatedCompositeFieldContainer[_balance_pb2.Balance]
    reason: str
    maker: str
    maker_person: str
    create_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    decided_by: str
    decided_by_person: str
    decision_reason: str
    decide_time: _timestamp_pb2.Timestamp
    balances: _containers.RepeatedCompositeFieldContainer[_balance_pb2.Balance]
    staff_note: str
    def __init__(self, name: _Optional[str] = ..., account_id: _Optional[str] = ..., kind: _Optional[_Union[ApprovalKind, str]] = ..., state: _Optional[_Union[ApprovalState, str]] = ..., amounts: _Optional[_Iterable[_Union[ApprovalAmount, _Mapping]]] = ..., purchase: _Optional[str] = ..., money: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., preview: _Optional[_Iterable[_Union[_balance_pb2.Balance, _Mapping]]] = ..., reason: _Optional[str] = ..., maker: _Optional[str] = ..., maker_person: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., decided_by: _Optional[str] = ..., decided_by_person: _Optional[str] = ..., decision_reason: _Optional[str] = ..., decide_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., balances: _Optional[_Iterable[_Union[_balance_pb2.Balance, _Mapping]]] = ..., staff_note: _Optional[str] = ...) -> None: ...

class ApprovalAmount(_message.Message):
    __slots__ = ("credit_type", "amount")
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    credit_type: str
    amount: int
    def __init__(self, credit_type: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...
