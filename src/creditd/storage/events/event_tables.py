"""The tables of published events and of their delivery, as SQLAlchemy Core sees them.

They are read by position, across all accounts: their column ``account`` names the one that an event is about.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from creditd.storage.tables import metadata
from creditd.storage.types import InstantColumn

_KEY = Text(collation="C")

published_events = Table(
    "published_events",
    metadata,
    Column("position", BigInteger, nullable=False, autoincrement=False, comment="in the order of publishing, from 1"),
    Column("account", _KEY, nullable=False, comment="the account that it is about"),
    Column("event_id", UUID(as_uuid=False), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("schema_version", SmallInteger, nullable=False),
    Column("credit_type", _KEY, comment="null where it is about the account as a whole"),
    Column("payload", JSONB, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    Column("publish_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("position", name="published_events_pkey"),
    UniqueConstraint("account", "event_id", name="published_events_event"),
    CheckConstraint("position > 0", name="published_events_position"),
    Index("published_events_of_account", "account", "position"),
)

event_publishing = Table(
    "event_publishing",
    metadata,
    Column("name", _KEY, nullable=False),
    Column("position", BigInteger, nullable=False, comment="of the last event that was published"),
    Column("removed_position", BigInteger, nullable=False, comment="of the last one that is kept no more"),
    PrimaryKeyConstraint("name", name="event_publishing_pkey"),
    CheckConstraint("removed_position BETWEEN 0 AND position", name="event_publishing_positions"),
)

expiry_notices = Table(
    "expiry_notices",
    metadata,
    Column("name", _KEY, nullable=False),
    Column("expire_time", InstantColumn, nullable=False, comment="of the grant that notices have come to"),
    Column("account", _KEY, nullable=False, comment="whose it is"),
    Column("credit_type", _KEY, nullable=False),
    Column("grant_id", UUID(as_uuid=False), nullable=False),
    PrimaryKeyConstraint("name", name="expiry_notices_pkey"),
)

event_endpoints = Table(
    "event_endpoints",
    metadata,
    Column("endpoint_key", UUID(as_uuid=False), nullable=False),
    Column("endpoint_id", _KEY, nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("kinds", ARRAY(SmallInteger), nullable=False, comment="none for all"),
    Column("account", _KEY, nullable=False, comment="empty for all"),
    Column("credit_type", _KEY, nullable=False, comment="empty for all"),
    Column("paused", Boolean, nullable=False),
    Column("position", BigInteger, nullable=False, comment="up to which events were taken over for delivery"),
    Column("version", BigInteger, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    Column("update_time", InstantColumn, nullable=False),
    Column("active_time", InstantColumn, nullable=False, comment="since when it has not been paused"),
    Column("rotation_end", InstantColumn, comment="until when events are signed with the former secret too"),
    Column("delete_time", InstantColumn, comment="the row goes once what belongs to it has gone"),
    Column("encrypted_secret", LargeBinary, nullable=False),
    Column("former_encrypted_secret", LargeBinary),
    PrimaryKeyConstraint("endpoint_key", name="event_endpoints_pkey"),
    Index("event_endpoints_name", "endpoint_id", unique=True, postgresql_where=text("delete_time IS NULL")),
)

event_deliveries = Table(
    "event_deliveries",
    metadata,
    Column("endpoint_key", UUID(as_uuid=False), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("account", _KEY, nullable=False),
    Column("state", SmallInteger, nullable=False, comment="1 to be delivered, 2 a dead letter"),
    Column("attempts", Integer, nullable=False),
    Column("begin_time", InstantColumn, nullable=False, comment="since when it is to be delivered"),
    Column("next_attempt_time", InstantColumn, comment="null while an earlier one of the account is not through"),
    Column("problem", Text, nullable=False),
    PrimaryKeyConstraint("endpoint_key", "position", name="event_deliveries_pkey"),
    ForeignKeyConstraint(["endpoint_key"], ["event_endpoints.endpoint_key"], name="event_deliveries_endpoint"),
    CheckConstraint("state BETWEEN 1 AND 2", name="event_deliveries_state"),
    Index("event_deliveries_waiting", "endpoint_key", "begin_time", "position", postgresql_where=text("state = 1")),
    Index("event_deliveries_of_account", "endpoint_key", "account", "position", postgresql_where=text("state = 1")),
    Index("event_deliveries_dead", "endpoint_key", "position", postgresql_where=text("state = 2")),
    Index(
        "event_deliveries_next",
        "endpoint_key",
        "next_attempt_time",
        postgresql_where=text("next_attempt_time IS NOT NULL"),
    ),
)

event_delivery_attempts = Table(
    "event_delivery_attempts",
    metadata,
    Column("endpoint_key", UUID(as_uuid=False), nullable=False),
    Column("attempt_id", UUID(as_uuid=False), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("account", _KEY, nullable=False),
    Column("event_id", UUID(as_uuid=False), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("number", Integer, nullable=False, comment="of the attempts of its delivery"),
    Column("status", Integer, nullable=False, comment="of the answer; 0 without one"),
    Column("problem", Text, nullable=False, comment="empty if it was delivered"),
    Column("begin_time", InstantColumn, nullable=False),
    Column("milliseconds", Integer, nullable=False),
    PrimaryKeyConstraint("endpoint_key", "attempt_id", name="event_delivery_attempts_pkey"),
    ForeignKeyConstraint(["endpoint_key"], ["event_endpoints.endpoint_key"], name="event_delivery_attempts_endpoint"),
)
