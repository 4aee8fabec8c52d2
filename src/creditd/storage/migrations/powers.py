"""What the login that serves could do to the ledger besides serving.

A session acts as the application's role, and can go back to its login (``SET ROLE NONE``) whenever a statement of
somebody else's making gets in. So what counts is what the login may do, by itself or by any role that it may become.
"""

from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.storage.arrays import texts
from creditd.storage.migrations.schema_rules import LEDGER, SchemaRules


class Login(NamedTuple):
    """Who has logged in, and in words each power that suffices to rewrite what is kept; none is how it should be.

    ``role`` is the one that a login should be a member of, and ``kept`` says what it could rewrite.
    """

    name: str
    powers: tuple[str, ...]
    role: str
    kept: str

    def __str__(self) -> str:
        """Say in one line what it could do, and what to do about it."""
        return (
            f"its login {self.name} could rewrite {self.kept} ({'; '.join(self.powers)}): serve by a login that is a "
            f"member of {self.role} and nothing more (see Logins in {PAGE})"
        )


PAGE: Final = "docs/operations.md"

OPT_OUT: Final = "or set CREDITD_REQUIRE_LEAST_PRIVILEGE to false"

# ``reached``: who has logged in, and each role whose powers it has or can give itself. Who logged in is asked of the
# list of sessions too, since a pooler may have set another session authorization. A membership that neither inherits
# nor may be taken nor granted is of no use; those options are there since PostgreSQL 16, before it each is of all use.
# ``kept``: the tables that are only ever added to.
_POWERS: Final = text("""
WITH RECURSIVE
reached (oid) AS (
    (SELECT oid FROM pg_roles WHERE rolname = session_user
    UNION SELECT usesysid FROM pg_stat_get_activity(pg_backend_pid()))
    UNION
    SELECT m.roleid FROM reached JOIN pg_auth_members m ON m.member = reached.oid
    WHERE NOT to_jsonb(m) @> '{"set_option": false, "inherit_option": false, "admin_option": false}'
),
roles AS (SELECT r.* FROM pg_roles r JOIN reached USING (oid)),
guards AS (
    SELECT t.tgrelid, p.oid, p.proowner, p.proname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE p.proname IN ('refuse_change', 'refuse_unarchived', 'refuse_unrestored') AND NOT t.tgisinternal
),
kept AS (
    SELECT c.* FROM pg_class c
    WHERE c.oid IN (SELECT to_regclass(name) FROM unnest(:kept ::text[]) AS n (name))
        OR c.oid IN (SELECT tgrelid FROM guards)
),
grants AS (
    SELECT relowner, relname, a.* FROM kept, aclexplode(relacl) a
    UNION ALL
    SELECT relowner, relname, a.* FROM kept JOIN pg_attribute ON attrelid = kept.oid, aclexplode(attacl) a
),
powers (power, by_role) AS (
    SELECT 'superuser', oid FROM roles WHERE rolsuper
    UNION ALL
    SELECT 'CREATEROLE', oid FROM roles
    WHERE rolcreaterole AND current_setting('server_version_num')::integer < 160000
    UNION ALL
    SELECT 'member of ' || rolname, NULL FROM roles
    WHERE rolname IN ('pg_write_all_data', 'pg_execute_server_program', 'pg_write_server_files')
    UNION ALL
    SELECT 'SET on session_replication_role', oid FROM roles
    WHERE has_parameter_privilege(oid, 'session_replication_role', 'SET') AND NOT rolsuper
    UNION ALL
    SELECT 'owner of the database ' || datname, datdba FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT 'owner of the schema ' || nspname, nspowner FROM pg_namespace
    WHERE oid IN (SELECT relnamespace FROM kept)
    UNION ALL
    SELECT 'CREATE in the schema ' || nspname, grantee FROM pg_namespace, aclexplode(nspacl)
    WHERE pg_namespace.oid IN (SELECT relnamespace FROM kept) AND privilege_type = 'CREATE' AND grantee <> nspowner
    UNION ALL
    SELECT 'owner of ' || relname, relowner FROM kept
    UNION ALL
    SELECT 'owner of the trigger function ' || proname, proowner FROM guards
    UNION ALL
    SELECT privilege_type || ' on ' || relname, grantee FROM grants
    WHERE privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER') AND grantee <> relowner
)
SELECT session_user::text, array(
    SELECT DISTINCT power || coalesce(' as ' || rolname, CASE by_role WHEN 0 THEN ' as PUBLIC' ELSE '' END)
    FROM powers LEFT JOIN pg_roles ON pg_roles.oid = by_role
    WHERE by_role IS NULL OR by_role = 0 OR by_role IN (SELECT oid FROM reached)
    ORDER BY 1
)
""")


def login_of(connection: Connection, schema: SchemaRules = LEDGER) -> Login:
    """Return who has logged in on a connection to a database with a schema, whomever it acts as.

    Raises sqlalchemy.exc.DBAPIError.
    """
    name, powers = connection.execute(_POWERS, {"kept": texts(schema.only_grow)}).one()
    return Login(name, tuple(powers), schema.role, schema.kept)
