"""The table of archived entries, as SQLAlchemy Core sees it."""

from sqlalchemy import BigInteger, CheckConstraint, Column, LargeBinary, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from creditd.storage.tables import metadata
from creditd.storage.types import InstantColumn

_KEY = Text(collation="C")

entry_archives = Table(
    "entry_archives",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("first_version", BigInteger, nullable=False),
    Column("last_version", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False, comment="how many of the entries were deleted"),
    Column("last_time", InstantColumn, nullable=False),
    Column("file", Text, nullable=False, comment="where they are, within the folder of the archive"),
    Column("file_hash", LargeBinary, nullable=False),
    Column("state", JSONB, nullable=False, comment="what the entries up to the last one add up to"),
    Column("create_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("account_id", "credit_type", "first_version", name="entry_archives_pkey"),
    CheckConstraint("first_version > 0 AND last_version >= first_version", name="entry_archives_versions"),
)
