from credit.v1 import package_pb2 as _package_pb2
from credit.v1 import payment_provider_pb2 as _payment_provider_pb2
from credit.v1 import purchase_pb2 as _purchase_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListPackagesRequest(_message.Message):
    __slots__ = ("show_retired", "page_size", "page_token")
    SHOW_RETIRED_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    show_retired: bool
    page_size: int
    page_token: str
    def __init__(self, show_retired: bool = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPackagesResponse(_message.Message):
    __slots__ = ("packages", "next_page_token")
    PACKAGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    packages: _containers.RepeatedCompositeFieldContainer[_package_pb2.Package]
    next_page_token: str
    def __init__(self, packages: _Optional[_Iterable[_Union[_package_pb2.Package, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreatePurchaseRequest(_message.Message):
    __slots__ = ("account_id", "package_id", "provider", "method", "card_token", "return_url", "request_id", "promo_code")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    CARD_TOKEN_FIELD_NUMBER: _ClassVar[int]
    RETURN_URL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PROMO_CODE_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    package_id: str
    provider: _payment_provider_pb2.PaymentProvider
    method: _payment_provider_pb2.PaymentMethod
    card_token: str
    return_url: str
    request_id: str
    promo_code: str
    def __init__(self, account_id: _Optional[str] = ..., package_id: _Optional[str] = ..., provider: _Optional[_Union[_payment_provider_pb2.PaymentProvider, str]] = ..., method: _Optional[_Union[_payment_provider_pb2.PaymentMethod, str]] = ..., card_token: _Optional[str] = ..., return_url: _Optional[str] = ..., request_id: _Optional[str] = ..., promo_code: _Optional[str] = ...) -> None: ...

class CreatePurchaseResponse(_message.Message):
    __slots__ = ("purchase",)
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    purchase: _purchase_pb2.Purchase
    def __init__(self, purchase: _Optional[_Union[_purchase_pb2.Purchase, _Mapping]] = ...) -> None: ...

class GetPurchaseRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetPurchaseResponse(_message.Message):
    __slots__ = ("purchase", "changes", "next_poll_time")
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_POLL_TIME_FIELD_NUMBER: _ClassVar[int]
    purchase: _purchase_pb2.Purchase
    changes: _containers.RepeatedCompositeFieldContainer[_purchase_pb2.PurchaseChange]
    next_poll_time: _timestamp_pb2.Timestamp
    def __init__(self, purchase: _Optional[_Union[_purchase_pb2.Purchase, _Mapping]] = ..., changes: _Optional[_Iterable[_Union[_purchase_pb2.PurchaseChange, _Mapping]]] = ..., next_poll_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListPurchasesRequest(_message.Message):
    __slots__ = ("account_id", "state", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    state: _purchase_pb2.PurchaseState
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[str] = ..., state: _Optional[_Union[_purchase_pb2.PurchaseState, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPurchasesResponse(_message.Message):
    __slots__ = ("purchases", "next_page_token")
    PURCHASES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    purchases: _containers.RepeatedCompositeFieldContainer[_purchase_pb2.Purchase]
    next_page_token: str
    def __init__(self, purchases: _Optional[_Iterable[_Union[_purchase_pb2.Purchase, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelPurchaseRequest(_message.Message):
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CancelPurchaseResponse(_message.Message):
    __slots__ = ("purchase",)
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    purchase: _purchase_pb2.Purchase
    def __init__(self, purchase: _Optional[_Union[_purchase_pb2.Purchase, _Mapping]] = ...) -> None: ...
