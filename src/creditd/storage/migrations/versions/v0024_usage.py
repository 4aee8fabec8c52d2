"""Usage: what was used, added up from the ledger by quarters of an hour (requirements C4 and C5, decision 0053)."""

from alembic import op

revision = "0024"
down_revision = "0023"

USAGE = """
CREATE TABLE usage_rollups (
    edition INTEGER NOT NULL,
    state SMALLINT NOT NULL,
    label TEXT,
    after_account TEXT COLLATE "C" NOT NULL,
    after_credit_type TEXT COLLATE "C" NOT NULL,
    pass_time TIMESTAMP WITH TIME ZONE NOT NULL,
    complete_time TIMESTAMP WITH TIME ZONE,
    CONSTRAINT usage_rollups_pkey PRIMARY KEY (edition),
    CONSTRAINT usage_rollups_state CHECK (state BETWEEN 1 AND 3)
);

COMMENT ON COLUMN usage_rollups.label IS 'the key of metadata that it adds up by; null until it begins';

COMMENT ON COLUMN usage_rollups.complete_time IS 'entries made before are in it; null until it has seen every wallet';

CREATE UNIQUE INDEX usage_rollups_at_work ON usage_rollups (state) WHERE state IN (1, 2);

INSERT INTO usage_rollups
SELECT 1, 2, NULL, '', '', timestamptz 'epoch',
       CASE WHEN NOT EXISTS (SELECT FROM entries) THEN now() - interval '5 minutes' END;

CREATE TABLE usage_positions (
    account_id TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    edition INTEGER NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT usage_positions_pkey PRIMARY KEY (account_id, credit_type, edition),
    CONSTRAINT usage_positions_version CHECK (version > 0)
);

COMMENT ON COLUMN usage_positions.version IS 'entries of the wallet up to this one are in the rollup';

ALTER TABLE usage_positions ALTER COLUMN account_id SET STATISTICS 0;

CREATE TABLE usage_sums (
    account_id TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    edition INTEGER NOT NULL,
    start_time TIMESTAMP WITH TIME ZONE NOT NULL,
    measure SMALLINT NOT NULL,
    source SMALLINT NOT NULL,
    amount NUMERIC NOT NULL,
    CONSTRAINT usage_sums_pkey PRIMARY KEY (account_id, credit_type, edition, start_time, measure, source)
);

COMMENT ON COLUMN usage_sums.start_time IS 'when the quarter of an hour began';

ALTER TABLE usage_sums ALTER COLUMN account_id SET STATISTICS 0;

CREATE TABLE usage_parts (
    account_id TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    edition INTEGER NOT NULL,
    dimension SMALLINT NOT NULL,
    start_time TIMESTAMP WITH TIME ZONE NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    used NUMERIC NOT NULL,
    covered NUMERIC NOT NULL,
    CONSTRAINT usage_parts_pkey PRIMARY KEY (account_id, credit_type, edition, dimension, start_time, value)
);

COMMENT ON COLUMN usage_parts.value IS 'of the label, or the spender''s id';

ALTER TABLE usage_parts ALTER COLUMN account_id SET STATISTICS 0;

CREATE TABLE usage_totals (
    edition INTEGER NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    grain SMALLINT NOT NULL,
    start_time TIMESTAMP WITH TIME ZONE NOT NULL,
    measure SMALLINT NOT NULL,
    source SMALLINT NOT NULL,
    amount NUMERIC NOT NULL,
    CONSTRAINT usage_totals_pkey PRIMARY KEY (edition, credit_type, grain, start_time, measure, source)
);

COMMENT ON COLUMN usage_totals.grain IS 'a quarter of an hour, an hour, a day of UTC, or ever';

CREATE TABLE usage_ranks (
    edition INTEGER NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    dimension SMALLINT NOT NULL,
    span SMALLINT NOT NULL,
    span_time TIMESTAMP WITH TIME ZONE NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    used NUMERIC NOT NULL,
    covered NUMERIC NOT NULL,
    CONSTRAINT usage_ranks_pkey PRIMARY KEY (edition, credit_type, dimension, span, span_time, value)
);

COMMENT ON COLUMN usage_ranks.value IS 'an account, or a value of the label';

CREATE INDEX usage_ranks_by_used
    ON usage_ranks (edition, credit_type, dimension, span, span_time, (used + covered) DESC, value);
"""

# The newest entries of all accounts. A coarse index of an append-only table: it has a line for every 64 pages, so that
# writing an entry costs a look at where its page belongs.
BY_TIME = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS entries_by_time ON entries USING brin (create_time)
    WITH (pages_per_range = 64, autosummarize = true)
"""


def upgrade() -> None:
    """Build the index, while the ledger goes on and so that it can be repeated; then make the tables."""
    with op.get_context().autocommit_block():
        op.execute(BY_TIME)
    for statement in USAGE.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: as with the others."""
    message = "migrations are not undone; restore a backup instead"
    raise RuntimeError(message)
