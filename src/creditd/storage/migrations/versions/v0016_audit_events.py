"""The audit log: who did, or was refused, which administrative act, and why (requirement D2)."""

from alembic import op

revision = "0016"
down_revision = "0015"

EVENTS = """
CREATE TABLE audit_events (
    event_id UUID NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    person TEXT COLLATE "C" NOT NULL,
    roles TEXT[] NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    outcome SMALLINT NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    target TEXT NOT NULL,
    reason TEXT NOT NULL,
    refusal TEXT NOT NULL,
    before JSONB,
    after JSONB,
    request_id TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    address TEXT NOT NULL,
    occurrences BIGINT NOT NULL,
    CONSTRAINT audit_events_pkey PRIMARY KEY (event_id),
    CONSTRAINT audit_events_outcome CHECK (outcome BETWEEN 1 AND 2),
    CONSTRAINT audit_events_refusal CHECK ((outcome = 2) = (refusal <> '')),
    CONSTRAINT audit_events_occurrences CHECK (occurrences > 0)
);

COMMENT ON COLUMN audit_events.account IS 'the account that it is about; empty for none';

COMMENT ON COLUMN audit_events.refusal IS 'the machine-readable reason of a refusal; empty for what was done';

COMMENT ON COLUMN audit_events.occurrences IS 'how many such events the row stands for';

ALTER TABLE audit_events ALTER COLUMN actor SET STATISTICS 0, ALTER COLUMN account SET STATISTICS 0,
    ALTER COLUMN kind SET STATISTICS 0, ALTER COLUMN outcome SET STATISTICS 0;

CREATE INDEX audit_events_of_actor ON audit_events (actor, event_id);

CREATE INDEX audit_events_of_account ON audit_events (account, event_id) WHERE account <> '';

CREATE INDEX audit_events_of_kind ON audit_events (kind, event_id);

CREATE INDEX audit_events_refused ON audit_events (event_id) WHERE outcome = 2;

CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Make the table, which only ever grows."""
    for statement in EVENTS.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what was done is not forgotten."""
    message = "the audit log is not undone; restore a backup instead"
    raise RuntimeError(message)
