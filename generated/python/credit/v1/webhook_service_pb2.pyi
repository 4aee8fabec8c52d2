from credit.v1 import payment_provider_pb2 as _payment_provider_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IngestResult(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INGEST_RESULT_UNSPECIFIED: _ClassVar[IngestResult]
    INGEST_RESULT_STORED: _ClassVar[IngestResult]
    INGEST_RESULT_DUPLICATE: _ClassVar[IngestResult]
    INGEST_RESULT_NOT_OF_INTEREST: _ClassVar[IngestResult]
INGEST_RESULT_UNSPECIFIED: IngestResult
INGEST_RESULT_STORED: IngestResult
INGEST_RESULT_DUPLICATE: IngestResult
INGEST_RESULT_NOT_OF_INTEREST: IngestResult

class IngestWebhookRequest(_message.Message):
    __slots__ = ("provider", "body", "headers", "remote_address")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    REMOTE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    provider: _payment_provider_pb2.PaymentProvider
    body: bytes
    headers: _containers.RepeatedCompositeFieldContainer[WebhookHeader]
    remote_address: str
    def __init__(self, provider: _Optional[_Union[_payment_provider_pb2.PaymentProvider, str]] = ..., body: _Optional[bytes] = ..., headers: _Optional[_Iterable[_Union[WebhookHeader, _Mapping]]] = ..., remote_address: _Optional[str] = ...) -> None: ...

class WebhookHeader(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class IngestWebhookResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: IngestResult
    def __init__(self, result: _Optional[_Union[IngestResult, str]] = ...) -> None: ...
