from credit.v1 import event_endpoint_pb2 as _event_endpoint_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateEventEndpointRequest(_message.Message):
    __slots__ = ("event_endpoint", "request_id", "reason", "validate_only")
    EVENT_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    event_endpoint: _event_endpoint_pb2.EventEndpoint
    request_id: str
    reason: str
    validate_only: bool
    def __init__(self, event_endpoint: _Optional[_Union[_event_endpoint_pb2.EventEndpoint, _Mapping]] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class CreateEventEndpointResponse(_message.Message):
    __slots__ = ("event_endpoint", "secret")
    EVENT_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    event_endpoint: _event_endpoint_pb2.EventEndpoint
    secret: str
    def __init__(self, event_endpoint: _Optional[_Union[_event_endpoint_pb2.EventEndpoint, _Mapping]] = ..., secret: _Optional[str] = ...) -> None: ...

class GetEventEndpointRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetEventEndpointResponse(_message.Message):
    __slots__ = ("event_endpoint",)
    EVENT_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    event_endpoint: _event_endpoint_pb2.EventEndpoint
    def __init__(self, event_endpoint: _Optional[_Union[_event_endpoint_pb2.EventEndpoint, _Mapping]] = ...) -> None: ...

class ListEventEndpointsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListEventEndpointsResponse(_message.Message):
    __slots__ = ("event_endpoints", "next_page_token")
    EVENT_ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    event_endpoints: _containers.RepeatedCompositeFieldContainer[_event_endpoint_pb2.EventEndpoint]
    next_page_token: str
    def __init__(self, event_endpoints: _Optional[_Iterable[_Union[_event_endpoint_pb2.EventEndpoint, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateEventEndpointRequest(_message.Message):
    __slots__ = ("event_endpoint", "request_id", "reason", "expected_version", "validate_only")
    EVENT_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    event_endpoint: _event_endpoint_pb2.EventEndpoint
    request_id: str
    reason: str
    expected_version: int
    validate_only: bool
    def __init__(self, event_endpoint: _Optional[_Union[_event_endpoint_pb2.EventEndpoint, _Mapping]] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., expected_version: _Optional[int] = ..., validate_only: bool = ...) -> None: ...

class UpdateEventEndpointResponse(_message.Message):
    __slots__ = ("event_endpoint",)
    EVENT_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    event_endpoint: _event_endpoint_pb2.EventEndpoint
    def __init__(self, event_endpoint: _Optional[_Union[_event_endpoint_pb2.EventEndpoint, _Mapping]] = ...) -> None: ...

class DeleteEventEndpointRequest(_message.Message):
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DeleteEventEndpointResponse(_message.Message):
    __slots__ = ("event_endpoint",)
    EVENT_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    event_endpoint: _event_endpoint_pb2.EventEndpoint
    def __init__(self, event_endpoint: _Optional[_Union[_event_endpoint_pb2.EventEndpoint, _Mapping]] = ...) -> None: ...

class RotateEventEndpointSecretRequest(_message.Message):
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RotateEventEndpointSecretResponse(_message.Message):
    __slots__ = ("event_endpoint", "secret")
    EVENT_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    event_endpoint: _event_endpoint_pb2.EventEndpoint
    secret: str
    def __init__(self, event_endpoint: _Optional[_Union[_event_endpoint_pb2.EventEndpoint, _Mapping]] = ..., secret: _Optional[str] = ...) -> None: ...

class PauseEventEndpointRequest(_message.Message):
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class PauseEventEndpointResponse(_message.Message):
    __slots__ = ("event_endpoint",)
    EVENT_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    event_endpoint: _event_endpoint_pb2.EventEndpoint
    def __init__(self, event_endpoint: _Optional[_Union[_event_endpoint_pb2.EventEndpoint, _Mapping]] = ...) -> None: ...

class ResumeEventEndpointRequest(_message.Message):
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ResumeEventEndpointResponse(_message.Message):
    __slots__ = ("event_endpoint",)
    EVENT_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    event_endpoint: _event_endpoint_pb2.EventEndpoint
    def __init__(self, event_endpoint: _Optional[_Union[_event_endpoint_pb2.EventEndpoint, _Mapping]] = ...) -> None: ...

class ReplayEventsRequest(_message.Message):
    __slots__ = ("name", "request_id", "reason", "after_position", "positions")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AFTER_POSITION_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    reason: str
    after_position: int
    positions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., after_position: _Optional[int] = ..., positions: _Optional[_Iterable[int]] = ...) -> None: ...

class ReplayEventsResponse(_message.Message):
    __slots__ = ("event_endpoint",)
    EVENT_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    event_endpoint: _event_endpoint_pb2.EventEndpoint
    def __init__(self, event_endpoint: _Optional[_Union[_event_endpoint_pb2.EventEndpoint, _Mapping]] = ...) -> None: ...

class ListDeliveryAttemptsRequest(_message.Message):
    __slots__ = ("name", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    page_size: int
    page_token: str
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDeliveryAttemptsResponse(_message.Message):
    __slots__ = ("delivery_attempts", "next_page_token")
    DELIVERY_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    delivery_attempts: _containers.RepeatedCompositeFieldContainer[_event_endpoint_pb2.DeliveryAttempt]
    next_page_token: str
    def __init__(self, delivery_attempts: _Optional[_Iterable[_Union[_event_endpoint_pb2.DeliveryAttempt, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListDeadLettersRequest(_message.Message):
    __slots__ = ("name", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    page_size: int
    page_token: str
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDeadLettersResponse(_message.Message):
    __slots__ = ("dead_letters", "next_page_token")
    DEAD_LETTERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    dead_letters: _containers.RepeatedCompositeFieldContainer[_event_endpoint_pb2.DeadLetter]
    next_page_token: str
    def __init__(self, dead_letters: _Optional[_Iterable[_Union[_event_endpoint_pb2.DeadLetter, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
