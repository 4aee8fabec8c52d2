from credit.v1 import balance_pb2 as _balance_pb2
from credit.v1 import entry_pb2 as _entry_pb2
from credit.v1 import explanation_pb2 as _explanation_pb2
from credit.v1 import grant_pb2 as _grant_pb2
from credit.v1 import history_item_pb2 as _history_item_pb2
from credit.v1 import status_figure_pb2 as _status_figure_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SearchHitKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEARCH_HIT_KIND_UNSPECIFIED: _ClassVar[SearchHitKind]
    SEARCH_HIT_KIND_ACCOUNT: _ClassVar[SearchHitKind]
    SEARCH_HIT_KIND_PURCHASE: _ClassVar[SearchHitKind]
    SEARCH_HIT_KIND_PAYMENT_EVENT: _ClassVar[SearchHitKind]
    SEARCH_HIT_KIND_RESERVATION: _ClassVar[SearchHitKind]
    SEARCH_HIT_KIND_ENTRY: _ClassVar[SearchHitKind]
    SEARCH_HIT_KIND_GRANT: _ClassVar[SearchHitKind]
    SEARCH_HIT_KIND_APPROVAL: _ClassVar[SearchHitKind]
    SEARCH_HIT_KIND_PROMO_CODE: _ClassVar[SearchHitKind]
SEARCH_HIT_KIND_UNSPECIFIED: SearchHitKind
SEARCH_HIT_KIND_ACCOUNT: SearchHitKind
SEARCH_HIT_KIND_PURCHASE: SearchHitKind
SEARCH_HIT_KIND_PAYMENT_EVENT: SearchHitKind
SEARCH_HIT_KIND_RESERVATION: SearchHitKind
SEARCH_HIT_KIND_ENTRY: SearchHitKind
SEARCH_HIT_KIND_GRANT: SearchHitKind
SEARCH_HIT_KIND_APPROVAL: SearchHitKind
SEARCH_HIT_KIND_PROMO_CODE: SearchHitKind

class ExplainReserveRequest(_message.Message):
    __slots__ = ("account_id", "credit_type", "amount", "spender_id", "as_of_time", "version")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    SPENDER_ID_FIELD_NUMBER: _ClassVar[int]
    AS_OF_TIME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    credit_type: str
    amount: int
    spender_id: str
    as_of_time: _timestamp_pb2.Timestamp
    version: int
    def __init__(self, account_id: _Optional[str] = ..., credit_type: _Optional[str] = ..., amount: _Optional[int] = ..., spender_id: _Optional[str] = ..., as_of_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ...) -> None: ...

class ExplainReserveResponse(_message.Message):
    __slots__ = ("explanation",)
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    explanation: _explanation_pb2.ReserveExplanation
    def __init__(self, explanation: _Optional[_Union[_explanation_pb2.ReserveExplanation, _Mapping]] = ...) -> None: ...

class GetGrantRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetGrantResponse(_message.Message):
    __slots__ = ("grant",)
    GRANT_FIELD_NUMBER: _ClassVar[int]
    grant: _grant_pb2.Grant
    def __init__(self, grant: _Optional[_Union[_grant_pb2.Grant, _Mapping]] = ...) -> None: ...

class ListGrantsRequest(_message.Message):
    __slots__ = ("account_id", "credit_type", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    credit_type: str
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[str] = ..., credit_type: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListGrantsResponse(_message.Message):
    __slots__ = ("grants", "next_page_token")
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    grants: _containers.RepeatedCompositeFieldContainer[_grant_pb2.Grant]
    next_page_token: str
    def __init__(self, grants: _Optional[_Iterable[_Union[_grant_pb2.Grant, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListGrantUsesRequest(_message.Message):
    __slots__ = ("account_id", "credit_type", "grant_id", "reservation", "start_time", "end_time", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    credit_type: str
    grant_id: str
    reservation: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[str] = ..., credit_type: _Optional[str] = ..., grant_id: _Optional[str] = ..., reservation: _Optional[str] = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListGrantUsesResponse(_message.Message):
    __slots__ = ("grant_uses", "next_page_token", "archived_entries")
    GRANT_USES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ARCHIVED_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    grant_uses: _containers.RepeatedCompositeFieldContainer[_grant_pb2.GrantUse]
    next_page_token: str
    archived_entries: _containers.RepeatedCompositeFieldContainer[_entry_pb2.ArchivedEntries]
    def __init__(self, grant_uses: _Optional[_Iterable[_Union[_grant_pb2.GrantUse, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., archived_entries: _Optional[_Iterable[_Union[_entry_pb2.ArchivedEntries, _Mapping]]] = ...) -> None: ...

class ListAccountHistoryRequest(_message.Message):
    __slots__ = ("account_id", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAccountHistoryResponse(_message.Message):
    __slots__ = ("history_items", "next_page_token", "archived_entries")
    HISTORY_ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ARCHIVED_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    history_items: _containers.RepeatedCompositeFieldContainer[_history_item_pb2.HistoryItem]
    next_page_token: str
    archived_entries: _containers.RepeatedCompositeFieldContainer[_entry_pb2.ArchivedEntries]
    def __init__(self, history_items: _Optional[_Iterable[_Union[_history_item_pb2.HistoryItem, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., archived_entries: _Optional[_Iterable[_Union[_entry_pb2.ArchivedEntries, _Mapping]]] = ...) -> None: ...

class SearchHit(_message.Message):
    __slots__ = ("kind", "name", "account_id", "matched_field")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_FIELD_NUMBER: _ClassVar[int]
    kind: SearchHitKind
    name: str
    account_id: str
    matched_field: str
    def __init__(self, kind: _Optional[_Union[SearchHitKind, str]] = ..., name: _Optional[str] = ..., account_id: _Optional[str] = ..., matched_field: _Optional[str] = ...) -> None: ...

class SearchRequest(_message.Message):
    __slots__ = ("query", "account_id")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    query: str
    account_id: str
    def __init__(self, query: _Optional[str] = ..., account_id: _Optional[str] = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("hits",)
    HITS_FIELD_NUMBER: _ClassVar[int]
    hits: _containers.RepeatedCompositeFieldContainer[SearchHit]
    def __init__(self, hits: _Optional[_Iterable[_Union[SearchHit, _Mapping]]] = ...) -> None: ...

class GetSystemStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSystemStatusResponse(_message.Message):
    __slots__ = ("system_status",)
    SYSTEM_STATUS_FIELD_NUMBER: _ClassVar[int]
    system_status: _status_figure_pb2.SystemStatus
    def __init__(self, system_status: _Optional[_Union[_status_figure_pb2.SystemStatus, _Mapping]] = ...) -> None: ...

class ReturnHoldRequest(_message.Message):
    __slots__ = ("name", "request_id", "expected_version", "validate_only", "reason", "staff_note")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STAFF_NOTE_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    expected_version: int
    validate_only: bool
    reason: str
    staff_note: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., expected_version: _Optional[int] = ..., validate_only: bool = ..., reason: _Optional[str] = ..., staff_note: _Optional[str] = ...) -> None: ...

class ReturnHoldResponse(_message.Message):
    __slots__ = ("entry", "balance")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    entry: _entry_pb2.Entry
    balance: _balance_pb2.Balance
    def __init__(self, entry: _Optional[_Union[_entry_pb2.Entry, _Mapping]] = ..., balance: _Optional[_Union[_balance_pb2.Balance, _Mapping]] = ...) -> None: ...

class GiveCreditsRequest(_message.Message):
    __slots__ = ("account_id", "credit_type", "amount", "request_id", "expected_version", "validate_only", "reason", "staff_note")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STAFF_NOTE_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    credit_type: str
    amount: int
    request_id: str
    expected_version: int
    validate_only: bool
    reason: str
    staff_note: str
    def __init__(self, account_id: _Optional[str] = ..., credit_type: _Optional[str] = ..., amount: _Optional[int] = ..., request_id: _Optional[str] = ..., expected_version: _Optional[int] = ..., validate_only: bool = ..., reason: _Optional[str] = ..., staff_note: _Optional[str] = ...) -> None: ...

class GiveCreditsResponse(_message.Message):
    __slots__ = ("entry", "balance")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    entry: _entry_pb2.Entry
    balance: _balance_pb2.Balance
    def __init__(self, entry: _Optional[_Union[_entry_pb2.Entry, _Mapping]] = ..., balance: _Optional[_Union[_balance_pb2.Balance, _Mapping]] = ...) -> None: ...
