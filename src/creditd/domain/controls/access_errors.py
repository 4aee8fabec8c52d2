"""Refusals about access: roles and service accounts."""

from creditd.domain.errors import Refusal


class OwnRole(Refusal):
    """The caller would raise itself, or somebody behind whom the same person stands. Facts: subject."""

    reason = "OWN_ROLE"


class LastSuperAdmin(Refusal):
    """Nobody else is SUPER_ADMIN for good. Facts: subject."""

    reason = "LAST_SUPER_ADMIN"


class RoleGrantNotFound(Refusal):
    """The subject has no such role by a grant. Facts: subject, role."""

    reason = "ROLE_GRANT_NOT_FOUND"


class ServiceAccountNotFound(Refusal):
    """The service account does not exist. Facts: service_account."""

    reason = "SERVICE_ACCOUNT_NOT_FOUND"


class ServiceAccountExists(Refusal):
    """The service account exists, with other properties. Facts: service_account."""

    reason = "SERVICE_ACCOUNT_EXISTS"


class ServiceAccountOfAnother(Refusal):
    """Somebody else stands behind the service account, or would. Facts: service_account."""

    reason = "SERVICE_ACCOUNT_OF_ANOTHER"


class AccessFull(Refusal):
    """There is no room for another one in the memory of servers. Facts: what, maximum."""

    reason = "ACCESS_FULL"
