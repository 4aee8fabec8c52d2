from credit.v1 import payment_provider_pb2 as _payment_provider_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RejectionReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REJECTION_REASON_UNSPECIFIED: _ClassVar[RejectionReason]
    REJECTION_REASON_NO_SIGNATURE: _ClassVar[RejectionReason]
    REJECTION_REASON_BAD_SIGNATURE: _ClassVar[RejectionReason]
    REJECTION_REASON_TOO_OLD: _ClassVar[RejectionReason]
    REJECTION_REASON_IN_THE_FUTURE: _ClassVar[RejectionReason]
    REJECTION_REASON_MALFORMED: _ClassVar[RejectionReason]
    REJECTION_REASON_TOO_LARGE: _ClassVar[RejectionReason]
    REJECTION_REASON_OTHER_MODE: _ClassVar[RejectionReason]
    REJECTION_REASON_TOO_MANY: _ClassVar[RejectionReason]
REJECTION_REASON_UNSPECIFIED: RejectionReason
REJECTION_REASON_NO_SIGNATURE: RejectionReason
REJECTION_REASON_BAD_SIGNATURE: RejectionReason
REJECTION_REASON_TOO_OLD: RejectionReason
REJECTION_REASON_IN_THE_FUTURE: RejectionReason
REJECTION_REASON_MALFORMED: RejectionReason
REJECTION_REASON_TOO_LARGE: RejectionReason
REJECTION_REASON_OTHER_MODE: RejectionReason
REJECTION_REASON_TOO_MANY: RejectionReason

class RejectedWebhooks(_message.Message):
    __slots__ = ("provider", "reason", "hour", "count", "last_time", "last_remote_address")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    HOUR_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_REMOTE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    provider: _payment_provider_pb2.PaymentProvider
    reason: RejectionReason
    hour: _timestamp_pb2.Timestamp
    count: int
    last_time: _timestamp_pb2.Timestamp
    last_remote_address: str
    def __init__(self, provider: _Optional[_Union[_payment_provider_pb2.PaymentProvider, str]] = ..., reason: _Optional[_Union[RejectionReason, str]] = ..., hour: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., count: _Optional[int] = ..., last_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., last_remote_address: _Optional[str] = ...) -> None: ...
