from credit.v1 import role_grant_pb2 as _role_grant_pb2
from credit.v1 import service_account_pb2 as _service_account_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GrantRoleRequest(_message.Message):
    __slots__ = ("subject", "role", "expire_time", "ttl", "reason", "request_id")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subject: str
    role: _role_grant_pb2.Role
    expire_time: _timestamp_pb2.Timestamp
    ttl: _duration_pb2.Duration
    reason: str
    request_id: str
    def __init__(self, subject: _Optional[str] = ..., role: _Optional[_Union[_role_grant_pb2.Role, str]] = ..., expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., ttl: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class GrantRoleResponse(_message.Message):
    __slots__ = ("role_grant",)
    ROLE_GRANT_FIELD_NUMBER: _ClassVar[int]
    role_grant: _role_grant_pb2.RoleGrant
    def __init__(self, role_grant: _Optional[_Union[_role_grant_pb2.RoleGrant, _Mapping]] = ...) -> None: ...

class RevokeRoleRequest(_message.Message):
    __slots__ = ("subject", "role", "reason", "request_id")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subject: str
    role: _role_grant_pb2.Role
    reason: str
    request_id: str
    def __init__(self, subject: _Optional[str] = ..., role: _Optional[_Union[_role_grant_pb2.Role, str]] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RevokeRoleResponse(_message.Message):
    __slots__ = ("role_grant",)
    ROLE_GRANT_FIELD_NUMBER: _ClassVar[int]
    role_grant: _role_grant_pb2.RoleGrant
    def __init__(self, role_grant: _Optional[_Union[_role_grant_pb2.RoleGrant, _Mapping]] = ...) -> None: ...

class ListRoleGrantsRequest(_message.Message):
    __slots__ = ("subject", "show_ended", "page_size", "page_token")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SHOW_ENDED_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    subject: str
    show_ended: bool
    page_size: int
    page_token: str
    def __init__(self, subject: _Optional[str] = ..., show_ended: bool = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRoleGrantsResponse(_message.Message):
    __slots__ = ("role_grants", "next_page_token")
    ROLE_GRANTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    role_grants: _containers.RepeatedCompositeFieldContainer[_role_grant_pb2.RoleGrant]
    next_page_token: str
    def __init__(self, role_grants: _Optional[_Iterable[_Union[_role_grant_pb2.RoleGrant, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateServiceAccountRequest(_message.Message):
    __slots__ = ("service_account", "reason", "request_id")
    SERVICE_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    service_account: _service_account_pb2.ServiceAccount
    reason: str
    request_id: str
    def __init__(self, service_account: _Optional[_Union[_service_account_pb2.ServiceAccount, _Mapping]] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateServiceAccountResponse(_message.Message):
    __slots__ = ("service_account",)
    SERVICE_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    service_account: _service_account_pb2.ServiceAccount
    def __init__(self, service_account: _Optional[_Union[_service_account_pb2.ServiceAccount, _Mapping]] = ...) -> None: ...

class UpdateServiceAccountRequest(_message.Message):
    __slots__ = ("service_account", "reason", "request_id")
    SERVICE_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    service_account: _service_account_pb2.ServiceAccount
    reason: str
    request_id: str
    def __init__(self, service_account: _Optional[_Union[_service_account_pb2.ServiceAccount, _Mapping]] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateServiceAccountResponse(_message.Message):
    __slots__ = ("service_account",)
    SERVICE_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    service_account: _service_account_pb2.ServiceAccount
    def __init__(self, service_account: _Optional[_Union[_service_account_pb2.ServiceAccount, _Mapping]] = ...) -> None: ...

class ListServiceAccountsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListServiceAccountsResponse(_message.Message):
    __slots__ = ("service_accounts", "next_page_token")
    SERVICE_ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    service_accounts: _containers.RepeatedCompositeFieldContainer[_service_account_pb2.ServiceAccount]
    next_page_token: str
    def __init__(self, service_accounts: _Optional[_Iterable[_Union[_service_account_pb2.ServiceAccount, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetMyAccessRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetMyAccessResponse(_message.Message):
    __slots__ = ("subject", "person", "roles", "is_service", "scopes", "accounts", "permissions", "own_permissions", "second_factor_end_time", "role_grants")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    IS_SERVICE_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    OWN_PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    SECOND_FACTOR_END_TIME_FIELD_NUMBER: _ClassVar[int]
    ROLE_GRANTS_FIELD_NUMBER: _ClassVar[int]
    subject: str
    person: str
    roles: _containers.RepeatedScalarFieldContainer[_role_grant_pb2.Role]
    is_service: bool
    scopes: _containers.RepeatedScalarFieldContainer[str]
    accounts: _containers.RepeatedScalarFieldContainer[str]
    permissions: _containers.RepeatedScalarFieldContainer[str]
    own_permissions: _containers.RepeatedScalarFieldContainer[str]
    second_factor_end_time: _timestamp_pb2.Timestamp
    role_grants: _containers.RepeatedCompositeFieldContainer[_role_grant_pb2.RoleGrant]
    def __init__(self, subject: _Optional[str] = ..., person: _Optional[str] = ..., roles: _Optional[_Iterable[_Union[_role_grant_pb2.Role, str]]] = ..., is_service: bool = ..., scopes: _Optional[_Iterable[str]] = ..., accounts: _Optional[_Iterable[str]] = ..., permissions: _Optional[_Iterable[str]] = ..., own_permissions: _Optional[_Iterable[str]] = ..., second_factor_end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., role_grants: _Optional[_Iterable[_Union[_role_grant_pb2.RoleGrant, _Mapping]]] = ...) -> None: ...
