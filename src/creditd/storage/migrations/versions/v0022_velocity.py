"""Velocity rules: what counts, where each rule stands with an account, and flags (requirement C8, decision 0052)."""

from alembic import op

revision = "0022"
down_revision = "0021"

VELOCITY = """
CREATE TABLE velocity_events (
    account_id TEXT COLLATE "C" NOT NULL,
    kind SMALLINT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    event_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT velocity_events_pkey PRIMARY KEY (account_id, kind, subject),
    CONSTRAINT velocity_events_kind CHECK (kind BETWEEN 1 AND 100)
);

COMMENT ON COLUMN velocity_events.subject IS 'what it is about: it counts once';

ALTER TABLE velocity_events ALTER COLUMN account_id SET STATISTICS 0;

CREATE INDEX velocity_events_by_time ON velocity_events (account_id, kind, event_time);

CREATE TABLE velocity_states (
    account_id TEXT COLLATE "C" NOT NULL,
    kind SMALLINT NOT NULL,
    window_seconds BIGINT NOT NULL,
    action SMALLINT NOT NULL,
    flag_id UUID,
    clear_time TIMESTAMP WITH TIME ZONE,
    CONSTRAINT velocity_states_pkey PRIMARY KEY (account_id, kind, window_seconds, action),
    CONSTRAINT velocity_states_kind CHECK (kind BETWEEN 1 AND 100),
    CONSTRAINT velocity_states_action CHECK (action BETWEEN 1 AND 2)
);

COMMENT ON COLUMN velocity_states.flag_id IS 'the flag that is open; null for none';

COMMENT ON COLUMN velocity_states.clear_time IS 'only what comes after it counts';

ALTER TABLE velocity_states ALTER COLUMN account_id SET STATISTICS 0;

CREATE INDEX velocity_states_flagged ON velocity_states (flag_id, account_id) WHERE flag_id IS NOT NULL;

CREATE INDEX velocity_states_flagged_kind ON velocity_states (kind, flag_id, account_id) WHERE flag_id IS NOT NULL;

CREATE INDEX velocity_states_flagged_account ON velocity_states (account_id, flag_id) WHERE flag_id IS NOT NULL;

CREATE TABLE account_flags (
    account_id TEXT COLLATE "C" NOT NULL,
    flag_id UUID NOT NULL,
    kind SMALLINT NOT NULL,
    most BIGINT NOT NULL,
    window_seconds BIGINT NOT NULL,
    action SMALLINT NOT NULL,
    event_count BIGINT NOT NULL,
    suspended BOOLEAN NOT NULL,
    raise_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT account_flags_pkey PRIMARY KEY (account_id, flag_id),
    CONSTRAINT account_flags_kind CHECK (kind BETWEEN 1 AND 100),
    CONSTRAINT account_flags_action CHECK (action BETWEEN 1 AND 2),
    CONSTRAINT account_flags_broken CHECK (event_count > most AND most > 0)
);

COMMENT ON COLUMN account_flags.suspended IS 'whether the account was suspended with it';

ALTER TABLE account_flags ALTER COLUMN account_id SET STATISTICS 0;

CREATE INDEX account_flags_newest ON account_flags (flag_id, account_id);

CREATE INDEX account_flags_newest_of_kind ON account_flags (kind, flag_id, account_id);

CREATE TABLE flag_clearances (
    account_id TEXT COLLATE "C" NOT NULL,
    flag_id UUID NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    fingerprint BIGINT NOT NULL,
    cleared_by TEXT NOT NULL,
    clear_reason TEXT NOT NULL,
    activated BOOLEAN NOT NULL,
    clear_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT flag_clearances_pkey PRIMARY KEY (account_id, flag_id)
);

COMMENT ON COLUMN flag_clearances.activated IS 'whether the account was activated with it';

ALTER TABLE flag_clearances ALTER COLUMN account_id SET STATISTICS 0;

CREATE TRIGGER account_flags_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON account_flags
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER flag_clearances_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON flag_clearances
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in VELOCITY.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: flags would be forgotten."""
    message = "flags are not forgotten; restore a backup instead"
    raise RuntimeError(message)
