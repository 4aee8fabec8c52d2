"""The roles that subjects are given and lose."""

from collections.abc import Callable
from typing import NamedTuple

from creditd.domain.controls.access import (
    MAX_ROLE_GRANTS,
    SUPER_ADMIN,
    RoleGrant,
    is_of_service,
    require_another,
    require_one_left,
    role_end,
)
from creditd.domain.controls.access_errors import AccessFull, RoleGrantNotFound, ServiceAccountNotFound
from creditd.domain.controls.audit_event import Act
from creditd.domain.instant import Instant
from creditd.domain.resource_names import id_in, role_grant_name
from creditd.ledger.clock import DatabaseClock
from creditd.service.call import Call, require_text
from creditd.service.controls.access_changes import AccessChanges, Mandate
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage.controls import access
from creditd.storage.database import Connection, Database
from creditd.storage.requests import ClaimKind


class WantedRole(NamedTuple):
    """A role to be given: to whom, which, and until when or for how many microseconds; for good if neither is set."""

    subject: str
    role: str
    expire_time: Instant | None = None
    ttl: int | None = None


class Roles:
    """Grants, revokes and lists roles: a person's by its subject, a service account's by its resource name.

    All raise DatabaseUnavailable, Overloaded, ShuttingDown.
    """

    def __init__(
        self, changes: AccessChanges, database: Database, clock: DatabaseClock, threads: Threads, tokens: PageTokens
    ) -> None:
        """Give and take them by ``changes``, and list those in ``database``."""
        self._changes = changes
        self._database = database
        self._clock = clock
        self._threads = threads
        self._tokens = tokens

    async def grant(self, act: Act, mandate: Mandate, wanted: WantedRole) -> tuple[RoleGrant, bool]:
        """Give a subject a role; tell whether the request id had done so before.

        A grant of that role in force is revoked by it. Raises PermissionDenied, OwnRole, LastSuperAdmin if the only
        permanent SUPER_ADMIN would become a temporary one, ExpiryInPast, ExpiryOutOfRange, ServiceAccountNotFound,
        AccessFull, RequestIdReused, InvalidField.
        """
        require_text("subject", wanted.subject)
        return await self._changes.once(
            act,
            mandate,
            ClaimKind.ROLE_GRANT,
            lambda connection, now: self._grant(connection, act, mandate, wanted, now),
            RoleGrant,
        )

    async def revoke(self, act: Act, mandate: Mandate, subject: str, role: str) -> tuple[RoleGrant, bool]:
        """Take a role from a subject; tell whether the request id had done so before.

        Raises PermissionDenied, RoleGrantNotFound, LastSuperAdmin, RequestIdReused, InvalidField.
        """
        require_text("subject", subject)
        return await self._changes.once(
            act,
            mandate,
            ClaimKind.ROLE_REVOCATION,
            lambda connection, now: self._revoke(connection, act, subject, role, now),
            RoleGrant,
        )

    async def page(
        self, call: Call, subject: str, asked: Asked, show: Callable[[RoleGrant], Shown], *, ended: bool
    ) -> Page[Shown]:
        """Return a page of role grants, newest first, each as ``show`` writes it: a subject's, or all if it is empty.

        With ``ended`` also those that are not in force any more. Raises PageTokenInvalid.
        """
        return await self._threads.surveys.submit(
            lambda: self._page(subject, asked, show, ended=ended), owner=call.subject
        )

    def _page(self, subject: str, asked: Asked, show: Callable[[RoleGrant], Shown], *, ended: bool) -> Page[Shown]:
        query = query_of("role_grants", subject=subject, ended=ended or None)
        before = self._tokens.open(query, asked.page_token) if asked.page_token else None
        with self._database.listing() as connection:
            found = access.page_of_grants(connection, subject, before, self._clock.now(), asked.size + 1, ended=ended)
        return self._tokens.page(query, found, asked.size, show, lambda grant: grant.grant_id)

    def _grant(self, connection: Connection, act: Act, mandate: Mandate, wanted: WantedRole, now: Instant) -> RoleGrant:
        end, subject = role_end(now, wanted.expire_time, wanted.ttl), wanted.subject
        require_another((mandate.grantee, act.person), subject, _person_behind(connection, subject))
        known = access.live_grant(connection, subject, wanted.role, now)
        if known is None and access.count_held(connection) >= MAX_ROLE_GRANTS:
            raise AccessFull(what="role grants", maximum=MAX_ROLE_GRANTS)
        if known is not None and end is not None:
            _require_one_left(connection, known)
        grant = RoleGrant(
            self._changes.make_id(), subject, wanted.role, act.origin.actor, act.person, act.origin.reason, now, end
        )
        # Before the other one ends: what is known of who holds it stays known.
        access.add_grant(connection, grant)
        if known is not None:
            access.revoke(connection, _ended(known, act, now))
        self._changes.tell(connection, act, now, role_grant_name(grant.grant_id), known, grant)
        return grant

    def _revoke(self, connection: Connection, act: Act, subject: str, role: str, now: Instant) -> RoleGrant:
        known = access.live_grant(connection, subject, role, now)
        if known is None:
            raise RoleGrantNotFound(subject=subject, role=role)
        _require_one_left(connection, known)
        ended = _ended(known, act, now)
        access.revoke(connection, ended)
        self._changes.tell(connection, act, now, role_grant_name(ended.grant_id), known, ended)
        return ended


def _ended(known: RoleGrant, act: Act, now: Instant) -> RoleGrant:
    return known._replace(revoke_time=now, revoked_by=act.origin.actor, revoke_reason=act.origin.reason)


def _require_one_left(connection: Connection, known: RoleGrant) -> None:
    """Raise LastSuperAdmin if a grant may not end that is for good, and has none after it that is."""
    if known.role == SUPER_ADMIN and known.expire_time is None:
        require_one_left(known.subject, access.holders(connection, SUPER_ADMIN))


def _person_behind(connection: Connection, subject: str) -> str:
    """Return who stands behind a subject, as far as it is stored: a service account says so, anybody else is one.

    Raises ServiceAccountNotFound.
    """
    if not is_of_service(subject):
        return subject
    account = access.find_service_account(connection, id_in(subject))
    if account is None:
        raise ServiceAccountNotFound(service_account=subject)
    return account.person
