"""What staff search by: labels of movements, and the correlation ids that callers state (requirement J6)."""

from alembic import op

revision = "0037"
down_revision = "0036"

SEARCH = """
ALTER TABLE entries ADD COLUMN correlation_id TEXT COLLATE "C";

COMMENT ON COLUMN entries.correlation_id IS 'of the call that made it, if the caller stated one';

CREATE TABLE account_labels (
    value TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    CONSTRAINT account_labels_pkey PRIMARY KEY (value, account_id)
);

CREATE INDEX account_labels_of_account ON account_labels (account_id);

ALTER TABLE account_labels ALTER COLUMN value SET STATISTICS 0, ALTER COLUMN account_id SET STATISTICS 0;
"""


def upgrade() -> None:
    """Add what rows of before do not have, and make the table."""
    for statement in SEARCH.strip().rstrip(";").split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: as with the others."""
    message = "migrations are not undone; restore a backup instead"
    raise RuntimeError(message)
