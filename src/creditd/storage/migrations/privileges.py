"""The roles of the application and of auditors: made and granted at every run of ``migrate``, not by migrations alone.

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

Privileges = Mapping[str, tuple[str, ...]]
"""Tables by what may be done with them, or columns by their table."""

PRIVILEGES: Final[Privileges] = {
    "SELECT": ("alembic_version", "entry_archives", "schema_compatibility"),
    "SELECT, INSERT": (
        "account_labels",
        "account_changes",
        "account_flags",
        "approval_decisions",
        "approvals",
        "audit_events",
        "audit_seals",
        "entries",
        "entry_seals",
        "flag_clearances",
        "payment_event_acts",
        "purchase_changes",
        "request_claims",
        "role_grants",
        "role_revocations",
        "staff_notes",
    ),
    "SELECT, INSERT, DELETE": ("event_delivery_attempts", "outbox_events", "published_events"),
    "SELECT, INSERT, UPDATE, DELETE": (
        "event_deliveries",
        "event_endpoints",
        "first_purchase_promos",
        "held_roles",
        "payment_dues",
        "payment_hints",
        "promo_claims",
        "spending_counts",
        "usage_editions",
        "usage_floors",
        "usage_leaders",
        "usage_parts",
        "usage_positions",
        "usage_ranks",
        "usage_sums",
        "usage_totals",
    ),
    "SELECT, UPDATE": ("access_versions", "event_publishing", "expiry_notices", "sealing", "usage_rollups"),
    "SELECT, INSERT, UPDATE": (
        "account_movements",
        "accounts",
        "credit_types",
        "grants",
        "packages",
        "payment_events",
        "payment_references",
        "promo_codes",
        "purchase_facts",
        "purchases",
        "reconciliations",
        "rejected_webhooks",
        "reservations",
        "runs",
        "service_accounts",
        "subscriptions",
        "support_gifts",
        "velocity_events",
        "velocity_states",
        "wallets",
        "workflows",
    ),
}
"""What the role may do with which tables, each of which is in one line. What only ever grows is never updated, and
nothing is deleted but what is still to be done, once it is done, what was counted on days that are over, which roles
are held, once they are not, claims of promo codes that are given back, what was added up of the ledger, once it was
added up anew, and events, once they are published, and once they are old."""

ONLY_GROW: Final = PRIVILEGES["SELECT, INSERT"]
"""The tables of which no row is ever changed or removed."""

AUDITOR_ROLE: Final = "creditd_auditor"

SECRET_COLUMNS: Final[Privileges] = {
    "event_endpoints": ("encrypted_secret", "former_encrypted_secret"),
    "payment_events": ("body",),
    "payment_hints": ("body",),
    "purchases": ("return_url", "redirect_url", "qr_image_url"),
}
"""What an auditor does not read: what providers have sent in full, with who paid by what, and where one pays;
and what events are signed with."""

# Another database's migration may make the role at the same moment: it belongs to the cluster.
_MAKE_ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$
"""

# Since PostgreSQL 16 a member may become the role only with the option SET, which who makes a role does not get.
_JOIN_ROLE = """
DO $$
BEGIN
    IF current_setting('server_version_num')::integer < 160000 THEN
        IF NOT pg_has_role(current_user, '{role}', 'MEMBER') THEN
            EXECUTE format('GRANT {role} TO %I', current_user);
        END IF;
    ELSIF NOT pg_has_role(current_user, '{role}', 'SET') THEN
        EXECUTE format('GRANT {role} TO %I WITH SET TRUE', current_user);
    END IF;
END
$$
"""


_NO_MEMBER = "this user may not become {role}, so that another one, who is a member, has to serve"

NO_MEMBER: Final = _NO_MEMBER.format(role=APPLICATION_ROLE)

NO_AUDITOR: Final = f"this user may not make the role {AUDITOR_ROLE}; who may runs: CREATE ROLE {AUDITOR_ROLE} NOLOGIN"


def ensure_privileges(
    connection: Connection,
    role: str = APPLICATION_ROLE,
    granted: Privileges = PRIVILEGES,
    secret: Privileges = SECRET_COLUMNS,
) -> str:
    """Make a service's role and that of auditors, have the current user able to become the first, and grant to both.

    The service's role is ``granted`` what it needs, auditors what is not ``secret``.

    Return what the owner has to know of it, in a line each; empty for nothing. Who may not grant the role need not
    serve either, and auditors may come later. Raises DBAPIError, for example if the application's role is not there
    and the current user may not make it.
    """
    connection.execute(text(_MAKE_ROLE.format(role=role)))
    remarks = []
    if not _is_permitted(connection, _JOIN_ROLE.format(role=role)):
        remarks.append(_NO_MEMBER.format(role=role))
    for privileges, tables in granted.items():
        connection.execute(text(f"GRANT {privileges} ON {', '.join(tables)} TO {role}"))
    if _is_permitted(connection, _MAKE_ROLE.format(role=AUDITOR_ROLE)):
        _grant_to_auditors(connection, granted, secret)
    else:
        remarks.append(NO_AUDITOR)
    return "\n".join(remarks)


def _is_permitted(connection: Connection, statement: str) -> bool:
    """Run a statement, and return whether the current user may. Raises DBAPIError for any other failure."""
    try:
        with connection.begin_nested():
            connection.execute(text(statement))
    except DBAPIError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        return False
    return True


_COLUMNS: Final = text("""
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped AND attname <> ALL (:secret ::text[])
""")


def _grant_to_auditors(connection: Connection, granted: Privileges, secret: Privileges) -> None:
    """Let auditors read all tables but their secret columns."""
    whole = [table for tables in granted.values() for table in tables if table not in secret]
    connection.execute(text(f"GRANT SELECT ON {', '.join(whole)} TO {AUDITOR_ROLE}"))
    for table, hidden in secret.items():
        columns = connection.execute(_COLUMNS, {"name": table, "secret": texts(hidden)}).scalar_one()
        # What was granted of the whole table goes first: it would outweigh what its columns are granted.
        connection.execute(text(f"REVOKE SELECT ON {table} FROM {AUDITOR_ROLE}"))
        connection.execute(text(f"GRANT SELECT ({columns}) ON {table} TO {AUDITOR_ROLE}"))


_MISSING_PRIVILEGES: Final = text("""
SELECT current_user::text, string_agg(n.privilege || ' on ' || n.name, ', ' ORDER BY n.name, n.privilege)
FROM unnest(:names ::text[], :privileges ::text[]) AS n (name, privilege)
WHERE has_table_privilege(to_regclass(n.name), n.privilege) IS NOT TRUE
""")


def require_privileges(connection: Connection, granted: Privileges = PRIVILEGES) -> None:
    """Verify that whom the sessions act as has every privilege that it needs. Raises UnsuitableDatabase."""
    needed = [
        (table, privilege)
        for privileges, tables in granted.items()
        for table in tables
        for privilege in privileges.split(", ")
    ]
    parameters = {"names": texts(table for table, _ in needed), "privileges": texts(name for _, name in needed)}
    role, missing = connection.execute(_MISSING_PRIVILEGES, parameters).one()
    if missing:
        raise UnsuitableDatabase(f"{role} lacks {missing}: run `creditd migrate`, which grants what it needs")
