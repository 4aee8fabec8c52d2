"""Runs: workflows that are run, each with the reservation of its id (requirement G2, decision 0064)."""

from alembic import op

from creditd.storage.migrations.phases import EXPAND

revision = "0043"
down_revision = "0042"
phase = EXPAND

RUNS = """
CREATE TABLE runs (
    account_id TEXT COLLATE "C" NOT NULL,
    run_id UUID NOT NULL,
    workflow_id TEXT COLLATE "C" NOT NULL,
    executor TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    held_amount BIGINT NOT NULL,
    least_amount BIGINT NOT NULL,
    is_fixed BOOLEAN NOT NULL,
    spender_id TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    input TEXT NOT NULL,
    state SMALLINT NOT NULL,
    version BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    lease BIGINT NOT NULL,
    due_time TIMESTAMP WITH TIME ZONE,
    deadline TIMESTAMP WITH TIME ZONE NOT NULL,
    hold_expire_time TIMESTAMP WITH TIME ZONE NOT NULL,
    progress_percent SMALLINT,
    progress_message TEXT NOT NULL,
    output TEXT NOT NULL,
    used_amount BIGINT NOT NULL,
    failure_reason TEXT COLLATE "C" NOT NULL,
    failure_message TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    update_time TIMESTAMP WITH TIME ZONE NOT NULL,
    end_time TIMESTAMP WITH TIME ZONE,
    CONSTRAINT runs_pkey PRIMARY KEY (account_id, run_id),
    CONSTRAINT runs_state CHECK (state BETWEEN 1 AND 6),
    CONSTRAINT runs_amounts CHECK (held_amount >= least_amount AND least_amount >= 0 AND used_amount >= 0),
    CONSTRAINT runs_due CHECK (state > 2 OR due_time IS NOT NULL),
    CONSTRAINT runs_end CHECK ((state > 2) = (end_time IS NOT NULL))
);

COMMENT ON COLUMN runs.run_id IS 'the id of the reservation that holds its credits';

COMMENT ON COLUMN runs.lease IS 'raised by whoever takes it to work on it: an older one decides nothing';

COMMENT ON COLUMN runs.due_time IS 'when it is looked at next; null when there is nothing left to do';

ALTER TABLE runs ALTER COLUMN account_id SET STATISTICS 0, ALTER COLUMN run_id SET STATISTICS 0;

CREATE INDEX runs_open ON runs (account_id) WHERE state IN (1, 2);

CREATE INDEX runs_due ON runs (executor, due_time) WHERE state <= 2;

CREATE INDEX runs_deadlines ON runs (deadline) WHERE state IN (1, 2);

CREATE INDEX runs_untold ON runs (due_time) WHERE state > 2 AND due_time IS NOT NULL;
"""


def upgrade() -> None:
    """Make the table."""
    for statement in RUNS.strip().rstrip(";").split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: as with the others."""
    message = "migrations are not undone; restore a backup instead"
    raise RuntimeError(message)
