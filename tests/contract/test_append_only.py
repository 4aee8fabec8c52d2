"""No UPDATE or DELETE reaches the ledger: the database refuses it to the application and to the owner (A6)."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from credit.v1 import account_pb2
from tests.support.customer import Customer

CHANGES = {
    "UPDATE": "UPDATE {} SET reason = 'other'",
    "UPDATE of no row": "UPDATE {} SET reason = 'other' WHERE false",
    "DELETE": "DELETE FROM {}",
    "TRUNCATE": "TRUNCATE {}",
    "TRUNCATE with all that depends on it": "TRUNCATE {} CASCADE",
    "MERGE": "MERGE INTO {} AS t USING (SELECT 1) AS s ON true WHEN MATCHED THEN DELETE",
    "INSERT over": "INSERT INTO {} SELECT * FROM {} ON CONFLICT (account_id, {}) DO UPDATE SET reason = 'other'",
}

KEYS = {"entries": sql.SQL("credit_type, version"), "account_changes": sql.SQL("version")}


@pytest.fixture(params=["application", "owner"])
def connection(request: pytest.FixtureRequest, customer: Customer) -> Iterator[psycopg.Connection]:
    """Connect as the role that the service has, or as the one that made the tables and may do anything."""
    customer.top_up(10)
    customer.become(account_pb2.ACCOUNT_STATUS_SUSPENDED)
    with psycopg.connect(customer.service.config.database_url, autocommit=True) as connected:
        if request.param == "application":
            connected.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(customer.service.config.database_role)))
        yield connected


@pytest.mark.requirement("A6", "D2")
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", KEYS)
def test_a_row_is_neither_changed_nor_removed(connection: psycopg.Connection, table: str, change: str) -> None:
    """Not one of the ledger, nor one that tells who changed an account."""
    name = sql.Identifier(table)
    parts = {"INSERT over": [name, name, KEYS[table]]}.get(change, [name])
    before = connection.execute(sql.SQL("SELECT * FROM {}").format(name)).fetchall()
    assert before
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(sql.SQL(CHANGES[change]).format(*parts))
    assert connection.execute(sql.SQL("SELECT * FROM {}").format(name)).fetchall() == before


@pytest.mark.requirement("A6", "I7")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM wallets",
        "DELETE FROM reservations",
        "DELETE FROM grants",
        "DELETE FROM accounts",
        "TRUNCATE wallets CASCADE",
        "DROP TABLE entries",
        "ALTER TABLE entries DISABLE TRIGGER ALL",
        "DROP TRIGGER entries_append_only ON entries",
        "CREATE TABLE mine (n integer)",
        "UPDATE alembic_version SET version_num = '0'",
    ],
)
def test_the_application_can_neither_remove_rows_nor_undo_its_limits(customer: Customer, statement: str) -> None:
    role = sql.SQL("SET ROLE {}").format(sql.Identifier(customer.service.config.database_role))
    with psycopg.connect(customer.service.config.database_url, autocommit=True) as connected:
        connected.execute(role)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connected.execute(statement.encode())


@pytest.mark.requirement("A8")
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE wallets SET available = -1 WHERE account_id = %s",
        "UPDATE wallets SET reserved = -1 WHERE account_id = %s",
        "UPDATE grants SET remaining = amount + 1 WHERE account_id = %s",
        "UPDATE grants SET remaining = -1, live = false WHERE account_id = %s",
        "UPDATE reservations SET captured = 5, refunded = 6, state = 2 WHERE account_id = %s",
        "UPDATE reservations SET captured = 5 WHERE account_id = %s",
    ],
)
def test_the_database_itself_refuses_what_no_balance_may_be(customer: Customer, change: str) -> None:
    """Even to the owner."""
    customer.top_up(10)
    customer.hold(5)
    with (
        psycopg.connect(customer.service.config.database_url, autocommit=True) as connected,
        pytest.raises(psycopg.errors.CheckViolation),
    ):
        connected.execute(change.encode(), [customer.account_id])
    assert customer.figures() == (5, 5)
