"""Limits: with the account, who spends with reservations and entries, and the counts that limits go by (decision 0047).

All is empty in the rows that are there: an account has no limits, and what was spent before is not counted.
"""

from alembic import op

revision = "0019"
down_revision = "0018"

LIMITS = """
ALTER TABLE accounts ADD COLUMN limits JSONB;

COMMENT ON COLUMN accounts.limits IS 'each a list of its parts; null for none';

ALTER TABLE account_changes ADD COLUMN limits JSONB;

COMMENT ON COLUMN account_changes.limits IS 'as in accounts';

ALTER TABLE reservations ADD COLUMN spender_id TEXT COLLATE "C";

ALTER TABLE reservations ADD COLUMN counted JSONB;

COMMENT ON COLUMN reservations.counted IS 'its part in the counts: hour, in the hour, day, in the day';

ALTER TABLE entries ADD COLUMN spender_id TEXT COLLATE "C";

ALTER TABLE entries ADD COLUMN hour_delta BIGINT;

COMMENT ON COLUMN entries.hour_delta IS 'what it changed in the counts of its hour; null for nothing';

ALTER TABLE entries ADD COLUMN day_delta BIGINT;

COMMENT ON COLUMN entries.day_delta IS 'the same for its day';

CREATE TABLE spending_counts (
    account_id TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    spender_id TEXT COLLATE "C" NOT NULL,
    hour_start TIMESTAMP WITH TIME ZONE NOT NULL,
    in_hour BIGINT NOT NULL,
    day_start TIMESTAMP WITH TIME ZONE NOT NULL,
    in_day BIGINT NOT NULL,
    CONSTRAINT spending_counts_pkey PRIMARY KEY (account_id, credit_type, spender_id),
    CONSTRAINT spending_counts_wallet FOREIGN KEY (account_id, credit_type)
        REFERENCES wallets (account_id, credit_type),
    CONSTRAINT spending_counts_within CHECK (in_hour BETWEEN 0 AND in_day)
);

COMMENT ON COLUMN spending_counts.spender_id IS 'empty for the whole wallet';

ALTER TABLE spending_counts ALTER COLUMN account_id SET STATISTICS 0;

CREATE INDEX spending_counts_by_day ON spending_counts (day_start);
"""


def upgrade() -> None:
    """Add the columns and the table."""
    for statement in LIMITS.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: an account's limits would be forgotten."""
    message = "limits are not forgotten; restore a backup instead"
    raise RuntimeError(message)
