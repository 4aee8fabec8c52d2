"""What staff give to accounts within the small limit of a day (requirement J6)."""

from alembic import op

revision = "0039"
down_revision = "0038"

GIFTS = """
CREATE TABLE support_gifts (
    account_id TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    day TIMESTAMP WITH TIME ZONE NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT support_gifts_pkey PRIMARY KEY (account_id, credit_type),
    CONSTRAINT support_gifts_amount CHECK (amount > 0)
);

COMMENT ON COLUMN support_gifts.day IS 'when the day of UTC began on which something was last given';

COMMENT ON COLUMN support_gifts.amount IS 'how much was given on that day';

ALTER TABLE support_gifts ALTER COLUMN account_id SET STATISTICS 0;
"""


def upgrade() -> None:
    """Make the table."""
    for statement in GIFTS.strip().rstrip(";").split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: as with the others."""
    message = "migrations are not undone; restore a backup instead"
    raise RuntimeError(message)
