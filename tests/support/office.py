"""An office: who gives and takes roles over the wire, and what has become of it."""

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import psycopg

from credit.v1 import access_service_pb2 as pb
from credit.v1 import credit_service_pb2 as credit
from credit.v1.role_grant_pb2 import Role, RoleGrant
from credit.v1.service_account_pb2 import ServiceAccount
from tests.support.patience import eventually
from tests.support.refusals import RefusedCall, refused
from tests.support.service import RunningService


def granting(subject: str, role: str, **fields: Any) -> pb.GrantRoleRequest:
    """Return a request to give a role."""
    stated = {"reason": "a test", "request_id": uuid4().hex} | fields
    return pb.GrantRoleRequest(subject=subject, role=f"ROLE_{role}", **stated)


def revoking(subject: str, role: str, **fields: Any) -> pb.RevokeRoleRequest:
    """Return a request to take a role."""
    stated = {"reason": "a test", "request_id": uuid4().hex} | fields
    return pb.RevokeRoleRequest(subject=subject, role=f"ROLE_{role}", **stated)


def creating(service_account_id: str, **fields: Any) -> pb.CreateServiceAccountRequest:
    """Return a request to create a service account."""
    account = ServiceAccount(service_account_id=service_account_id, **fields)
    return pb.CreateServiceAccountRequest(service_account=account, reason="a test", request_id=uuid4().hex)


def updating(account: ServiceAccount, **fields: Any) -> pb.UpdateServiceAccountRequest:
    """Return a request to change a service account's fields."""
    wanted = ServiceAccount()
    wanted.CopyFrom(account)
    for name, value in fields.items():
        wanted.ClearField(name)
        wanted.MergeFrom(ServiceAccount(**{name: value}))
    return pb.UpdateServiceAccountRequest(service_account=wanted, reason="a test", request_id=uuid4().hex)


class Office:
    """Whoever changes access at a running service."""

    def __init__(self, service: RunningService) -> None:
        """Work at ``service``."""
        self.service = service

    def as_one(self, subject: str, *roles: str, **claims: Any) -> SimpleNamespace:
        """Return the stubs of a caller who has just shown a second factor."""
        return self.service.as_caller(subject, *roles, mfa_time=round(self.service.seconds), **claims)

    @property
    def admin(self) -> SimpleNamespace:
        """An administrator by its token."""
        return self.as_one("boss", "ADMIN")

    @property
    def super_admin(self) -> SimpleNamespace:
        """A super administrator by its token."""
        return self.as_one("chief", "SUPER_ADMIN")

    def grant(self, subject: str, role: str, **fields: Any) -> RoleGrant:
        """Give a role, and wait until it is effective."""
        by = self.super_admin if role == "SUPER_ADMIN" else self.admin
        grant: RoleGrant = by.access.GrantRole(granting(subject, role, **fields)).role_grant
        self.await_effect()
        return grant

    def revoke(self, subject: str, role: str) -> RoleGrant:
        """Take a role, and wait until that is effective."""
        by = self.super_admin if role == "SUPER_ADMIN" else self.admin
        grant: RoleGrant = by.access.RevokeRole(revoking(subject, role)).role_grant
        self.await_effect()
        return grant

    def await_effect(self) -> None:
        """Wait until the server holds what is stored."""
        stored = self.version()
        eventually(lambda: self.service.server.credit.access.book.version == stored)

    def version(self) -> int:
        """Return how often anybody's access was changed."""
        with psycopg.connect(self.service.config.database_url) as connection:
            row = connection.execute("SELECT version FROM access_versions").fetchone()
        assert row is not None
        return int(row[0])

    def told_of(self, subject: str) -> list[Any]:
        """Return what the audit log tells of a subject's access, oldest first: actor, kind, before and after."""
        query = """
            SELECT actor, kind, before, after FROM audit_events
            WHERE after->>'subject' = %s OR after->>'service_account_id' = %s ORDER BY event_id
        """
        with psycopg.connect(self.service.config.database_url) as connection:
            return connection.execute(query, [subject, subject]).fetchall()

    def access_of(self, subject: str, *roles: str, **claims: Any) -> pb.GetMyAccessResponse:
        """Return what a caller is told of itself."""
        answer: pb.GetMyAccessResponse = self.service.as_caller(subject, *roles, **claims).access.GetMyAccess(
            pb.GetMyAccessRequest()
        )
        return answer

    def roles_of(self, subject: str, *roles: str, **claims: Any) -> set[str]:
        """Return which roles a caller has."""
        return {Role.Name(role).removeprefix("ROLE_") for role in self.access_of(subject, *roles, **claims).roles}

    def may_read(self, subject: str, account_id: str, *roles: str, **claims: Any) -> bool:
        """Tell whether a caller may read an account's balance."""
        call = self.service.as_caller(subject, *roles, **claims).credit.GetBalance
        return reason_of(call, credit.GetBalanceRequest(account_id=account_id)) != "PERMISSION_DENIED"


def reason_of(call: Any, request: Any) -> str:
    """Return why a call is refused, or OK."""
    try:
        refusal: RefusedCall = refused(call, request)
    except AssertionError:
        return "OK"
    return refusal.reason
