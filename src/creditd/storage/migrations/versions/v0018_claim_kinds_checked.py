"""The kinds of claims that were there before are looked at, without a lock that others wait for."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Validate the check of version 0017."""
    op.execute("ALTER TABLE request_claims VALIDATE CONSTRAINT request_claims_kind")


def downgrade() -> None:
    """Do nothing: what was validated stays so."""
