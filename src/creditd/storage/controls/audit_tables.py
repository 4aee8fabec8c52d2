"""The tables of the audit log, as SQLAlchemy Core sees them.

They are about all accounts, or about none: their column ``account`` names one as far as there is one.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from creditd.storage.tables import metadata
from creditd.storage.types import InstantColumn

_KEY = Text(collation="C")

audit_events = Table(
    "audit_events",
    metadata,
    Column("event_id", UUID(as_uuid=False), nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    Column("actor", _KEY, nullable=False),
    Column("person", _KEY, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("kind", _KEY, nullable=False),
    Column("outcome", SmallInteger, nullable=False),
    Column("account", _KEY, nullable=False, comment="the account that it is about; empty for none"),
    Column("target", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column(
        "refusal", Text, nullable=False, comment="the machine-readable reason of a refusal; empty for what was done"
    ),
    Column("before", JSONB(none_as_null=True)),
    Column("after", JSONB(none_as_null=True)),
    Column("request_id", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("occurrences", BigInteger, nullable=False, comment="how many such events the row stands for"),
    PrimaryKeyConstraint("event_id", name="audit_events_pkey"),
    CheckConstraint("outcome BETWEEN 1 AND 2", name="audit_events_outcome"),
    CheckConstraint("(outcome = 2) = (refusal <> '')", name="audit_events_refusal"),
    CheckConstraint("occurrences > 0", name="audit_events_occurrences"),
    Index("audit_events_of_actor", "actor", "event_id"),
    Index("audit_events_of_account", "account", "event_id", postgresql_where=text("account <> ''")),
    Index("audit_events_of_kind", "kind", "event_id"),
    Index("audit_events_by_correlation", "correlation_id", "event_id", postgresql_where=text("correlation_id <> ''")),
    Index("audit_events_refused", "event_id", postgresql_where=text("outcome = 2")),
)

audit_seals = Table(
    "audit_seals",
    metadata,
    Column("seal_number", BigInteger, nullable=False, autoincrement=False),
    Column("last_event_id", UUID(as_uuid=False), nullable=False, comment="events up to this one are sealed"),
    Column("event_count", BigInteger, nullable=False),
    Column("entry_seal_count", BigInteger, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("seal_number", name="audit_seals_pkey"),
    CheckConstraint("seal_number > 0", name="audit_seals_number"),
    CheckConstraint("event_count >= 0 AND entry_seal_count >= 0", name="audit_seals_counts"),
)

entry_seals = Table(
    "entry_seals",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("first_version", BigInteger, nullable=False),
    Column("last_version", BigInteger, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("seal_number", BigInteger, nullable=False, comment="the seal of the chain that this one is held by"),
    PrimaryKeyConstraint("account_id", "credit_type", "last_version", name="entry_seals_pkey"),
    CheckConstraint("first_version > 0 AND last_version >= first_version", name="entry_seals_versions"),
    Index("entry_seals_of_seal", "seal_number", "account_id", "credit_type"),
)

sealing = Table(
    "sealing",
    metadata,
    Column("name", _KEY, nullable=False),
    Column("after_account", _KEY, nullable=False, comment="the wallet that the last round has come to"),
    Column("after_credit_type", _KEY, nullable=False),
    Column("round_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("name", name="sealing_pkey"),
)

staff_notes = Table(
    "staff_notes",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("request_id", _KEY, nullable=False, comment="of the act that it was left with"),
    Column("note", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("account_id", "request_id", name="staff_notes_pkey"),
)

support_gifts = Table(
    "support_gifts",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("day", InstantColumn, nullable=False, comment="when the day of UTC began on which something was last given"),
    Column("amount", BigInteger, nullable=False, comment="how much was given on that day"),
    PrimaryKeyConstraint("account_id", "credit_type", name="support_gifts_pkey"),
    CheckConstraint("amount > 0", name="support_gifts_amount"),
)
