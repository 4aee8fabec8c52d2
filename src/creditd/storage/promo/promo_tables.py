"""The tables of promo codes, as SQLAlchemy Core sees them; the migrations make them, and a test compares the two.

``promo_codes`` and ``promo_claims`` are kept by code, and may be on another server than accounts.
"""

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
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from creditd.storage.tables import metadata
from creditd.storage.types import InstantColumn

_KEY = Text(collation="C")

promo_codes = Table(
    "promo_codes",
    metadata,
    Column("code", _KEY, nullable=False),
    Column("display_code", Text, nullable=False),
    Column("series_id", UUID(as_uuid=False), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("credits", BigInteger, nullable=False),
    Column("credits_lifetime", BigInteger),
    Column("percent", Integer, nullable=False),
    Column("most_per_use", BigInteger, nullable=False),
    Column("currency", _KEY, nullable=False),
    Column("minimum_amount", BigInteger, nullable=False),
    Column("first_purchase_only", Boolean, nullable=False),
    Column("start_time", InstantColumn),
    Column("expire_time", InstantColumn),
    Column("total_limit", BigInteger, nullable=False),
    Column("account_limit", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False, comment="how many claims of it there are"),
    Column("given", BigInteger, nullable=False, comment="what they give: credits, or money off prices"),
    Column("create_time", InstantColumn, nullable=False),
    Column("end_time", InstantColumn),
    PrimaryKeyConstraint("code", name="promo_codes_pkey"),
    CheckConstraint("kind BETWEEN 1 AND 3", name="promo_codes_kind"),
    CheckConstraint("used BETWEEN 0 AND total_limit AND given >= 0", name="promo_codes_used"),
    Index("promo_codes_by_time", "create_time", "code"),
    Index("promo_codes_by_series", "series_id", "code"),
)

promo_claims = Table(
    "promo_claims",
    metadata,
    Column("code", _KEY, nullable=False),
    Column("account_id", _KEY, nullable=False),
    Column("ordinal", BigInteger, nullable=False, comment="which of the account's uses: the key keeps to its limit"),
    Column("request_id", _KEY, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("grant_id", UUID(as_uuid=False)),
    Column("grant_expire_time", InstantColumn),
    Column("purchase_id", UUID(as_uuid=False)),
    Column("claim_time", InstantColumn, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try_time", InstantColumn, comment="null once it is finished"),
    PrimaryKeyConstraint("code", "account_id", "ordinal", name="promo_claims_pkey"),
    UniqueConstraint("code", "account_id", "request_id", name="promo_claims_request"),
    CheckConstraint("value > 0", name="promo_claims_value"),
    CheckConstraint("(grant_id IS NULL) <> (purchase_id IS NULL)", name="promo_claims_subject"),
    Index("promo_claims_next", "next_try_time", postgresql_where=text("next_try_time IS NOT NULL")),
)

first_purchase_promos = Table(
    "first_purchase_promos",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("purchase_id", UUID(as_uuid=False), nullable=False),
    PrimaryKeyConstraint("account_id", name="first_purchase_promos_pkey"),
)
