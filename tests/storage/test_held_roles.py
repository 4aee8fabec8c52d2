"""The table of held roles is what grants and revocations come to, whichever version of the servers writes them."""

from collections.abc import Iterator

import psycopg
import pytest

from creditd.storage.migrations.versions import v0021_held_roles
from tests.support.databases import migrated_database

pytestmark = pytest.mark.requirement("D3")

Rows = psycopg.Connection[tuple[str, ...]]

HELD = "SELECT role, reason, person FROM held_roles ORDER BY role"
ENDLESS, LATER, OVER = None, "2999-01-01", "2001-01-01"


@pytest.fixture
def rows() -> Iterator[Rows]:
    with migrated_database() as url, psycopg.connect(url) as connection:
        yield connection


def grant(rows: Rows, role: str, reason: str, end: str | None = ENDLESS) -> str:
    query = """
        INSERT INTO role_grants VALUES (gen_random_uuid(), 'ann', %s, 'boss', 'boss', %s, '2000-01-01', %s)
        RETURNING grant_id::text
    """
    ((grant_id,),) = rows.execute(query, [role, reason, end]).fetchall()
    return grant_id


def revoke(rows: Rows, grant_id: str) -> None:
    rows.execute("INSERT INTO role_revocations VALUES (%s, 'boss', '', now())", [grant_id])


def test_a_role_is_held_from_its_grant_to_its_revocation_once(rows: Rows) -> None:
    first = grant(rows, "SUPPORT", "first", LATER)
    rows.execute("UPDATE held_roles SET person = 'Ann'")
    second = grant(rows, "SUPPORT", "second")
    other = grant(rows, "FINANCE", "other")
    assert rows.execute(HELD).fetchall() == [("FINANCE", "other", ""), ("SUPPORT", "second", "Ann")]
    revoke(rows, first)
    assert len(rows.execute(HELD).fetchall()) == 2
    revoke(rows, second)
    revoke(rows, other)
    assert rows.execute(HELD).fetchall() == []


def test_what_was_granted_before_is_held_afterwards(rows: Rows) -> None:
    """Of two grants of one role the newer, and the other one is revoked, as it would have been."""
    rows.execute("ALTER TABLE role_grants DISABLE TRIGGER role_grants_hold")
    grants = [grant(rows, "SUPPORT", "either"), grant(rows, "SUPPORT", "either", LATER)]
    revoke(rows, grant(rows, "FINANCE", "revoked"))
    grant(rows, "ADMIN", "over", OVER)
    grant(rows, "PREMIUM", "alone")
    for statement in v0021_held_roles.HELD_ROLES.split(";\n\n"):
        if statement.lstrip().startswith("INSERT"):
            rows.execute(statement)
    assert rows.execute(HELD).fetchall() == [("PREMIUM", "alone", ""), ("SUPPORT", "either", "")]
    ((held,),) = rows.execute("SELECT grant_id::text FROM held_roles WHERE role = 'SUPPORT'").fetchall()
    revoked = rows.execute(
        "SELECT grant_id::text FROM role_revocations WHERE revoked_by = 'boss' AND revoke_reason <> ''"
    )
    assert held == max(grants)
    assert revoked.fetchall() == [(min(grants),)]
