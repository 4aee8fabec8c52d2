"""The tables of workflows, as SQLAlchemy Core sees them; the migrations make them, and a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from creditd.storage.tables import metadata
from creditd.storage.types import InstantColumn

_KEY = Text(collation="C")

workflows = Table(
    "workflows",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("workflow_id", _KEY, nullable=False),
    Column("version", BigInteger, nullable=False, comment="counts its states from 1; the etag stands for it"),
    Column("display_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("executor", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("least_amount", BigInteger, nullable=False),
    Column("most_amount", BigInteger, nullable=False, comment="what is held for a run"),
    Column("is_fixed", Boolean, nullable=False),
    Column("timeout_microseconds", BigInteger, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    Column("update_time", InstantColumn, nullable=False),
    Column("archive_time", InstantColumn, comment="null while it can be run"),
    PrimaryKeyConstraint("account_id", "workflow_id", name="workflows_pkey"),
    CheckConstraint("version > 0", name="workflows_version"),
    CheckConstraint("least_amount BETWEEN 0 AND most_amount AND most_amount > 0", name="workflows_amounts"),
    CheckConstraint("NOT is_fixed OR least_amount = most_amount", name="workflows_cost"),
    CheckConstraint("timeout_microseconds > 0", name="workflows_timeout"),
    Index("workflows_live", "account_id", "workflow_id", postgresql_where=text("archive_time IS NULL")),
)
