"""What finds the entry that brought a grant, a purchase by its id, and an account's purchases in time (D7, J6)."""

from alembic import op

revision = "0026"
down_revision = "0025"

INDEXES = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS entries_of_grant ON entries (account_id, credit_type, (slices -> 0 ->> 'grant'))
    WHERE kind IN (1, 2, 3, 4, 14);

CREATE INDEX CONCURRENTLY IF NOT EXISTS purchases_by_id ON purchases ((purchase_id ::text));

CREATE INDEX CONCURRENTLY IF NOT EXISTS purchase_changes_by_time
    ON purchase_changes (account_id, create_time, purchase_id, version);
"""


def upgrade() -> None:
    """Build each by itself; what was built before a failure is not built again.

    The first has the entries that credits come in with alone: what holds and spends them writes nothing to it.
    """
    with op.get_context().autocommit_block():
        for statement in INDEXES.split(";\n\n"):
            op.execute(statement)


def downgrade() -> None:
    """Refuse: a server that is older knows none of them, and is not slowed down by them."""
    message = "indexes are not undone; restore a backup instead"
    raise RuntimeError(message)
