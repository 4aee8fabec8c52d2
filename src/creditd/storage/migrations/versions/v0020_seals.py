"""Seals: the chain of hashes over the audit log and over every ledger (requirement D2)."""

from alembic import op

revision = "0020"
down_revision = "0019"

SEALS = """
CREATE TABLE audit_seals (
    seal_number BIGINT NOT NULL,
    last_event_id UUID NOT NULL,
    event_count BIGINT NOT NULL,
    entry_seal_count BIGINT NOT NULL,
    previous_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT audit_seals_pkey PRIMARY KEY (seal_number),
    CONSTRAINT audit_seals_number CHECK (seal_number > 0),
    CONSTRAINT audit_seals_counts CHECK (event_count >= 0 AND entry_seal_count >= 0)
);

COMMENT ON COLUMN audit_seals.last_event_id IS 'events up to this one are sealed';

CREATE TABLE entry_seals (
    account_id TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    first_version BIGINT NOT NULL,
    last_version BIGINT NOT NULL,
    previous_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    seal_number BIGINT NOT NULL,
    CONSTRAINT entry_seals_pkey PRIMARY KEY (account_id, credit_type, last_version),
    CONSTRAINT entry_seals_versions CHECK (first_version > 0 AND last_version >= first_version)
);

COMMENT ON COLUMN entry_seals.seal_number IS 'the seal of the chain that this one is held by';

ALTER TABLE entry_seals ALTER COLUMN account_id SET STATISTICS 0;

CREATE INDEX entry_seals_of_seal ON entry_seals (seal_number, account_id, credit_type);

CREATE TABLE sealing (
    name TEXT COLLATE "C" NOT NULL,
    after_account TEXT COLLATE "C" NOT NULL,
    after_credit_type TEXT COLLATE "C" NOT NULL,
    round_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT sealing_pkey PRIMARY KEY (name)
);

COMMENT ON COLUMN sealing.after_account IS 'the wallet that the last round has come to';

INSERT INTO sealing VALUES ('ledger', '', '', timestamptz 'epoch');

CREATE TRIGGER audit_seals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER entry_seals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry_seals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in SEALS.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what was sealed stays sealed."""
    message = "seals are not undone; restore a backup instead"
    raise RuntimeError(message)
