"""The application's role and what it may do: made and granted at every run of ``migrate``, not by migrations alone.

A database restored into another cluster has its tables and no role; an owner who made the role may not become it unless
told so (PostgreSQL 16 and newer). Each step can be repeated.
"""

from collections.abc import Mapping
from typing import Final

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from creditd.storage.arrays import texts
from creditd.storage.connections.session import UnsuitableDatabase

APPLICATION_ROLE: Final = "creditd_app"

PRIVILEGES: Final[Mapping[str, tuple[str, ...]]] = {
    "SELECT": ("alembic_version",),
    "SELECT, INSERT": (
        "account_changes",
        "entries",
        "outbox_events",
        "payment_event_acts",
        "purchase_changes",
        "request_claims",
    ),
    "SELECT, INSERT, UPDATE, DELETE": ("payment_dues", "payment_hints"),
    "SELECT, INSERT, UPDATE": (
        "accounts",
        "credit_types",
        "grants",
        "packages",
        "payment_events",
        "payment_references",
        "purchase_facts",
        "purchases",
        "reconciliations",
        "rejected_webhooks",
        "reservations",
        "subscriptions",
        "wallets",
    ),
}
"""What the role may do with which tables. What only ever grows is never updated, and nothing is deleted but
what is still to be done, once it is done."""

# Another database's migration may make the role at the same moment: it belongs to the cluster.
_MAKE_ROLE = f"""
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APPLICATION_ROLE}') THEN
        CREATE ROLE {APPLICATION_ROLE} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$
"""

# Since PostgreSQL 16 a member may become the role only with the option SET, which who makes a role does not get.
_JOIN_ROLE = f"""
DO $$
BEGIN
    IF current_setting('server_version_num')::integer < 160000 THEN
        IF NOT pg_has_role(current_user, '{APPLICATION_ROLE}', 'MEMBER') THEN
            EXECUTE format('GRANT {APPLICATION_ROLE} TO %I', current_user);
        END IF;
    ELSIF NOT pg_has_role(current_user, '{APPLICATION_ROLE}', 'SET') THEN
        EXECUTE format('GRANT {APPLICATION_ROLE} TO %I WITH SET TRUE', current_user);
    END IF;
END
$$
"""


NO_MEMBER: Final = f"this user may not become {APPLICATION_ROLE}, so that another one, who is a member, has to serve"


def ensure_privileges(connection: Connection) -> str:
    """Make the application's role, have the current user able to become it, and grant it what it needs.

    Return what the owner has to know of it; empty for nothing. Who may not grant the role need not serve either. Raises
    DBAPIError, for example if the role is not there and the current user may not make it.
    """
    connection.execute(text(_MAKE_ROLE))
    remark = ""
    try:
        with connection.begin_nested():
            connection.execute(text(_JOIN_ROLE))
    except DBAPIError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        remark = NO_MEMBER
    for privileges, tables in PRIVILEGES.items():
        connection.execute(text(f"GRANT {privileges} ON {', '.join(tables)} TO {APPLICATION_ROLE}"))
    return remark


_MISSING_PRIVILEGES: Final = text("""
SELECT current_user::text, string_agg(n.privilege || ' on ' || n.name, ', ' ORDER BY n.name, n.privilege)
FROM unnest(:names ::text[], :privileges ::text[]) AS n (name, privilege)
WHERE has_table_privilege(to_regclass(n.name), n.privilege) IS NOT TRUE
""")


def require_privileges(connection: Connection) -> None:
    """Verify that whom the sessions act as has every privilege that it needs. Raises UnsuitableDatabase."""
    needed = [
        (table, privilege)
        for privileges, tables in PRIVILEGES.items()
        for table in tables
        for privilege in privileges.split(", ")
    ]
    parameters = {"names": texts(table for table, _ in needed), "privileges": texts(name for _, name in needed)}
    role, missing = connection.execute(_MISSING_PRIVILEGES, parameters).one()
    if missing:
        raise UnsuitableDatabase(f"{role} lacks {missing}: run `creditd migrate`, which grants what it needs")
