"""The migrated schema is what tables.py says, and it defends the ledger against whoever reaches it by another way."""

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Connection,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    create_engine,
    make_url,
    text,
)

from creditd import storage
from creditd.domain.instant import Instant
from creditd.domain.payments.payment_event import PaymentEvent, PaymentEventAct, PaymentEventState
from creditd.domain.payments.provider import Provider
from creditd.identity.storage.schema import IDENTITY
from creditd.ledger.ids import uuid7
from creditd.storage.metadata import DECLARING, metadata
from creditd.storage.migrations.schema_rules import LEDGER, SchemaRules
from creditd.storage.payments import payment_events
from creditd.storage.schema import schema_head
from tests.support.databases import migrated_database
from tests.support.desk import desk_at
from tests.support.till import Till
from tests.support.works import act_from, add

APPEND_ONLY = ["entries", "account_changes", "purchase_changes", "payment_event_acts", "audit_events"]
CHANGES = ["UPDATE {} SET actor = 'somebody else'", "DELETE FROM {}", "TRUNCATE {}", "TRUNCATE accounts CASCADE"]

# What a constraint or an index says, whatever schema it is in.
_CONSTRAINTS = text("""
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = CAST(:schema AS regnamespace) AND contype <> 'n'
  AND conrelid::regclass::text NOT LIKE '%alembic_version' ORDER BY 1, 2
""")
_INDEXES = text("""
SELECT tablename, indexname, replace(indexdef, schemaname || '.', '') FROM pg_indexes
WHERE schemaname = :schema AND tablename <> 'alembic_version' ORDER BY 1, 2
""")
_COLUMNS = text("""
SELECT table_name, column_name, data_type, is_nullable, collation_name, column_default FROM information_schema.columns
WHERE table_schema = :schema AND table_name <> 'alembic_version' ORDER BY 1, 2
""")


EVENT = PaymentEvent(
    Provider.STRIPE,
    delivery_key="evt_1",
    event_id=uuid7(),
    event_type="charge.refunded",
    live=False,
    body="{}",
    state=PaymentEventState.PARKED,
    attempts=1,
    next_attempt_time=None,
    waits_for=(),
    problem="a test",
    purchase="",
    receive_time=Instant(0),
    update_time=Instant(0),
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Provide a database with an account in it."""
    with migrated_database() as url:
        with desk_at(url) as desk:
            desk.do(add("somebody", 10))
            desk.accounts.set_plan("somebody", act_from(add("somebody", 1).origin), unlimited=True, until=None)
            Till(desk).order("somebody")
            with desk.database.transaction() as connection:
                payment_events.add(connection, EVENT)
                payment_events.add_act(
                    connection, EVENT.event_id, uuid7(), PaymentEventAct("DISMISS", "me", "", Instant(0))
                )
        yield url


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    """Provide a connection of the owner's, whose changes are undone."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.parametrize("schema", [LEDGER, IDENTITY], ids=lambda schema: schema.package)
def test_the_newest_migration_by_its_name_is_the_newest_that_alembic_finds(schema: SchemaRules) -> None:
    scripts = ScriptDirectory(str(resources.files(schema.package) / "migrations"))
    assert scripts.get_heads() == [schema_head(schema)]
    assert {f"v{script.revision}" for script in scripts.walk_revisions()} == {
        Path(script.path).name.partition("_")[0] for script in scripts.walk_revisions()
    }


def test_every_module_that_declares_tables_is_known_to_who_compares_the_schema() -> None:
    """Else the comparison hangs on what the tests beside it import."""
    files = (file for file in Path(storage.__file__).parent.rglob("*tables.py"))
    assert sorted(str(file) for file in files) == sorted(str(module.__file__) for module in DECLARING)


def test_alembic_finds_no_difference_between_the_migrations_and_the_tables(connection: Connection) -> None:
    options = {"compare_type": True, "compare_server_default": True}
    found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    changes = [part for change in found for part in (change if isinstance(change, list) else [change])]
    # Comments in tables.py are for those who read the code.
    assert [change for change in changes if change[0] != "modify_comment"] == []


@pytest.mark.parametrize("question", [_CONSTRAINTS, _INDEXES, _COLUMNS], ids=["constraints", "indexes", "columns"])
def test_what_alembic_does_not_compare_is_the_same_too(connection: Connection, question: object) -> None:
    """Made by SQLAlchemy in a schema beside, the tables have the same constraints, indexes and columns."""
    connection.execute(text("CREATE SCHEMA beside"))
    connection.execute(text("SET LOCAL search_path = beside"))
    metadata.create_all(connection)
    assert (made := connection.execute(question, {"schema": "beside"}).all())  # type: ignore[call-overload]
    connection.execute(text("SET LOCAL search_path = public"))
    assert connection.execute(question, {"schema": "public"}).all() == made  # type: ignore[call-overload]


OF_CODES = {"account_labels", "promo_claims"}
"""Kept by code, or by a value that leads to accounts, which is distributed beside these: no transaction needs both
(decision 0054)."""

OF_ACCOUNTS = [table for table in metadata.sorted_tables if "account_id" in table.c and table.name not in OF_CODES]


@pytest.mark.parametrize("table", OF_ACCOUNTS, ids=str)
def test_the_account_comes_first_in_every_key_so_that_tables_can_be_distributed_by_it(table: Table) -> None:
    keys = [c for c in table.constraints if isinstance(c, PrimaryKeyConstraint | UniqueConstraint)]
    keys_to_others = [c for c in table.constraints if isinstance(c, ForeignKeyConstraint)]
    assert {next(iter(key.columns)).name for key in keys} == {"account_id"}
    assert {(key.column_keys[0], key.elements[0].column.name) for key in keys_to_others} <= {("account_id",) * 2}


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", CHANGES, ids=["update", "delete", "truncate", "cascade"])
@pytest.mark.parametrize("role", ["creditd_app", "postgres"], ids=["application", "owner"])
def test_no_update_or_delete_reaches_the_ledger_neither_the_application_s_nor_the_owner_s(
    url: str, role: str, change: str, table: str
) -> None:
    with psycopg.connect(url) as connection:
        if role == "creditd_app":
            connection.execute("SET ROLE creditd_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(change.format(table))
        connection.rollback()
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)  # noqa: S608


def test_the_owner_is_told_why(url: str) -> None:
    with psycopg.connect(url) as connection, pytest.raises(psycopg.Error, match="entries is append-only: DELETE"):
        connection.execute("DELETE FROM entries")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE entries DISABLE TRIGGER ALL",
        "DROP TRIGGER entries_append_only ON entries",
        "DELETE FROM wallets",
        "DELETE FROM grants",
        "DELETE FROM accounts",
        "DELETE FROM purchases",
        "DELETE FROM purchase_facts",
        "DELETE FROM payment_events",
        "DELETE FROM payment_references",
        "UPDATE outbox_events SET kind = 2",
        "UPDATE audit_events SET occurrences = 2",
        "DELETE FROM audit_seals",
        "UPDATE audit_seals SET event_count = 0",
        "TRUNCATE entry_seals",
        "UPDATE entry_seals SET seal_number = 0",
        "DELETE FROM sealing",
        "CREATE TABLE elsewhere (nothing integer)",
        "UPDATE alembic_version SET version_num = '0'",
    ],
)
def test_the_application_may_do_no_more_than_it_has_to(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SET ROLE creditd_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE wallets SET available = -1", "wallets_not_negative"),
        ("UPDATE wallets SET reserved = -1", "wallets_not_negative"),
        ("UPDATE wallets SET version = base_version", "wallets_version"),
        ("UPDATE grants SET remaining = amount + 1", "grants_remaining"),
        ("UPDATE grants SET remaining = 0", "grants_live"),
        ("UPDATE accounts SET status = 4", "accounts_status"),
        ("UPDATE purchases SET granted = 1", "purchases_granted"),
        ("UPDATE purchases SET granted = credits + bonus", "purchases_payment"),
        ("UPDATE purchases SET reversed = 1", "purchases_granted"),
        ("UPDATE purchases SET refunded = paid + 1", "purchases_returned"),
        ("UPDATE payment_events SET state = 1", "payment_events_next_attempt"),
        ("INSERT INTO wallets SELECT 'nobody', 'chat', 0, 1, 0, 0, 0, NULL, 1, now()", "wallets_account"),
        ("INSERT INTO entries SELECT * FROM entries", "entries_pkey"),
        ("INSERT INTO audit_events SELECT * FROM audit_events", "audit_events_pkey"),
    ],
)
def test_the_database_refuses_what_no_rule_would_do(url: str, statement: str, constraint: str) -> None:
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.IntegrityError) as refusal:
        connection.execute(statement)
    assert refusal.value.diag.constraint_name == constraint
