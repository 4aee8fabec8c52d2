"""AccessService: roles, service accounts, and what the caller may do."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from credit.v1 import access_service_pb2 as pb
from credit.v1 import role_grant_pb2, service_account_pb2
from creditd.domain.controls.access import SERVICE, SUPER_ADMIN, RoleGrant, ServiceAccount, grantee_of
from creditd.domain.errors import InvalidField
from creditd.domain.instant import SECOND, Instant
from creditd.domain.resource_names import role_grant_name, service_account_name
from creditd.server.acts import act_of
from creditd.server.authentication.callers import Caller
from creditd.server.authorization.access_book import AccessBook, completed_by, counted_of
from creditd.server.authorization.policy import SCOPES, authorize, permissions_of, rule_for
from creditd.server.authorization.second_factor import SecondFactor
from creditd.server.credit_messages import timestamp
from creditd.server.refusals import PermissionDenied
from creditd.server.requests import expiry
from creditd.service.call import Call
from creditd.service.controls.access_changes import Mandate
from creditd.service.controls.roles import Roles, WantedRole
from creditd.service.controls.service_accounts import ServiceAccounts
from creditd.service.pages import Asked

_PREFIX = "ROLE_"


class RoleHandlers:
    """Roles given, taken and listed."""

    def __init__(self, roles: Roles) -> None:
        """Act by ``roles``."""
        self._roles = roles

    async def grant_role(self, request: pb.GrantRoleRequest, call: Call) -> pb.GrantRoleResponse:
        """Answer GrantRole."""
        role = _role_name(request.role)
        mandate = _mandate(call, "GrantRole", role)
        wanted = WantedRole(request.subject, role, *expiry(request))
        grant, call.replayed = await self._roles.grant(act_of(call, request), mandate, wanted)
        return pb.GrantRoleResponse(role_grant=role_grant_message(grant))

    async def revoke_role(self, request: pb.RevokeRoleRequest, call: Call) -> pb.RevokeRoleResponse:
        """Answer RevokeRole."""
        role = _role_name(request.role)
        mandate = _mandate(call, "RevokeRole", role)
        grant, call.replayed = await self._roles.revoke(act_of(call, request), mandate, request.subject, role)
        return pb.RevokeRoleResponse(role_grant=role_grant_message(grant))

    async def list_role_grants(self, request: pb.ListRoleGrantsRequest, call: Call) -> pb.ListRoleGrantsResponse:
        """Answer ListRoleGrants."""
        asked = Asked(request.page_size, request.page_token)
        page = await self._roles.page(call, request.subject, asked, role_grant_message, ended=request.show_ended)
        return pb.ListRoleGrantsResponse(role_grants=page.items, next_page_token=page.next_page_token)


class ServiceAccountHandlers:
    """Service accounts created, changed and listed."""

    def __init__(self, service_accounts: ServiceAccounts) -> None:
        """Act by ``service_accounts``."""
        self._service_accounts = service_accounts

    async def create_service_account(
        self, request: pb.CreateServiceAccountRequest, call: Call
    ) -> pb.CreateServiceAccountResponse:
        """Answer CreateServiceAccount."""
        wanted, mandate = _service_account_from(request.service_account), _mandate(call, "CreateServiceAccount")
        account, call.replayed = await self._service_accounts.create(act_of(call, request), mandate, wanted)
        return pb.CreateServiceAccountResponse(service_account=service_account_message(account))

    async def update_service_account(
        self, request: pb.UpdateServiceAccountRequest, call: Call
    ) -> pb.UpdateServiceAccountResponse:
        """Answer UpdateServiceAccount."""
        wanted, mandate = _service_account_from(request.service_account), _mandate(call, "UpdateServiceAccount")
        account, call.replayed = await self._service_accounts.update(
            act_of(call, request), mandate, wanted, request.service_account.version or None
        )
        return pb.UpdateServiceAccountResponse(service_account=service_account_message(account))

    async def list_service_accounts(
        self, request: pb.ListServiceAccountsRequest, call: Call
    ) -> pb.ListServiceAccountsResponse:
        """Answer ListServiceAccounts."""
        asked = Asked(request.page_size, request.page_token)
        page = await self._service_accounts.page(call, asked, service_account_message)
        return pb.ListServiceAccountsResponse(service_accounts=page.items, next_page_token=page.next_page_token)


class OwnAccessHandlers:
    """What the caller may do, from memory."""

    def __init__(self, book: AccessBook, second_factor: SecondFactor) -> None:
        """Tell what ``book`` adds to a token, and until when the ``second_factor`` that it shows is recent."""
        self._book = book
        self._second_factor = second_factor

    async def get_my_access(self, request: pb.GetMyAccessRequest, call: Call) -> pb.GetMyAccessResponse:
        """Answer GetMyAccess."""
        del request
        stated = _stated(call)
        caller = stated._replace(roles=frozenset(call.roles))
        anywhere = set(permissions_of(caller, None))
        answer = pb.GetMyAccessResponse(
            subject=caller.subject,
            person=caller.person,
            roles=sorted(_number(role) for role in caller.roles if role != SERVICE),
            is_service=SERVICE in stated.roles,
            scopes=sorted(caller.scopes),
            accounts=caller.accounts,
            permissions=sorted(anywhere),
            own_permissions=sorted(set(permissions_of(caller, caller.subject)) - anywhere),
            role_grants=map(role_grant_message, self._book.grants_of(stated)),
        )
        end = self._second_factor.end(caller)
        if end is not None:
            answer.second_factor_end_time.CopyFrom(timestamp(Instant(int(end * SECOND))))
        return answer


def _stated(call: Call) -> Caller:
    """Return the caller with the roles that its token states, and no others."""
    roles, scopes = frozenset(call.stated_roles), frozenset(call.scopes)
    return Caller(call.subject, roles, scopes, call.person, call.mfa_time, call.accounts)


def _mandate(call: Call, method: str, role: str = "") -> Mandate:
    """Return by what the caller changes access. Raises PermissionDenied if it may not give or take the ``role``."""
    rule, stated = rule_for(f"/credit.v1.AccessService/{method}"), _stated(call)

    def require(held: Sequence[RoleGrant], account: ServiceAccount | None, now: Instant) -> None:
        caller = completed_by(stated, counted_of(stated, held, account, now), account)
        authorize(rule, caller, None)
        _require_may_change(role, caller.roles, rule.method)

    _require_may_change(role, call.roles, rule.method)
    return Mandate(grantee_of(call.subject, is_service=SERVICE in stated.roles), require)


def _require_may_change(role: str, roles: AbstractSet[str], method: str) -> None:
    if role == SUPER_ADMIN and SUPER_ADMIN not in roles:
        raise PermissionDenied(method=method, allowed=SUPER_ADMIN)


def _role_name(number: int) -> str:
    return role_grant_pb2.Role.Name(number).removeprefix(_PREFIX)


def _number(role: str) -> Any:
    return role_grant_pb2.Role.Value(_PREFIX + role)


def role_grant_message(grant: RoleGrant) -> role_grant_pb2.RoleGrant:
    """Write a role grant."""
    message = role_grant_pb2.RoleGrant(
        name=role_grant_name(grant.grant_id),
        subject=grant.subject,
        role=_number(grant.role),
        granted_by=grant.granted_by,
        reason=grant.reason,
        create_time=timestamp(grant.create_time),
        revoked_by=grant.revoked_by,
        revoke_reason=grant.revoke_reason,
    )
    if grant.expire_time is not None:
        message.expire_time.CopyFrom(timestamp(grant.expire_time))
    if grant.revoke_time is not None:
        message.revoke_time.CopyFrom(timestamp(grant.revoke_time))
    return message


def service_account_message(account: ServiceAccount) -> service_account_pb2.ServiceAccount:
    """Write a service account."""
    return service_account_pb2.ServiceAccount(
        name=service_account_name(account.service_account_id),
        service_account_id=account.service_account_id,
        person=account.person,
        scopes=account.scopes,
        accounts=account.accounts,
        certificate_names=account.certificate_names,
        disabled=account.disabled,
        version=account.version,
        create_time=timestamp(account.create_time),
        update_time=timestamp(account.update_time),
    )


def _service_account_from(message: service_account_pb2.ServiceAccount) -> ServiceAccount:
    """Read a service account as it is to be; its times are not the caller's to state. Raises InvalidField."""
    name = service_account_name(message.service_account_id)
    if message.name not in ("", name):
        # Of two that are stated, one would be changed that its caller did not mean.
        raise InvalidField(field="service_account.name", rule=f"empty, or {name}")
    for scope in message.scopes:
        if scope not in SCOPES:
            raise InvalidField(field="service_account.scopes", rule=f"one of {', '.join(sorted(SCOPES))}")
    return ServiceAccount(
        message.service_account_id,
        message.person,
        tuple(sorted(message.scopes)),
        tuple(sorted(message.accounts)),
        tuple(sorted(message.certificate_names)),
        message.disabled,
    )
