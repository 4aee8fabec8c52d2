"""The table of runs, as SQLAlchemy Core sees it; the migrations make it, and a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from creditd.storage.tables import metadata
from creditd.storage.types import InstantColumn

_KEY = Text(collation="C")

runs = Table(
    "runs",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("run_id", UUID(as_uuid=False), nullable=False, comment="the id of the reservation that holds its credits"),
    Column("workflow_id", _KEY, nullable=False),
    Column("executor", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("held_amount", BigInteger, nullable=False),
    Column("least_amount", BigInteger, nullable=False),
    Column("is_fixed", Boolean, nullable=False),
    Column("spender_id", _KEY, nullable=False),
    Column("reason", Text, nullable=False),
    Column("input", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column(
        "lease",
        BigInteger,
        nullable=False,
        comment="raised by whoever takes it to work on it: an older one decides nothing",
    ),
    Column("due_time", InstantColumn, comment="when it is looked at next; null when there is nothing left to do"),
    Column("deadline", InstantColumn, nullable=False),
    Column("hold_expire_time", InstantColumn, nullable=False),
    Column("progress_percent", SmallInteger),
    Column("progress_message", Text, nullable=False),
    Column("output", Text, nullable=False),
    Column("used_amount", BigInteger, nullable=False),
    Column("failure_reason", _KEY, nullable=False),
    Column("failure_message", Text, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    Column("update_time", InstantColumn, nullable=False),
    Column("end_time", InstantColumn),
    PrimaryKeyConstraint("account_id", "run_id", name="runs_pkey"),
    CheckConstraint("state BETWEEN 1 AND 6", name="runs_state"),
    CheckConstraint("held_amount >= least_amount AND least_amount >= 0 AND used_amount >= 0", name="runs_amounts"),
    CheckConstraint("state > 2 OR due_time IS NOT NULL", name="runs_due"),
    CheckConstraint("(state > 2) = (end_time IS NOT NULL)", name="runs_end"),
    # Said in two ways, so that a look for what is due goes by no index but its own, however few runs are open.
    Index("runs_open", "account_id", postgresql_where=text("state IN (1, 2)")),
    Index("runs_due", "executor", "due_time", postgresql_where=text("state <= 2")),
    Index("runs_deadlines", "deadline", postgresql_where=text("state IN (1, 2)")),
    Index("runs_untold", "due_time", postgresql_where=text("state > 2 AND due_time IS NOT NULL")),
)
