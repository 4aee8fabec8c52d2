"""The tables of approvals, as SQLAlchemy Core sees them; the migrations make them, and a test compares the two."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
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

approvals = Table(
    "approvals",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("approval_id", UUID(as_uuid=False), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column(
        "amounts", JSONB, nullable=False, comment="what is removed or written off: each a credit type and an amount"
    ),
    Column("purchase_id", UUID(as_uuid=False)),
    Column("money", BigInteger),
    Column("currency", Text),
    Column("maker", _KEY, nullable=False),
    Column("maker_person", _KEY, nullable=False),
    Column("maker_roles", ARRAY(Text), nullable=False),
    Column("role_is_stored", Boolean, nullable=False, comment="whether the maker's role was granted here"),
    Column("reason", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("request_id", _KEY, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("preview", JSONB, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    Column("expire_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("account_id", "approval_id", name="approvals_pkey"),
    UniqueConstraint("account_id", "request_id", name="approvals_request"),
    ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name="approvals_account"),
    CheckConstraint("kind BETWEEN 1 AND 3", name="approvals_kind"),
    CheckConstraint(
        "(kind = 3) = (purchase_id IS NOT NULL AND money > 0 AND currency <> '')", name="approvals_reversal"
    ),
    CheckConstraint("expire_time > create_time", name="approvals_expire_time"),
    Index("approvals_by_time", "create_time", "approval_id"),
)

approval_decisions = Table(
    "approval_decisions",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("approval_id", UUID(as_uuid=False), nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("decided_by", _KEY, nullable=False),
    Column("decided_by_person", _KEY, nullable=False),
    Column("reason", Text, nullable=False),
    Column("balances", JSONB, nullable=False),
    Column("decide_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("account_id", "approval_id", name="approval_decisions_pkey"),
    CheckConstraint("state IN (2, 3, 5)", name="approval_decisions_state"),
)
