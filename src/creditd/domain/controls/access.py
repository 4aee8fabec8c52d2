"""Who may do what, as it is stored: roles that subjects were given, and service accounts. And who may change it."""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from creditd.domain.controls.access_errors import LastSuperAdmin, OwnRole, ServiceAccountOfAnother
from creditd.domain.errors import ExpiryOutOfRange, require_future
from creditd.domain.instant import SECOND, Instant
from creditd.domain.resource_names import SERVICE_ACCOUNTS, service_account_name

SUPER_ADMIN: Final = "SUPER_ADMIN"
SERVICE: Final = "SERVICE"

GRANTABLE_ROLES: Final = ("USER", "PREMIUM", "SUPPORT", "FINANCE", "ADMIN", SUPER_ADMIN)
"""The roles that can be granted. SERVICE cannot: whoever is a service has it by its token, and nobody else."""

MAX_TEMPORARY_SECONDS: Final = 366 * 86_400
"""The longest life of a temporary role: a year. What is longer is for good, and is looked at as such."""

MAX_ROLE_GRANTS: Final = 10_000
"""Role grants in force at once. Every server holds all of them, some 10 MB, and reads them again after each change."""

MAX_SERVICE_ACCOUNTS: Final = 1_000
"""Service accounts, disabled ones too; each may have an allow list of 50. Held as role grants are."""


class RoleGrant(NamedTuple):
    """A role that somebody has from ``create_time`` on, until ``expire_time`` if that is not None.

    ``subject`` is that of a person, or the resource name of a service account. A revocation ends it before.
    ``granted_by_person`` is the person behind who granted it.
    """

    grant_id: str
    subject: str
    role: str
    granted_by: str
    granted_by_person: str
    reason: str
    create_time: Instant
    expire_time: Instant | None = None
    revoke_time: Instant | None = None
    revoked_by: str = ""
    revoke_reason: str = ""


class ServiceAccount(NamedTuple):
    """What a service may do. ``accounts`` are ids, or prefixes that end with ``*``; every account if there are none."""

    service_account_id: str
    person: str
    scopes: tuple[str, ...]
    accounts: tuple[str, ...]
    certificate_names: tuple[str, ...]
    disabled: bool
    version: int = 1
    create_time: Instant = Instant(0)
    update_time: Instant = Instant(0)


def require_another(actor: Collection[str], subject: str, person: str) -> None:
    """Raise OwnRole if an actor would raise itself, or a subject behind whom stands the same ``person``.

    ``actor`` is the one that acts, by the name that it is given roles by, and the person behind it.
    """
    if not {subject, person}.isdisjoint(actor):
        raise OwnRole(subject=subject)


class Holder(NamedTuple):
    """Who has a role for good, by which grant, and which ``person`` has shown to stand behind it; empty for nobody."""

    grant: RoleGrant
    person: str

    @property
    def is_certain(self) -> bool:
        """Whether the role is known to count.

        It does not for a second account of whoever gave it, and whose account one is, is known once it has acted. What
        was given from outside was given by nobody.
        """
        giver = {self.grant.granted_by, self.grant.granted_by_person}
        return not self.grant.granted_by_person or (bool(self.person) and self.person not in giver)


def require_one_left(subject: str, holders: Iterable[Holder]) -> None:
    """Raise LastSuperAdmin unless somebody else than ``subject`` can do what it can.

    ``holders`` are who is SUPER_ADMIN for good, by what is stored. Services are left out: they show no second factor,
    without which the role is good for nothing. Whoever is known to have it leaves somebody of whom that is known too.
    """
    people = {holder.grant.subject: holder.is_certain for holder in holders if not is_of_service(holder.grant.subject)}
    if subject not in people:
        return
    is_certain = people.pop(subject)
    if not people or (is_certain and not any(people.values())):
        raise LastSuperAdmin(subject=subject)


def require_own_service(actor_person: str, service_person: str, service_account_id: str) -> None:
    """Raise ServiceAccountOfAnother unless who acts stands behind a service account.

    Whoever could call as somebody else's service could raise himself, and approve what he has asked for.
    """
    if actor_person != service_person:
        raise ServiceAccountOfAnother(service_account=service_account_name(service_account_id))


def counted(
    grants: Iterable[RoleGrant],
    account: ServiceAccount | None,
    subject: str,
    person: str,
    now: Instant,
    *,
    is_service: bool,
) -> list[RoleGrant]:
    """Return those of a caller's stored grants that count.

    They are in force, and were not given by the one who has them, by whatever second account. ``grants`` are the
    grantee's, by ``grantee_of``, and ``account`` is the service account of the caller's id.
    """
    if is_service and (account is None or account.disabled):
        return []
    selves = {subject, person}
    if is_service and account is not None:
        selves.add(account.person)
    return [grant for grant in grants if _counts(grant, selves, now)]


def _counts(grant: RoleGrant, selves: Collection[str], now: Instant) -> bool:
    if grant.expire_time is not None and grant.expire_time <= now:
        return False
    return {grant.granted_by, grant.granted_by_person}.isdisjoint(selves)


def is_of_service(grantee: str) -> bool:
    """Tell whether a role is given to a service account, by its resource name; else to a person, by its subject."""
    return grantee.startswith(SERVICE_ACCOUNTS)


def grantee_of(subject: str, *, is_service: bool) -> str:
    """Return by which name a caller is given roles; empty for a person who is called as service accounts are.

    So a person and a service account with one id share nothing, whoever chooses that id.
    """
    if is_service:
        return service_account_name(subject)
    return "" if is_of_service(subject) else subject


def role_end(now: Instant, expire_time: Instant | None, ttl: int | None) -> Instant | None:
    """Return until when a role is granted, given an end or a time to live in microseconds; None for good.

    Raises ExpiryInPast, ExpiryOutOfRange.
    """
    if ttl is None and expire_time is None:
        return None
    field, maximum = ("ttl" if ttl is not None else "expire_time"), MAX_TEMPORARY_SECONDS
    if ttl is not None and ttl <= 0:
        raise ExpiryOutOfRange(field=field, maximum_seconds=maximum)
    require_future(field, expire_time, now)
    end = Instant(now + ttl) if ttl is not None else expire_time
    if end is not None and end > now + maximum * SECOND:
        raise ExpiryOutOfRange(field=field, maximum_seconds=maximum)
    return end
