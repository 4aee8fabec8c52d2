from credit.v1 import money_pb2 as _money_pb2
from credit.v1 import payment_provider_pb2 as _payment_provider_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PurchaseState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PURCHASE_STATE_UNSPECIFIED: _ClassVar[PurchaseState]
    PURCHASE_STATE_PENDING: _ClassVar[PurchaseState]
    PURCHASE_STATE_COMPLETED: _ClassVar[PurchaseState]
    PURCHASE_STATE_FAILED: _ClassVar[PurchaseState]
    PURCHASE_STATE_EXPIRED: _ClassVar[PurchaseState]
    PURCHASE_STATE_CANCELLED: _ClassVar[PurchaseState]
    PURCHASE_STATE_PARTIALLY_REFUNDED: _ClassVar[PurchaseState]
    PURCHASE_STATE_REFUNDED: _ClassVar[PurchaseState]
PURCHASE_STATE_UNSPECIFIED: PurchaseState
PURCHASE_STATE_PENDING: PurchaseState
PURCHASE_STATE_COMPLETED: PurchaseState
PURCHASE_STATE_FAILED: PurchaseState
PURCHASE_STATE_EXPIRED: PurchaseState
PURCHASE_STATE_CANCELLED: PurchaseState
PURCHASE_STATE_PARTIALLY_REFUNDED: PurchaseState
PURCHASE_STATE_REFUNDED: PurchaseState

class Purchase(_message.Message):
    __slots__ = ("name", "account_id", "package", "display_name", "price", "credit_type", "credits", "bonus", "provider", "method", "state", "redirect_url", "qr_image_url", "payment_expire_time", "provider_reference", "payment_id", "credits_granted", "credits_reversed", "paid_amount", "refunded_amount", "disputed_amount", "open_disputes", "extra_payment_ids", "extra_amount_left", "failure_code", "failure_message", "live", "version", "create_time", "update_time", "extra_payment_count", "promo_code", "discount", "promo_bonus", "promo_given_back")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CREDIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    BONUS_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URL_FIELD_NUMBER: _ClassVar[int]
    QR_IMAGE_URL_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    CREDITS_GRANTED_FIELD_NUMBER: _ClassVar[int]
    CREDITS_REVERSED_FIELD_NUMBER: _ClassVar[int]
    PAID_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DISPUTED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    OPEN_DISPUTES_FIELD_NUMBER: _ClassVar[int]
    EXTRA_PAYMENT_IDS_FIELD_NUMBER: _ClassVar[int]
    EXTRA_AMOUNT_LEFT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_CODE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXTRA_PAYMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROMO_CODE_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    PROMO_BONUS_FIELD_NUMBER: _ClassVar[int]
    PROMO_GIVEN_BACK_FIELD_NUMBER: _ClassVar[int]
    name: str
    account_id: str
    package: str
    display_name: str
    price: _money_pb2.Money
    credit_type: str
    credits: int
    bonus: int
    provider: _payment_provider_pb2.PaymentProvider
    method: _payment_provider_pb2.PaymentMethod
    state: PurchaseState
    redirect_url: str
    qr_image_url: str
    payment_expire_time: _timestamp_pb2.Timestamp
    provider_reference: str
    payment_id: str
    credits_granted: int
    credits_reversed: int
    paid_amount: int
    refunded_amount: int
    disputed_amount: int
    open_disputes: int
    extra_payment_ids: _containers.RepeatedScalarFieldContainer[str]
    extra_amount_left: int
    failure_code: str
    failure_message: str
    live: bool
    version: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    extra_payment_count: int
    promo_code: str
    discount: _money_pb2.Money
    promo_bonus: int
    promo_given_back: bool
    def __init__(self, name: _Optional[str] = ..., account_id: _Optional[str] = ..., package: _Optional[str] = ..., display_name: _Optional[str] = ..., price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., credit_type: _Optional[str] = ..., credits: _Optional[int] = ..., bonus: _Optional[int] = ..., provider: _Optional[_Union[_payment_provider_pb2.PaymentProvider, str]] = ..., method: _Optional[_Union[_payment_provider_pb2.PaymentMethod, str]] = ..., state: _Optional[_Union[PurchaseState, str]] = ..., redirect_url: _Optional[str] = ..., qr_image_url: _Optional[str] = ..., payment_expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., provider_reference: _Optional[str] = ..., payment_id: _Optional[str] = ..., credits_granted: _Optional[int] = ..., credits_reversed: _Optional[int] = ..., paid_amount: _Optional[int] = ..., refunded_amount: _Optional[int] = ..., disputed_amount: _Optional[int] = ..., open_disputes: _Optional[int] = ..., extra_payment_ids: _Optional[_Iterable[str]] = ..., extra_amount_left: _Optional[int] = ..., failure_code: _Optional[str] = ..., failure_message: _Optional[str] = ..., live: bool = ..., version: _Optional[int] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., extra_payment_count: _Optional[int] = ..., promo_code: _Optional[str] = ..., discount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., promo_bonus: _Optional[int] = ..., promo_given_back: bool = ...) -> None: ...

class PurchaseChange(_message.Message):
    __slots__ = ("version", "state", "credits_granted", "credits_reversed", "refunded_amount", "disputed_amount", "failure_code", "actor", "reason", "create_time")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREDITS_GRANTED_FIELD_NUMBER: _ClassVar[int]
    CREDITS_REVERSED_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DISPUTED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_CODE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    version: int
    state: PurchaseState
    credits_granted: int
    credits_reversed: int
    refunded_amount: int
    disputed_amount: int
    failure_code: str
    actor: str
    reason: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, version: _Optional[int] = ..., state: _Optional[_Union[PurchaseState, str]] = ..., credits_granted: _Optional[int] = ..., credits_reversed: _Optional[int] = ..., refunded_amount: _Optional[int] = ..., disputed_amount: _Optional[int] = ..., failure_code: _Optional[str] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
