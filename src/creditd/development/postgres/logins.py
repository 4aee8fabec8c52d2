"""The login by which a service reaches a database of development: no owner's, and no superuser's."""

from typing import Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from creditd.storage.migrations.privileges import APPLICATION_ROLE

SERVER_LOGIN: Final = "creditd_development"
"""A member of the application's role, and nothing more."""

IDENTITY_LOGIN: Final = "creditd_identity_development"
"""The same of identity's role."""

_IS_MADE: Final = sql.SQL("""
SELECT EXISTS (
    SELECT FROM pg_auth_members WHERE roleid = to_regrole({role}) AND member = to_regrole({login})
)
""")

# Roles are the cluster's: another database's service may make them at the same moment.
_MAKE: Final = """
DO $$
DECLARE
    statement text;
    statements text[] := ARRAY['CREATE ROLE {role} NOLOGIN', 'CREATE ROLE {login} LOGIN', 'GRANT {role} TO {login}'];
BEGIN
    FOREACH statement IN ARRAY statements LOOP
        BEGIN
            EXECUTE statement;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
END
$$
"""


def server_url(url: str, role: str = APPLICATION_ROLE, login: str = SERVER_LOGIN) -> str:
    """Return the URL of a database for a service, by a login of a role, both made if they are not there.

    ``url`` is that of a user who may make roles; the login has the same password. Raises psycopg.Error.
    """
    parts = urlsplit(url)
    with psycopg.connect(url) as connection:
        _ensure_login(connection, role, login, unquote(parts.password or ""))
    user, _, place = parts.netloc.rpartition("@")
    _, colon, password = user.partition(":")
    return urlunsplit(parts._replace(netloc=f"{quote(login)}{colon}{password}@{place}"))


def _ensure_login(connection: psycopg.Connection, role: str, login: str, password: str) -> None:
    """Make the login, and the role that it is a member of; migrations grant to that what it needs."""
    is_made = _IS_MADE.format(role=sql.Literal(role), login=sql.Literal(login))
    if connection.execute(is_made).fetchone() == (True,):
        return
    connection.execute(_MAKE.format(role=role, login=login).encode())
    if password:
        scrambled = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256")
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
        connection.execute(statement.format(sql.Identifier(login), sql.Literal(scrambled.decode())))
