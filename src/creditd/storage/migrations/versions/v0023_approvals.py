"""Approvals: acts of staff that a second person has to agree to, and what was decided (requirement D4)."""

from alembic import op

revision = "0023"
down_revision = "0022"

APPROVALS = """
CREATE TABLE approvals (
    account_id TEXT COLLATE "C" NOT NULL,
    approval_id UUID NOT NULL,
    kind SMALLINT NOT NULL,
    amounts JSONB NOT NULL,
    purchase_id UUID,
    money BIGINT,
    currency TEXT,
    maker TEXT COLLATE "C" NOT NULL,
    maker_person TEXT COLLATE "C" NOT NULL,
    maker_roles TEXT[] NOT NULL,
    role_is_stored BOOLEAN NOT NULL,
    reason TEXT NOT NULL,
    metadata TEXT NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    fingerprint BIGINT NOT NULL,
    preview JSONB NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    expire_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT approvals_pkey PRIMARY KEY (account_id, approval_id),
    CONSTRAINT approvals_request UNIQUE (account_id, request_id),
    CONSTRAINT approvals_account FOREIGN KEY (account_id) REFERENCES accounts (account_id),
    CONSTRAINT approvals_kind CHECK (kind BETWEEN 1 AND 3),
    CONSTRAINT approvals_reversal CHECK ((kind = 3) = (purchase_id IS NOT NULL AND money > 0 AND currency <> '')),
    CONSTRAINT approvals_expire_time CHECK (expire_time > create_time)
);

COMMENT ON COLUMN approvals.amounts IS 'what is removed or written off: each a credit type and an amount';

COMMENT ON COLUMN approvals.role_is_stored IS 'whether the maker''s role was granted here';

ALTER TABLE approvals ALTER COLUMN account_id SET STATISTICS 0;

CREATE INDEX approvals_by_time ON approvals (create_time, approval_id);

CREATE TRIGGER approvals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approvals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE approval_decisions (
    account_id TEXT COLLATE "C" NOT NULL,
    approval_id UUID NOT NULL,
    state SMALLINT NOT NULL,
    decided_by TEXT COLLATE "C" NOT NULL,
    decided_by_person TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    balances JSONB NOT NULL,
    decide_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT approval_decisions_pkey PRIMARY KEY (account_id, approval_id),
    CONSTRAINT approval_decisions_state CHECK (state IN (2, 3, 5))
);

ALTER TABLE approval_decisions ALTER COLUMN account_id SET STATISTICS 0;

CREATE TRIGGER approval_decisions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval_decisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Make the tables, which only ever grow: whoever decides adds a row, and the key lets in one."""
    for statement in APPROVALS.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: who agreed to what is not forgotten."""
    message = "approvals are not undone; restore a backup instead"
    raise RuntimeError(message)
