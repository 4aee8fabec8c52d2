"""Role grants, their revocations, and service accounts as rows.

Every change begins with ``lock``: changes come one after the other, so that what is looked at in one still holds when
it commits. It ends with ``raise_version``, by which servers see that there is something new.

What was ever granted grows for good, and only lists of it read it. All else asks ``held_roles``, which the database
keeps: one grant of a role to a subject, no more than ``MAX_ROLE_GRANTS`` in all.
"""

from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, func, insert, or_, select, true, update

from creditd.domain.controls.access import Holder, RoleGrant, ServiceAccount
from creditd.domain.controls.audit_event import Act
from creditd.domain.instant import Instant
from creditd.domain.resource_names import role_grant_name
from creditd.domain.wallet import Origin
from creditd.storage.controls import audit
from creditd.storage.controls.access_tables import (
    access_versions,
    held_roles,
    role_grants,
    role_revocations,
    service_accounts,
)

OUTSIDE: Final = "creditd admin create"
"""Who has granted what no caller of an RPC has."""

_OF_GRANTS: Final = (
    role_grants.c.grant_id,
    role_grants.c.subject,
    role_grants.c.role,
    role_grants.c.granted_by,
    role_grants.c.granted_by_person,
    role_grants.c.reason,
    role_grants.c.create_time,
    role_grants.c.expire_time,
)

_HELD: Final = tuple(held_roles.c[column.name] for column in _OF_GRANTS)


class StoredAccess(NamedTuple):
    """All that is stored of access at one moment: its version, the role grants in force, and the service accounts."""

    version: int
    role_grants: list[RoleGrant]
    service_accounts: list[ServiceAccount]


def version(connection: Connection) -> int:
    """Return how often anybody's access was changed."""
    found: int = connection.execute(select(access_versions.c.version)).scalar_one()
    return found


def load(connection: Connection, now: Instant) -> StoredAccess:
    """Load all that is in force, within a snapshot."""
    grants = [RoleGrant(*row) for row in connection.execute(select(*_HELD).where(_is_live(now)))]
    accounts = [_service_account(row) for row in connection.execute(_accounts())]
    return StoredAccess(version(connection), grants, accounts)


def lock(connection: Connection) -> None:
    """Let no one else change anybody's access until the transaction ends."""
    connection.execute(select(access_versions.c.version).with_for_update())


def raise_version(connection: Connection) -> None:
    """Have every server load what is stored; ``lock`` was called before."""
    connection.execute(update(access_versions).values(version=access_versions.c.version + 1))


def held_by(connection: Connection, subject: str, now: Instant) -> list[RoleGrant]:
    """Return the grants in force of a subject, or of a service account by its resource name."""
    query = select(*_HELD).where(held_roles.c.subject == subject, _is_live(now))
    return [RoleGrant(*row) for row in connection.execute(query)]


def live_grant(connection: Connection, subject: str, role: str, now: Instant) -> RoleGrant | None:
    """Return the grant by which a subject has a role, or None."""
    wanted = held_roles.c.subject == subject, held_roles.c.role == role
    row = connection.execute(select(*_HELD).where(*wanted, _is_live(now))).one_or_none()
    return RoleGrant(*row) if row else None


def remove_ended(connection: Connection, now: Instant) -> None:
    """Hold the roles no more that have ended by the clock; ``lock`` was called before."""
    connection.execute(delete(held_roles).where(held_roles.c.expire_time <= now))


def count_held(connection: Connection) -> int:
    """Count the roles that are held, with those that have ended and were not removed."""
    return connection.execute(select(func.count()).select_from(held_roles)).scalar_one()


def holders(connection: Connection, role: str) -> list[Holder]:
    """Return who has a role for good."""
    wanted = held_roles.c.role == role, held_roles.c.expire_time.is_(None)
    rows = connection.execute(select(*_HELD, held_roles.c.person).where(*wanted))
    return [Holder(RoleGrant(*row[:-1]), row[-1]) for row in rows]


def note_person(connection: Connection, subject: str, person: str) -> None:
    """Note who has shown to stand behind a subject, if it holds a role; ``lock`` was called before."""
    wanted = held_roles.c.subject == subject, held_roles.c.person != person
    connection.execute(update(held_roles).where(*wanted).values(person=person))


def add_grant(connection: Connection, grant: RoleGrant) -> None:
    """Add a role grant."""
    connection.execute(insert(role_grants).values({column.name: getattr(grant, column.name) for column in _OF_GRANTS}))


def revoke(connection: Connection, grant: RoleGrant) -> None:
    """Add the revocation of a role grant, which says when, by whom and why."""
    names = "grant_id", "revoke_time", "revoked_by", "revoke_reason"
    connection.execute(insert(role_revocations).values({name: getattr(grant, name) for name in names}))


def page_of_grants(
    connection: Connection, subject: str, before: str | None, now: Instant, count: int, *, ended: bool
) -> list[RoleGrant]:
    """Return role grants older than one by id, newest first: a subject's, or everybody's if it is empty.

    With ``ended`` also those that have ended or were revoked.
    """
    query = _page(role_grants if ended else held_roles, subject, before, count)
    return [RoleGrant(*row) for row in connection.execute(_with_ends(query) if ended else query.where(_is_live(now)))]


def _page(table: Table, subject: str, before: str | None, count: int) -> Select[Any]:
    c = table.c
    query = select(*(c[column.name] for column in _OF_GRANTS)).order_by(c.grant_id.desc()).limit(count)
    if subject:
        query = query.where(c.subject == subject)
    return query if before is None else query.where(c.grant_id < before)


def _with_ends(page: Select[Any]) -> Select[Any]:
    """Return a query for the grants of a page and their revocations, each of which is looked up by its key.

    As a join of the tables PostgreSQL would rather read both whole.
    """
    grants, c = page.subquery("page"), role_revocations.c
    ends = select(c.revoke_time, c.revoked_by, c.revoke_reason).where(c.grant_id == grants.c.grant_id).offset(0)
    end = ends.lateral("ends")
    texts = func.coalesce(end.c.revoked_by, ""), func.coalesce(end.c.revoke_reason, "")
    query = select(*grants.c, end.c.revoke_time, *texts).select_from(grants.outerjoin(end, true()))
    return query.order_by(grants.c.grant_id.desc())


def find_service_account(connection: Connection, service_account_id: str) -> ServiceAccount | None:
    """Return a service account, or None."""
    wanted = service_accounts.c.service_account_id == service_account_id
    row = connection.execute(_accounts().where(wanted)).one_or_none()
    return _service_account(row) if row else None


def owner_of_certificate(connection: Connection, names: Collection[str], but_for: str) -> str | None:
    """Return the id of another service account than ``but_for`` that has one of these certificate names, or None."""
    c = service_accounts.c
    query = select(c.service_account_id).where(
        c.certificate_names.overlap(list(names)), c.service_account_id != but_for
    )
    return connection.execute(query.limit(1)).scalar_one_or_none()


def count_service_accounts(connection: Connection) -> int:
    """Count the service accounts."""
    return connection.execute(select(func.count()).select_from(service_accounts)).scalar_one()


def add_service_account(connection: Connection, account: ServiceAccount) -> None:
    """Add a service account; its id is new."""
    connection.execute(insert(service_accounts).values(_row(account)))


def write_service_account(connection: Connection, account: ServiceAccount) -> None:
    """Write a service account as it is to be."""
    wanted = service_accounts.c.service_account_id == account.service_account_id
    connection.execute(update(service_accounts).where(wanted).values(_row(account)))


def page_of_service_accounts(connection: Connection, after: str, count: int) -> list[ServiceAccount]:
    """Return the service accounts whose ids come after one, by id."""
    c = service_accounts.c.service_account_id
    return [_service_account(row) for row in connection.execute(_accounts().where(c > after).order_by(c).limit(count))]


def grant_outside(
    connection: Connection, subject: str, role: str, now: Instant, make_id: Callable[[], str], reason: str
) -> bool:
    """Give a subject a role for good, without a caller who may: for the first administrator of an installation.

    Return whether it is new; a subject that has the role for good keeps it as it is.
    """
    lock(connection)
    known = live_grant(connection, subject, role, now)
    if known is not None and known.expire_time is None:
        return False
    if known is not None:
        revoke(connection, known._replace(revoke_time=now, revoked_by=OUTSIDE, revoke_reason=reason))
    grant = RoleGrant(make_id(), subject, role, OUTSIDE, "", reason, now)
    add_grant(connection, grant)
    act = Act(Origin(OUTSIDE, reason=reason), "role.grant", "", ())
    was = known._asdict() if known else None
    audit.append(
        connection, act.done(make_id(), now, role_grant_name(grant.grant_id), before=was, after=grant._asdict())
    )
    raise_version(connection)
    return True


def _is_live(now: Instant) -> ColumnElement[bool]:
    c = held_roles.c
    return or_(c.expire_time.is_(None), c.expire_time > now)


def _accounts() -> Select[Any]:
    return select(*(service_accounts.c[name] for name in ServiceAccount._fields))


def _service_account(row: Any) -> ServiceAccount:
    account = ServiceAccount._make(row)
    return account._replace(
        scopes=tuple(account.scopes),
        accounts=tuple(account.accounts),
        certificate_names=tuple(account.certificate_names),
    )


def _row(account: ServiceAccount) -> dict[str, Any]:
    lists = "scopes", "accounts", "certificate_names"
    return account._asdict() | {name: list(getattr(account, name)) for name in lists}
