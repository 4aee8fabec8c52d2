"""The tables of access, as SQLAlchemy Core sees them; the migrations make them, and a test holds the two together.

They are about callers, not about accounts: no key of theirs begins with an account.
"""

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
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from creditd.storage.tables import metadata
from creditd.storage.types import InstantColumn

_KEY = Text(collation="C")

access_versions = Table(
    "access_versions",
    metadata,
    Column("one", SmallInteger, nullable=False, autoincrement=False),
    Column("version", BigInteger, nullable=False, comment="how often anybody's access was changed"),
    PrimaryKeyConstraint("one", name="access_versions_pkey"),
    CheckConstraint("one = 1", name="access_versions_one"),
)

role_grants = Table(
    "role_grants",
    metadata,
    Column("grant_id", UUID(as_uuid=False), nullable=False),
    Column("subject", _KEY, nullable=False),
    Column("role", _KEY, nullable=False),
    Column("granted_by", Text, nullable=False),
    Column("granted_by_person", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    Column("expire_time", InstantColumn),
    PrimaryKeyConstraint("grant_id", name="role_grants_pkey"),
    CheckConstraint(
        "role IN ('USER', 'PREMIUM', 'SUPPORT', 'FINANCE', 'ADMIN', 'SUPER_ADMIN')", name="role_grants_role"
    ),
    CheckConstraint("expire_time > create_time", name="role_grants_expire_time"),
    Index("role_grants_subject", "subject", "grant_id"),
)

role_revocations = Table(
    "role_revocations",
    metadata,
    Column("grant_id", UUID(as_uuid=False), nullable=False),
    Column("revoked_by", Text, nullable=False),
    Column("revoke_reason", Text, nullable=False),
    Column("revoke_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("grant_id", name="role_revocations_pkey"),
)

held_roles = Table(
    "held_roles",
    metadata,
    Column("subject", _KEY, nullable=False),
    Column("role", _KEY, nullable=False),
    Column("grant_id", UUID(as_uuid=False), nullable=False),
    Column("granted_by", Text, nullable=False),
    Column("granted_by_person", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    Column("expire_time", InstantColumn),
    Column("person", Text, nullable=False, comment="who has shown to stand behind the subject; empty for nobody"),
    PrimaryKeyConstraint("subject", "role", name="held_roles_pkey"),
    UniqueConstraint("grant_id", name="held_roles_grant_id"),
)
"""Kept by triggers of the two tables above, but for who stands behind a subject and roles that end by the clock."""

service_accounts = Table(
    "service_accounts",
    metadata,
    Column("service_account_id", _KEY, nullable=False),
    Column("person", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("accounts", ARRAY(Text), nullable=False, comment="allow list: ids, or prefixes that end with *"),
    Column("certificate_names", ARRAY(Text), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    Column("update_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("service_account_id", name="service_accounts_pkey"),
    CheckConstraint("version > 0", name="service_accounts_version"),
)
