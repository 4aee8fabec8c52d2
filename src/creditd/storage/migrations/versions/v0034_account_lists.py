"""Lists of accounts that somebody should look at, and of those that moved last (requirement J6)."""

from alembic import op

revision = "0034"
down_revision = "0033"

# The rows of debt alone: a save that leaves the debt as it was writes nothing to it, and stays heap-only.
IN_DEBT = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS wallets_in_debt ON wallets (account_id) WHERE debt > 0
"""

MOVEMENTS = """
CREATE TABLE account_movements (
    account_id TEXT COLLATE "C" NOT NULL,
    move_day TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT account_movements_pkey PRIMARY KEY (account_id)
);

COMMENT ON COLUMN account_movements.move_day IS 'when the day of UTC began on which credits of it last moved';

ALTER TABLE account_movements ALTER COLUMN account_id SET STATISTICS 0;

CREATE INDEX account_movements_by_day ON account_movements (move_day, account_id);

INSERT INTO account_movements SELECT account_id, date_trunc('day', max(update_time), 'UTC') FROM wallets GROUP BY 1;
"""


def upgrade() -> None:
    """Build the index, while the ledger goes on and so that it can be repeated; then make the table and fill it."""
    with op.get_context().autocommit_block():
        op.execute(IN_DEBT)
    for statement in MOVEMENTS.strip().rstrip(";").split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: as with the others."""
    message = "migrations are not undone; restore a backup instead"
    raise RuntimeError(message)
