from credit.v1 import account_pb2 as _account_pb2
from credit.v1 import account_flag_pb2 as _account_flag_pb2
from credit.v1 import approval_pb2 as _approval_pb2
from credit.v1 import balance_pb2 as _balance_pb2
from credit.v1 import balance_alert_pb2 as _balance_alert_pb2
from credit.v1 import credit_type_pb2 as _credit_type_pb2
from credit.v1 import entry_pb2 as _entry_pb2
from credit.v1 import limits_pb2 as _limits_pb2
from credit.v1 import source_pb2 as _source_pb2
from credit.v1 import usage_pb2 as _usage_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AccountConcern(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_CONCERN_UNSPECIFIED: _ClassVar[AccountConcern]
    ACCOUNT_CONCERN_FLAGGED: _ClassVar[AccountConcern]
    ACCOUNT_CONCERN_IN_DEBT: _ClassVar[AccountConcern]
    ACCOUNT_CONCERN_DISPUTED: _ClassVar[AccountConcern]

class AccountOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_ORDER_UNSPECIFIED: _ClassVar[AccountOrder]
    ACCOUNT_ORDER_LAST_MOVEMENT: _ClassVar[AccountOrder]

class UsageRanking(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    USAGE_RANKING_UNSPECIFIED: _ClassVar[UsageRanking]
    USAGE_RANKING_DAY: _ClassVar[UsageRanking]
    USAGE_RANKING_WEEK: _ClassVar[UsageRanking]
    USAGE_RANKING_MONTH: _ClassVar[UsageRanking]
ACCOUNT_CONCERN_UNSPECIFIED: AccountConcern
ACCOUNT_CONCERN_FLAGGED: AccountConcern
ACCOUNT_CONCERN_IN_DEBT: AccountConcern
ACCOUNT_CONCERN_DISPUTED: AccountConcern
ACCOUNT_ORDER_UNSPECIFIED: AccountOrder
ACCOUNT_ORDER_LAST_MOVEMENT: AccountOrder
USAGE_RANKING_UNSPECIFIED: UsageRanking
USAGE_RANKING_DAY: UsageRanking
USAGE_RANKING_WEEK: UsageRanking
USAGE_RANKING_MONTH: UsageRanking

class CreateCreditTypeRequest(_message.Message):
    __slots__ = ("credit_type", "request_id")
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    credit_type: _credit_type_pb2.CreditType
    request_id: str
    def __init__(self, credit_type: _Optional[_Union[_credit_type_pb2.CreditType, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateCreditTypeResponse(_message.Message):
    __slots__ = ("credit_type",)
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    credit_type: _credit_type_pb2.CreditType
    def __init__(self, credit_type: _Optional[_Union[_credit_type_pb2.CreditType, _Mapping]] = ...) -> None: ...

class CreditAmount(_message.Message):
    __slots__ = ("credit_type", "amount", "expected_version")
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    credit_type: str
    amount: int
    expected_version: int
    def __init__(self, credit_type: _Optional[str] = ..., amount: _Optional[int] = ..., expected_version: _Optional[int] = ...) -> None: ...

class AddCreditsRequest(_message.Message):
    __slots__ = ("account_id", "amounts", "source", "expire_time", "request_id", "validate_only", "reason", "metadata", "staff_note")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNTS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    STAFF_NOTE_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    amounts: _containers.RepeatedCompositeFieldContainer[CreditAmount]
    source: _source_pb2.Source
    expire_time: _timestamp_pb2.Timestamp
    request_id: str
    validate_only: bool
    reason: str
    metadata: _containers.ScalarMap[str, str]
    staff_note: str
    def __init__(self, account_id: _Optional[str] = ..., amounts: _Optional[_Iterable[_Union[CreditAmount, _Mapping]]] = ..., source: _Optional[_Union[_source_pb2.Source, str]] = ..., expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: bool = ..., reason: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., staff_note: _Optional[str] = ...) -> None: ...

class AddCreditsResponse(_message.Message):
    __slots__ = ("entries", "balances")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[_entry_pb2.Entry]
    balances: _containers.RepeatedCompositeFieldContainer[_balance_pb2.Balance]
    def __init__(self, entries: _Optional[_Iterable[_Union[_entry_pb2.Entry, _Mapping]]] = ..., balances: _Optional[_Iterable[_Union[_balance_pb2.Balance, _Mapping]]] = ...) -> None: ...

class RemoveCreditsRequest(_message.Message):
    __slots__ = ("account_id", "amounts", "request_id", "validate_only", "reason", "metadata", "staff_note")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    STAFF_NOTE_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    amounts: _containers.RepeatedCompositeFieldContainer[CreditAmount]
    request_id: str
    validate_only: bool
    reason: str
    metadata: _containers.ScalarMap[str, str]
    staff_note: str
    def __init__(self, account_id: _Optional[str] = ..., amounts: _Optional[_Iterable[_Union[CreditAmount, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: bool = ..., reason: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., staff_note: _Optional[str] = ...) -> None: ...

class RemoveCreditsResponse(_message.Message):
    __slots__ = ("entries", "balances", "approval")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[_entry_pb2.Entry]
    balances: _containers.RepeatedCompositeFieldContainer[_balance_pb2.Balance]
    approval: _approval_pb2.Approval
    def __init__(self, entries: _Optional[_Iterable[_Union[_entry_pb2.Entry, _Mapping]]] = ..., balances: _Optional[_Iterable[_Union[_balance_pb2.Balance, _Mapping]]] = ..., approval: _Optional[_Union[_approval_pb2.Approval, _Mapping]] = ...) -> None: ...

class WriteOffDebtRequest(_message.Message):
    __slots__ = ("account_id", "credit_type", "amount", "request_id", "expected_version", "validate_only", "reason", "metadata", "staff_note")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    STAFF_NOTE_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    credit_type: str
    amount: int
    request_id: str
    expected_version: int
    validate_only: bool
    reason: str
    metadata: _containers.ScalarMap[str, str]
    staff_note: str
    def __init__(self, account_id: _Optional[str] = ..., credit_type: _Optional[str] = ..., amount: _Optional[int] = ..., request_id: _Optional[str] = ..., expected_version: _Optional[int] = ..., validate_only: bool = ..., reason: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., staff_note: _Optional[str] = ...) -> None: ...

class WriteOffDebtResponse(_message.Message):
    __slots__ = ("entry", "balance", "approval")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    entry: _entry_pb2.Entry
    balance: _balance_pb2.Balance
    approval: _approval_pb2.Approval
    def __init__(self, entry: _Optional[_Union[_entry_pb2.Entry, _Mapping]] = ..., balance: _Optional[_Union[_balance_pb2.Balance, _Mapping]] = ..., approval: _Optional[_Union[_approval_pb2.Approval, _Mapping]] = ...) -> None: ...

class SetAccountStatusRequest(_message.Message):
    __slots__ = ("name", "status", "allow_balance", "request_id", "expected_version", "validate_only", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_BALANCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: _account_pb2.AccountStatus
    allow_balance: bool
    request_id: str
    expected_version: int
    validate_only: bool
    reason: str
    def __init__(self, name: _Optional[str] = ..., status: _Optional[_Union[_account_pb2.AccountStatus, str]] = ..., allow_balance: bool = ..., request_id: _Optional[str] = ..., expected_version: _Optional[int] = ..., validate_only: bool = ..., reason: _Optional[str] = ...) -> None: ...

class SetAccountStatusResponse(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: _account_pb2.Account
    def __init__(self, account: _Optional[_Union[_account_pb2.Account, _Mapping]] = ...) -> None: ...

class SetPlanRequest(_message.Message):
    __slots__ = ("name", "plan", "request_id", "expected_version", "validate_only", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    plan: _account_pb2.Plan
    request_id: str
    expected_version: int
    validate_only: bool
    reason: str
    def __init__(self, name: _Optional[str] = ..., plan: _Optional[_Union[_account_pb2.Plan, _Mapping]] = ..., request_id: _Optional[str] = ..., expected_version: _Optional[int] = ..., validate_only: bool = ..., reason: _Optional[str] = ...) -> None: ...

class SetPlanResponse(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: _account_pb2.Account
    def __init__(self, account: _Optional[_Union[_account_pb2.Account, _Mapping]] = ...) -> None: ...

class GetAccountRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetAccountResponse(_message.Message):
    __slots__ = ("account_overview",)
    ACCOUNT_OVERVIEW_FIELD_NUMBER: _ClassVar[int]
    account_overview: _account_pb2.AccountOverview
    def __init__(self, account_overview: _Optional[_Union[_account_pb2.AccountOverview, _Mapping]] = ...) -> None: ...

class ListAccountsRequest(_message.Message):
    __slots__ = ("account_id_prefix", "status", "page_size", "page_token", "concern", "order")
    ACCOUNT_ID_PREFIX_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CONCERN_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    account_id_prefix: str
    status: _account_pb2.AccountStatus
    page_size: int
    page_token: str
    concern: AccountConcern
    order: AccountOrder
    def __init__(self, account_id_prefix: _Optional[str] = ..., status: _Optional[_Union[_account_pb2.AccountStatus, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., concern: _Optional[_Union[AccountConcern, str]] = ..., order: _Optional[_Union[AccountOrder, str]] = ...) -> None: ...

class ListAccountsResponse(_message.Message):
    __slots__ = ("account_overviews", "next_page_token")
    ACCOUNT_OVERVIEWS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_overviews: _containers.RepeatedCompositeFieldContainer[_account_pb2.AccountOverview]
    next_page_token: str
    def __init__(self, account_overviews: _Optional[_Iterable[_Union[_account_pb2.AccountOverview, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class VerifyLedgerRequest(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    def __init__(self, account_id: _Optional[str] = ...) -> None: ...

class VerifyLedgerResponse(_message.Message):
    __slots__ = ("difference", "summary")
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    difference: LedgerDifference
    summary: LedgerSummary
    def __init__(self, difference: _Optional[_Union[LedgerDifference, _Mapping]] = ..., summary: _Optional[_Union[LedgerSummary, _Mapping]] = ...) -> None: ...

class LedgerDifference(_message.Message):
    __slots__ = ("account_id", "credit_type", "version", "field", "expected", "actual")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    credit_type: str
    version: int
    field: str
    expected: int
    actual: int
    def __init__(self, account_id: _Optional[str] = ..., credit_type: _Optional[str] = ..., version: _Optional[int] = ..., field: _Optional[str] = ..., expected: _Optional[int] = ..., actual: _Optional[int] = ...) -> None: ...

class LedgerSummary(_message.Message):
    __slots__ = ("wallets", "entries", "differences")
    WALLETS_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    wallets: int
    entries: int
    differences: int
    def __init__(self, wallets: _Optional[int] = ..., entries: _Optional[int] = ..., differences: _Optional[int] = ...) -> None: ...

class GetUsageAnalyticsRequest(_message.Message):
    __slots__ = ("credit_types", "granularity", "time_zone", "start_time", "end_time", "ranking", "top_size")
    CREDIT_TYPES_FIELD_NUMBER: _ClassVar[int]
    GRANULARITY_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    RANKING_FIELD_NUMBER: _ClassVar[int]
    TOP_SIZE_FIELD_NUMBER: _ClassVar[int]
    credit_types: _containers.RepeatedScalarFieldContainer[str]
    granularity: _usage_pb2.UsageGranularity
    time_zone: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    ranking: UsageRanking
    top_size: int
    def __init__(self, credit_types: _Optional[_Iterable[str]] = ..., granularity: _Optional[_Union[_usage_pb2.UsageGranularity, str]] = ..., time_zone: _Optional[str] = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., ranking: _Optional[_Union[UsageRanking, str]] = ..., top_size: _Optional[int] = ...) -> None: ...

class GetUsageAnalyticsResponse(_message.Message):
    __slots__ = ("analytics", "start_time", "end_time", "label", "ranking_start_time", "ranking_end_time")
    ANALYTICS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    RANKING_START_TIME_FIELD_NUMBER: _ClassVar[int]
    RANKING_END_TIME_FIELD_NUMBER: _ClassVar[int]
    analytics: _containers.RepeatedCompositeFieldContainer[_usage_pb2.CreditTypeAnalytics]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    label: str
    ranking_start_time: _timestamp_pb2.Timestamp
    ranking_end_time: _timestamp_pb2.Timestamp
    def __init__(self, analytics: _Optional[_Iterable[_Union[_usage_pb2.CreditTypeAnalytics, _Mapping]]] = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., label: _Optional[str] = ..., ranking_start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., ranking_end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
