from credit.v1 import account_pb2 as _account_pb2
from credit.v1 import source_pb2 as _source_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Balance(_message.Message):
    __slots__ = ("account_id", "credit_type", "total", "reserved", "available", "debt", "version", "update_time")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    DEBT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    credit_type: str
    total: int
    reserved: int
    available: int
    debt: int
    version: int
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, account_id: _Optional[str] = ..., credit_type: _Optional[str] = ..., total: _Optional[int] = ..., reserved: _Optional[int] = ..., available: _Optional[int] = ..., debt: _Optional[int] = ..., version: _Optional[int] = ..., update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Wallet(_message.Message):
    __slots__ = ("balance", "grants", "grant_count")
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    GRANT_COUNT_FIELD_NUMBER: _ClassVar[int]
    balance: Balance
    grants: _containers.RepeatedCompositeFieldContainer[GrantBalance]
    grant_count: int
    def __init__(self, balance: _Optional[_Union[Balance, _Mapping]] = ..., grants: _Optional[_Iterable[_Union[GrantBalance, _Mapping]]] = ..., grant_count: _Optional[int] = ...) -> None: ...

class GrantBalance(_message.Message):
    __slots__ = ("grant_id", "source", "available", "expire_time")
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    grant_id: str
    source: _source_pb2.Source
    available: int
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, grant_id: _Optional[str] = ..., source: _Optional[_Union[_source_pb2.Source, str]] = ..., available: _Optional[int] = ..., expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AccountBalance(_message.Message):
    __slots__ = ("account_id", "status", "plan", "wallets")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    WALLETS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    status: _account_pb2.AccountStatus
    plan: _account_pb2.Plan
    wallets: _containers.RepeatedCompositeFieldContainer[Wallet]
    def __init__(self, account_id: _Optional[str] = ..., status: _Optional[_Union[_account_pb2.AccountStatus, str]] = ..., plan: _Optional[_Union[_account_pb2.Plan, _Mapping]] = ..., wallets: _Optional[_Iterable[_Union[Wallet, _Mapping]]] = ...) -> None: ...
