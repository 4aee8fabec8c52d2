"""Workflows: what an account has run by executors, at a cost (requirement G1)."""

from alembic import op

from creditd.storage.migrations.phases import EXPAND

revision = "0042"
down_revision = "0041"
phase = EXPAND

WORKFLOWS = """
CREATE TABLE workflows (
    account_id TEXT COLLATE "C" NOT NULL,
    workflow_id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    display_name TEXT NOT NULL,
    description TEXT NOT NULL,
    executor TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    least_amount BIGINT NOT NULL,
    most_amount BIGINT NOT NULL,
    is_fixed BOOLEAN NOT NULL,
    timeout_microseconds BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    update_time TIMESTAMP WITH TIME ZONE NOT NULL,
    archive_time TIMESTAMP WITH TIME ZONE,
    CONSTRAINT workflows_pkey PRIMARY KEY (account_id, workflow_id),
    CONSTRAINT workflows_version CHECK (version > 0),
    CONSTRAINT workflows_amounts CHECK (least_amount BETWEEN 0 AND most_amount AND most_amount > 0),
    CONSTRAINT workflows_cost CHECK (NOT is_fixed OR least_amount = most_amount),
    CONSTRAINT workflows_timeout CHECK (timeout_microseconds > 0)
);

CREATE INDEX workflows_live ON workflows (account_id, workflow_id) WHERE archive_time IS NULL;

COMMENT ON COLUMN workflows.version IS 'counts its states from 1; the etag stands for it';

COMMENT ON COLUMN workflows.most_amount IS 'what is held for a run';

COMMENT ON COLUMN workflows.archive_time IS 'null while it can be run';

ALTER TABLE workflows ALTER COLUMN account_id SET STATISTICS 0;
"""


def upgrade() -> None:
    """Make the table."""
    for statement in WORKFLOWS.strip().rstrip(";").split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: as with the others."""
    message = "migrations are not undone; restore a backup instead"
    raise RuntimeError(message)
