from credit.v1 import approval_pb2 as _approval_pb2
from credit.v1 import package_pb2 as _package_pb2
from credit.v1 import payment_event_pb2 as _payment_event_pb2
from credit.v1 import payment_provider_pb2 as _payment_provider_pb2
from credit.v1 import purchase_pb2 as _purchase_pb2
from credit.v1 import rejected_webhooks_pb2 as _rejected_webhooks_pb2
from credit.v1 import subscription_pb2 as _subscription_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreatePackageRequest(_message.Message):
    __slots__ = ("package", "request_id")
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    package: _package_pb2.Package
    request_id: str
    def __init__(self, package: _Optional[_Union[_package_pb2.Package, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreatePackageResponse(_message.Message):
    __slots__ = ("package",)
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    package: _package_pb2.Package
    def __init__(self, package: _Optional[_Union[_package_pb2.Package, _Mapping]] = ...) -> None: ...

class RetirePackageRequest(_message.Message):
    __slots__ = ("name", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RetirePackageResponse(_message.Message):
    __slots__ = ("package",)
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    package: _package_pb2.Package
    def __init__(self, package: _Optional[_Union[_package_pb2.Package, _Mapping]] = ...) -> None: ...

class ReversePurchaseRequest(_message.Message):
    __slots__ = ("name", "amount", "request_id", "expected_version", "validate_only", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    amount: int
    request_id: str
    expected_version: int
    validate_only: bool
    reason: str
    def __init__(self, name: _Optional[str] = ..., amount: _Optional[int] = ..., request_id: _Optional[str] = ..., expected_version: _Optional[int] = ..., validate_only: bool = ..., reason: _Optional[str] = ...) -> None: ...

class ReversePurchaseResponse(_message.Message):
    __slots__ = ("purchase", "approval")
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    purchase: _purchase_pb2.Purchase
    approval: _approval_pb2.Approval
    def __init__(self, purchase: _Optional[_Union[_purchase_pb2.Purchase, _Mapping]] = ..., approval: _Optional[_Union[_approval_pb2.Approval, _Mapping]] = ...) -> None: ...

class InspectPurchaseRequest(_message.Message):
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class InspectPurchaseResponse(_message.Message):
    __slots__ = ("next_poll_time",)
    NEXT_POLL_TIME_FIELD_NUMBER: _ClassVar[int]
    next_poll_time: _timestamp_pb2.Timestamp
    def __init__(self, next_poll_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListPaymentEventsRequest(_message.Message):
    __slots__ = ("state", "provider", "account_id", "purchase", "start_time", "end_time", "page_size", "page_token", "show_counts")
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SHOW_COUNTS_FIELD_NUMBER: _ClassVar[int]
    state: _payment_event_pb2.PaymentEventState
    provider: _payment_provider_pb2.PaymentProvider
    account_id: str
    purchase: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    show_counts: bool
    def __init__(self, state: _Optional[_Union[_payment_event_pb2.PaymentEventState, str]] = ..., provider: _Optional[_Union[_payment_provider_pb2.PaymentProvider, str]] = ..., account_id: _Optional[str] = ..., purchase: _Optional[str] = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., show_counts: bool = ...) -> None: ...

class ListPaymentEventsResponse(_message.Message):
    __slots__ = ("payment_events", "next_page_token", "counts")
    PAYMENT_EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    payment_events: _containers.RepeatedCompositeFieldContainer[_payment_event_pb2.PaymentEvent]
    next_page_token: str
    counts: _containers.RepeatedCompositeFieldContainer[_payment_event_pb2.PaymentEventCount]
    def __init__(self, payment_events: _Optional[_Iterable[_Union[_payment_event_pb2.PaymentEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., counts: _Optional[_Iterable[_Union[_payment_event_pb2.PaymentEventCount, _Mapping]]] = ...) -> None: ...

class GetPaymentEventRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetPaymentEventResponse(_message.Message):
    __slots__ = ("payment_event", "body", "acts", "act_count", "facts")
    PAYMENT_EVENT_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    ACTS_FIELD_NUMBER: _ClassVar[int]
    ACT_COUNT_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    payment_event: _payment_event_pb2.PaymentEvent
    body: str
    acts: _containers.RepeatedCompositeFieldContainer[_payment_event_pb2.PaymentEventAct]
    act_count: int
    facts: _containers.RepeatedCompositeFieldContainer[_payment_event_pb2.PaymentFact]
    def __init__(self, payment_event: _Optional[_Union[_payment_event_pb2.PaymentEvent, _Mapping]] = ..., body: _Optional[str] = ..., acts: _Optional[_Iterable[_Union[_payment_event_pb2.PaymentEventAct, _Mapping]]] = ..., act_count: _Optional[int] = ..., facts: _Optional[_Iterable[_Union[_payment_event_pb2.PaymentFact, _Mapping]]] = ...) -> None: ...

class ReplayPaymentEventRequest(_message.Message):
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReplayPaymentEventResponse(_message.Message):
    __slots__ = ("payment_event",)
    PAYMENT_EVENT_FIELD_NUMBER: _ClassVar[int]
    payment_event: _payment_event_pb2.PaymentEvent
    def __init__(self, payment_event: _Optional[_Union[_payment_event_pb2.PaymentEvent, _Mapping]] = ...) -> None: ...

class DismissPaymentEventRequest(_message.Message):
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DismissPaymentEventResponse(_message.Message):
    __slots__ = ("payment_event",)
    PAYMENT_EVENT_FIELD_NUMBER: _ClassVar[int]
    payment_event: _payment_event_pb2.PaymentEvent
    def __init__(self, payment_event: _Optional[_Union[_payment_event_pb2.PaymentEvent, _Mapping]] = ...) -> None: ...

class ListRejectedWebhooksRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRejectedWebhooksResponse(_message.Message):
    __slots__ = ("rejected_webhooks", "next_page_token")
    REJECTED_WEBHOOKS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    rejected_webhooks: _containers.RepeatedCompositeFieldContainer[_rejected_webhooks_pb2.RejectedWebhooks]
    next_page_token: str
    def __init__(self, rejected_webhooks: _Optional[_Iterable[_Union[_rejected_webhooks_pb2.RejectedWebhooks, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListSubscriptionsRequest(_message.Message):
    __slots__ = ("account_id", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSubscriptionsResponse(_message.Message):
    __slots__ = ("subscriptions", "next_page_token")
    SUBSCRIPTIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    subscriptions: _containers.RepeatedCompositeFieldContainer[_subscription_pb2.Subscription]
    next_page_token: str
    def __init__(self, subscriptions: _Optional[_Iterable[_Union[_subscription_pb2.Subscription, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ReconcilePaymentsRequest(_message.Message):
    __slots__ = ("provider", "since")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    provider: _payment_provider_pb2.PaymentProvider
    since: _timestamp_pb2.Timestamp
    def __init__(self, provider: _Optional[_Union[_payment_provider_pb2.PaymentProvider, str]] = ..., since: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReconcilePaymentsResponse(_message.Message):
    __slots__ = ("find", "summary")
    FIND_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    find: ReconciliationFind
    summary: ReconciliationSummary
    def __init__(self, find: _Optional[_Union[ReconciliationFind, _Mapping]] = ..., summary: _Optional[_Union[ReconciliationSummary, _Mapping]] = ...) -> None: ...

class ReconciliationFind(_message.Message):
    __slots__ = ("reference", "purchase", "applied", "description")
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    reference: str
    purchase: str
    applied: bool
    description: str
    def __init__(self, reference: _Optional[str] = ..., purchase: _Optional[str] = ..., applied: bool = ..., description: _Optional[str] = ...) -> None: ...

class ReconciliationSummary(_message.Message):
    __slots__ = ("compared", "applied", "unresolved")
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    UNRESOLVED_FIELD_NUMBER: _ClassVar[int]
    compared: int
    applied: int
    unresolved: int
    def __init__(self, compared: _Optional[int] = ..., applied: _Optional[int] = ..., unresolved: _Optional[int] = ...) -> None: ...
