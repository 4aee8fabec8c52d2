"""The tables of published events, as SQLAlchemy Core sees them.

They are read by position, across all accounts: their column ``account`` names the one that an event is about.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
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
