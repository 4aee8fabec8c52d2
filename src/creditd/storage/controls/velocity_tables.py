"""The tables of velocity rules, as SQLAlchemy Core sees them; all of them are account data."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
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

velocity_events = Table(
    "velocity_events",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("subject", _KEY, nullable=False, comment="what it is about: it counts once"),
    Column("event_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("account_id", "kind", "subject", name="velocity_events_pkey"),
    CheckConstraint("kind BETWEEN 1 AND 100", name="velocity_events_kind"),
    Index("velocity_events_by_time", "account_id", "kind", "event_time"),
)

velocity_states = Table(
    "velocity_states",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("window_seconds", BigInteger, nullable=False),
    Column("action", SmallInteger, nullable=False),
    Column("flag_id", UUID(as_uuid=False), comment="the flag that is open; null for none"),
    Column("clear_time", InstantColumn, comment="only what comes after it counts"),
    PrimaryKeyConstraint("account_id", "kind", "window_seconds", "action", name="velocity_states_pkey"),
    CheckConstraint("kind BETWEEN 1 AND 100", name="velocity_states_kind"),
    CheckConstraint("action BETWEEN 1 AND 2", name="velocity_states_action"),
    Index("velocity_states_flagged", "flag_id", "account_id", postgresql_where=text("flag_id IS NOT NULL")),
    Index(
        "velocity_states_flagged_kind", "kind", "flag_id", "account_id", postgresql_where=text("flag_id IS NOT NULL")
    ),
    Index("velocity_states_flagged_account", "account_id", "flag_id", postgresql_where=text("flag_id IS NOT NULL")),
)

account_flags = Table(
    "account_flags",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("flag_id", UUID(as_uuid=False), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("most", BigInteger, nullable=False),
    Column("window_seconds", BigInteger, nullable=False),
    Column("action", SmallInteger, nullable=False),
    Column("event_count", BigInteger, nullable=False),
    Column("suspended", Boolean, nullable=False, comment="whether the account was suspended with it"),
    Column("raise_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("account_id", "flag_id", name="account_flags_pkey"),
    CheckConstraint("kind BETWEEN 1 AND 100", name="account_flags_kind"),
    CheckConstraint("action BETWEEN 1 AND 2", name="account_flags_action"),
    CheckConstraint("event_count > most AND most > 0", name="account_flags_broken"),
    Index("account_flags_newest", "flag_id", "account_id"),
    Index("account_flags_newest_of_kind", "kind", "flag_id", "account_id"),
)

flag_clearances = Table(
    "flag_clearances",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("flag_id", UUID(as_uuid=False), nullable=False),
    Column("request_id", _KEY, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("cleared_by", Text, nullable=False),
    Column("clear_reason", Text, nullable=False),
    Column("activated", Boolean, nullable=False, comment="whether the account was activated with it"),
    Column("clear_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("account_id", "flag_id", name="flag_clearances_pkey"),
)
