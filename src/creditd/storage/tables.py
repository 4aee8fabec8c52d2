"""The tables, as SQLAlchemy Core sees them; the migrations make them, and a test holds the two together.

``account_id`` comes first in every key of account data, so that the tables can be distributed by account. Texts that
are keys compare bytewise ("C"), so that the database sorts them as Python does.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from creditd.storage.types import InstantColumn

metadata = MetaData()

_KEY = Text(collation="C")

schema_compatibility = Table(
    "schema_compatibility",
    metadata,
    Column(
        "least_server", _KEY, nullable=False, comment="the newest migration that the oldest server that fits brings"
    ),
    PrimaryKeyConstraint("least_server", name="schema_compatibility_pkey"),
    CheckConstraint("least_server ~ '^[0-9]{4}$'", name="schema_compatibility_least_server"),
)

credit_types = Table(
    "credit_types",
    metadata,
    Column("code", _KEY, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("decimals", SmallInteger, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("code", name="credit_types_pkey"),
    CheckConstraint("decimals BETWEEN 0 AND 9", name="credit_types_decimals"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("unlimited", Boolean, nullable=False),
    Column("unlimited_until", InstantColumn),
    Column("create_time", InstantColumn, nullable=False),
    Column("update_time", InstantColumn, nullable=False),
    Column("limits", JSONB(none_as_null=True), comment="each a list of its parts; null for none"),
    Column("alerts", JSONB(none_as_null=True), comment="as limits"),
    PrimaryKeyConstraint("account_id", name="accounts_pkey"),
    CheckConstraint("status BETWEEN 1 AND 3", name="accounts_status"),
    CheckConstraint("version > 0", name="accounts_version"),
    CheckConstraint("unlimited OR unlimited_until IS NULL", name="accounts_plan"),
    Index("accounts_by_status", "status", "account_id"),
)

account_changes = Table(
    "account_changes",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("request_id", _KEY, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("unlimited", Boolean, nullable=False),
    Column("unlimited_until", InstantColumn),
    Column("create_time", InstantColumn, nullable=False),
    Column("limits", JSONB(none_as_null=True), comment="as in accounts"),
    Column("alerts", JSONB(none_as_null=True), comment="as in accounts"),
    PrimaryKeyConstraint("account_id", "version", name="account_changes_pkey"),
    UniqueConstraint("account_id", "request_id", name="account_changes_request"),
    ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name="account_changes_account"),
)

request_claims = Table(
    "request_claims",
    metadata,
    Column("account_id", _KEY, nullable=False, comment="empty for what is about no account"),
    Column("request_id", _KEY, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    Column("fingerprint", BigInteger),
    Column("answer", JSONB, comment="for what is about no account: as it was right after the request"),
    PrimaryKeyConstraint("account_id", "request_id", name="request_claims_pkey"),
    CheckConstraint("kind BETWEEN 1 AND 100", name="request_claims_kind"),
)

wallets = Table(
    "wallets",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("base_version", BigInteger, nullable=False, comment="the version that the last save started from"),
    Column("version", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("debt", BigInteger, nullable=False),
    Column("next_expire_time", InstantColumn),
    Column("account_version", BigInteger, nullable=False, comment="the account's version that movements decide on"),
    Column("update_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("account_id", "credit_type", name="wallets_pkey"),
    ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name="wallets_account"),
    CheckConstraint("available >= 0 AND reserved >= 0 AND debt >= 0", name="wallets_not_negative"),
    CheckConstraint("base_version >= 0 AND version > base_version", name="wallets_version"),
    Index("wallets_next_expire_time", "next_expire_time", postgresql_where=text("next_expire_time IS NOT NULL")),
    Index("wallets_in_debt", "account_id", postgresql_where=text("debt > 0")),
)

grants = Table(
    "grants",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("grant_id", UUID(as_uuid=False), nullable=False),
    Column("source", SmallInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("live", Boolean, nullable=False, comment="whether anything remains; indexed, so that remaining need not be"),
    Column("expire_time", InstantColumn),
    Column("grace_end", InstantColumn, comment="when the one grace of the grant ends; null before it began"),
    PrimaryKeyConstraint("account_id", "credit_type", "grant_id", name="grants_pkey"),
    ForeignKeyConstraint(
        ["account_id", "credit_type"], ["wallets.account_id", "wallets.credit_type"], name="grants_wallet"
    ),
    CheckConstraint("source BETWEEN 1 AND 4", name="grants_source"),
    CheckConstraint("remaining BETWEEN 0 AND amount", name="grants_remaining"),
    CheckConstraint("live = (remaining > 0)", name="grants_live"),
    Index("grants_live", "account_id", "credit_type", postgresql_where=text("live")),
    Index(
        "grants_expiring",
        "expire_time",
        "account_id",
        "credit_type",
        "grant_id",
        postgresql_where=text("live AND expire_time IS NOT NULL"),
    ),
)

reservations = Table(
    "reservations",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("reservation_id", UUID(as_uuid=False), nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("captured", BigInteger, nullable=False),
    Column("refunded", BigInteger, nullable=False),
    Column("unlimited", Boolean, nullable=False),
    Column("slices", JSONB, nullable=False),
    Column("expire_time", InstantColumn),
    Column("create_time", InstantColumn, nullable=False),
    Column("update_time", InstantColumn, nullable=False),
    Column("description", Text, nullable=False),
    Column("metadata", JSONB),
    Column("spender_id", _KEY),
    Column("counted", JSONB, comment="its part in the counts: hour, in the hour, day, in the day"),
    PrimaryKeyConstraint("account_id", "reservation_id", name="reservations_pkey"),
    CheckConstraint("state BETWEEN 1 AND 4", name="reservations_state"),
    CheckConstraint("amount > 0 AND captured >= 0", name="reservations_amount"),
    CheckConstraint("refunded BETWEEN 0 AND captured", name="reservations_refunded"),
    CheckConstraint("state = 2 OR captured = 0", name="reservations_captured"),
    CheckConstraint("state <> 1 OR expire_time IS NOT NULL", name="reservations_expire_time"),
    Index("reservations_pending", "account_id", "credit_type", "expire_time", postgresql_where=text("state = 1")),
)

entries = Table(
    "entries",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("available_delta", BigInteger, nullable=False),
    Column("reserved_delta", BigInteger, nullable=False),
    Column("debt_delta", BigInteger, nullable=False),
    Column("available_after", BigInteger, nullable=False),
    Column("reserved_after", BigInteger, nullable=False),
    Column("debt_after", BigInteger, nullable=False),
    Column("slices", JSONB, nullable=False),
    Column("reservation_id", UUID(as_uuid=False)),
    Column("reservation_state", SmallInteger),
    Column("reservation_captured", BigInteger),
    Column("reservation_refunded", BigInteger),
    Column("reservation_expire_time", InstantColumn),
    Column("request_id", _KEY),
    Column("ordinal", Integer, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("metadata", JSONB),
    Column("create_time", InstantColumn, nullable=False),
    Column("graces", JSONB, comment="the graces that began with it: when each ends, by grant"),
    Column("spender_id", _KEY),
    Column("hour_delta", BigInteger, comment="what it changed in the counts of its hour; null for nothing"),
    Column("day_delta", BigInteger, comment="the same for its day"),
    Column("correlation_id", _KEY, comment="of the call that made it, if the caller stated one"),
    PrimaryKeyConstraint("account_id", "credit_type", "version", name="entries_pkey"),
    UniqueConstraint("account_id", "request_id", "ordinal", name="entries_request"),
    CheckConstraint("version > 0 AND amount > 0", name="entries_amount"),
    CheckConstraint("available_after >= 0 AND reserved_after >= 0 AND debt_after >= 0", name="entries_not_negative"),
    Index(
        "entries_of_reservation",
        "account_id",
        "reservation_id",
        "version",
        postgresql_where=text("reservation_id IS NOT NULL"),
    ),
    Index(
        "entries_rare_kinds",
        "account_id",
        "credit_type",
        "kind",
        "version",
        postgresql_where=text("kind NOT IN (6, 7, 8, 9, 11)"),
    ),
    Index(
        "entries_by_time",
        "create_time",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 64, "autosummarize": "true"},
    ),
    Index(
        "entries_of_grant",
        "account_id",
        "credit_type",
        text("((slices -> 0) ->> 'grant'::text)"),
        postgresql_where=text("kind IN (1, 2, 3, 4, 14)"),
    ),
    Index("entries_by_correlation", "correlation_id", postgresql_where=text("correlation_id IS NOT NULL")),
)

spending_counts = Table(
    "spending_counts",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("spender_id", _KEY, nullable=False, comment="empty for the whole wallet"),
    Column("hour_start", InstantColumn, nullable=False),
    Column("in_hour", BigInteger, nullable=False),
    Column("day_start", InstantColumn, nullable=False),
    Column("in_day", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "credit_type", "spender_id", name="spending_counts_pkey"),
    ForeignKeyConstraint(
        ["account_id", "credit_type"], ["wallets.account_id", "wallets.credit_type"], name="spending_counts_wallet"
    ),
    CheckConstraint("in_hour BETWEEN 0 AND in_day", name="spending_counts_within"),
    Index("spending_counts_by_day", "day_start"),
)
