from credit.v1 import balance_pb2 as _balance_pb2
from credit.v1 import entry_pb2 as _entry_pb2
from credit.v1 import promo_code_pb2 as _promo_code_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreatePromoCodeRequest(_message.Message):
    __slots__ = ("display_code", "terms", "request_id", "reason", "validate_only")
    DISPLAY_CODE_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    display_code: str
    terms: _promo_code_pb2.PromoTerms
    request_id: str
    reason: str
    validate_only: bool
    def __init__(self, display_code: _Optional[str] = ..., terms: _Optional[_Union[_promo_code_pb2.PromoTerms, _Mapping]] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class CreatePromoCodeResponse(_message.Message):
    __slots__ = ("promo_code",)
    PROMO_CODE_FIELD_NUMBER: _ClassVar[int]
    promo_code: _promo_code_pb2.PromoCode
    def __init__(self, promo_code: _Optional[_Union[_promo_code_pb2.PromoCode, _Mapping]] = ...) -> None: ...

class GeneratePromoCodesRequest(_message.Message):
    __slots__ = ("prefix", "count", "terms", "request_id", "reason", "validate_only")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    count: int
    terms: _promo_code_pb2.PromoTerms
    request_id: str
    reason: str
    validate_only: bool
    def __init__(self, prefix: _Optional[str] = ..., count: _Optional[int] = ..., terms: _Optional[_Union[_promo_code_pb2.PromoTerms, _Mapping]] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class GeneratePromoCodesResponse(_message.Message):
    __slots__ = ("series_id", "display_codes")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_CODES_FIELD_NUMBER: _ClassVar[int]
    series_id: str
    display_codes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, series_id: _Optional[str] = ..., display_codes: _Optional[_Iterable[str]] = ...) -> None: ...

class GetPromoCodeRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetPromoCodeResponse(_message.Message):
    __slots__ = ("promo_code",)
    PROMO_CODE_FIELD_NUMBER: _ClassVar[int]
    promo_code: _promo_code_pb2.PromoCode
    def __init__(self, promo_code: _Optional[_Union[_promo_code_pb2.PromoCode, _Mapping]] = ...) -> None: ...

class ListPromoCodesRequest(_message.Message):
    __slots__ = ("code", "series_id", "kind", "state", "page_size", "page_token")
    CODE_FIELD_NUMBER: _ClassVar[int]
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    code: str
    series_id: str
    kind: _promo_code_pb2.PromoKind
    state: _promo_code_pb2.PromoCodeState
    page_size: int
    page_token: str
    def __init__(self, code: _Optional[str] = ..., series_id: _Optional[str] = ..., kind: _Optional[_Union[_promo_code_pb2.PromoKind, str]] = ..., state: _Optional[_Union[_promo_code_pb2.PromoCodeState, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPromoCodesResponse(_message.Message):
    __slots__ = ("promo_codes", "next_page_token")
    PROMO_CODES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    promo_codes: _containers.RepeatedCompositeFieldContainer[_promo_code_pb2.PromoCode]
    next_page_token: str
    def __init__(self, promo_codes: _Optional[_Iterable[_Union[_promo_code_pb2.PromoCode, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class EndPromoCodeRequest(_message.Message):
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class EndPromoCodeResponse(_message.Message):
    __slots__ = ("promo_code",)
    PROMO_CODE_FIELD_NUMBER: _ClassVar[int]
    promo_code: _promo_code_pb2.PromoCode
    def __init__(self, promo_code: _Optional[_Union[_promo_code_pb2.PromoCode, _Mapping]] = ...) -> None: ...

class RedeemPromoCodeRequest(_message.Message):
    __slots__ = ("account_id", "code", "request_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    code: str
    request_id: str
    def __init__(self, account_id: _Optional[str] = ..., code: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RedeemPromoCodeResponse(_message.Message):
    __slots__ = ("entry", "balance")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    entry: _entry_pb2.Entry
    balance: _balance_pb2.Balance
    def __init__(self, entry: _Optional[_Union[_entry_pb2.Entry, _Mapping]] = ..., balance: _Optional[_Union[_balance_pb2.Balance, _Mapping]] = ...) -> None: ...
