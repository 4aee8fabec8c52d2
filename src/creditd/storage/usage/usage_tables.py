"""The tables of usage, as SQLAlchemy Core sees them; the migrations make them, and a test compares the two."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from creditd.storage.tables import metadata
from creditd.storage.types import InstantColumn

_KEY = Text(collation="C")

usage_editions = Table(
    "usage_editions",
    metadata,
    Column("edition", Integer, autoincrement=False, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("label", Text, comment="the key of metadata that it adds up by; null until it begins"),
    Column("after_account", _KEY, nullable=False),
    Column("after_credit_type", _KEY, nullable=False),
    Column("pass_time", InstantColumn, nullable=False),
    Column(
        "complete_time", InstantColumn, comment="entries made before are in it; null until it has seen every wallet"
    ),
    PrimaryKeyConstraint("edition", name="usage_editions_pkey"),
    CheckConstraint("state BETWEEN 1 AND 3", name="usage_editions_state"),
    Index("usage_editions_at_work", "state", unique=True, postgresql_where=text("state IN (1, 2)")),
)

# Without rows: servers of before version 0030 went by it, and would add up otherwise.
usage_rollups = Table(
    "usage_rollups",
    metadata,
    Column("edition", Integer, autoincrement=False, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("label", Text, comment="the key of metadata that it adds up by; null until it begins"),
    Column("after_account", _KEY, nullable=False),
    Column("after_credit_type", _KEY, nullable=False),
    Column("pass_time", InstantColumn, nullable=False),
    Column(
        "complete_time", InstantColumn, comment="entries made before are in it; null until it has seen every wallet"
    ),
    PrimaryKeyConstraint("edition", name="usage_rollups_pkey"),
    CheckConstraint("state BETWEEN 1 AND 3", name="usage_rollups_state"),
    Index("usage_rollups_at_work", "state", unique=True, postgresql_where=text("state IN (1, 2)")),
)

usage_positions = Table(
    "usage_positions",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("edition", Integer, autoincrement=False, nullable=False),
    Column("version", BigInteger, nullable=False, comment="entries of the wallet up to this one are in the rollup"),
    Column(
        "summed",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="entries of the wallet up to this one are in the sums of its account",
    ),
    PrimaryKeyConstraint("account_id", "credit_type", "edition", name="usage_positions_pkey"),
    CheckConstraint("version > 0", name="usage_positions_version"),
)

usage_sums = Table(
    "usage_sums",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("edition", Integer, autoincrement=False, nullable=False),
    Column("start_time", InstantColumn, nullable=False, comment="when the quarter of an hour began"),
    Column("measure", SmallInteger, nullable=False),
    Column("source", SmallInteger, nullable=False),
    Column("amount", Numeric, nullable=False),
    PrimaryKeyConstraint(
        "account_id", "credit_type", "edition", "start_time", "measure", "source", name="usage_sums_pkey"
    ),
)

usage_parts = Table(
    "usage_parts",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("edition", Integer, autoincrement=False, nullable=False),
    Column("dimension", SmallInteger, nullable=False),
    Column("start_time", InstantColumn, nullable=False),
    Column("value", _KEY, nullable=False, comment="of the label, or the spender's id"),
    Column("used", Numeric, nullable=False),
    Column("covered", Numeric, nullable=False),
    PrimaryKeyConstraint(
        "account_id", "credit_type", "edition", "dimension", "start_time", "value", name="usage_parts_pkey"
    ),
)

usage_totals = Table(
    "usage_totals",
    metadata,
    Column("edition", Integer, autoincrement=False, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("grain", SmallInteger, nullable=False, comment="a quarter of an hour, an hour, a day of UTC, or ever"),
    Column("start_time", InstantColumn, nullable=False),
    Column("measure", SmallInteger, nullable=False),
    Column("source", SmallInteger, nullable=False),
    Column("amount", Numeric, nullable=False),
    PrimaryKeyConstraint(
        "edition", "credit_type", "grain", "start_time", "measure", "source", name="usage_totals_pkey"
    ),
)

usage_ranks = Table(
    "usage_ranks",
    metadata,
    Column("edition", Integer, autoincrement=False, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("dimension", SmallInteger, nullable=False),
    Column("span", SmallInteger, nullable=False),
    Column("span_time", InstantColumn, nullable=False),
    Column("value", _KEY, nullable=False, comment="an account, or a value of the label"),
    Column("used", Numeric, nullable=False),
    Column("covered", Numeric, nullable=False),
    PrimaryKeyConstraint("edition", "credit_type", "dimension", "span", "span_time", "value", name="usage_ranks_pkey"),
)

usage_leaders = Table(
    "usage_leaders",
    metadata,
    Column("edition", Integer, autoincrement=False, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("dimension", SmallInteger, nullable=False),
    Column("span", SmallInteger, nullable=False),
    Column("span_time", InstantColumn, nullable=False),
    Column("value", _KEY, nullable=False),
    Column("used", Numeric, nullable=False),
    Column("covered", Numeric, nullable=False),
    PrimaryKeyConstraint(
        "edition", "credit_type", "dimension", "span", "span_time", "value", name="usage_leaders_pkey"
    ),
    Index(
        "usage_leaders_by_used",
        "edition",
        "credit_type",
        "dimension",
        "span",
        "span_time",
        text("(used + covered) DESC"),
        "value",
    ),
)

usage_floors = Table(
    "usage_floors",
    metadata,
    Column("edition", Integer, autoincrement=False, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("dimension", SmallInteger, nullable=False),
    Column("span", SmallInteger, nullable=False),
    Column("span_time", InstantColumn, nullable=False),
    Column("floor", Numeric, nullable=False, comment="what the last of the leaders had used when there were too many"),
    Column(
        "floor_value", _KEY, nullable=False, comment="who that was; of those that used as much, who comes before leads"
    ),
    PrimaryKeyConstraint("edition", "credit_type", "dimension", "span", "span_time", name="usage_floors_pkey"),
)

account_movements = Table(
    "account_movements",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column(
        "move_day", InstantColumn, nullable=False, comment="when the day of UTC began on which credits of it last moved"
    ),
    PrimaryKeyConstraint("account_id", name="account_movements_pkey"),
    Index("account_movements_by_day", "move_day", "account_id"),
)

account_labels = Table(
    "account_labels",
    metadata,
    Column("value", _KEY, nullable=False),
    Column("account_id", _KEY, nullable=False),
    PrimaryKeyConstraint("value", "account_id", name="account_labels_pkey"),
    Index("account_labels_of_account", "account_id"),
)
