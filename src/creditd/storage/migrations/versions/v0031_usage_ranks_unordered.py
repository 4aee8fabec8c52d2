"""Usage: what each account used is in no order any more, so that it changes in place; the leaders are."""

from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Drop the order of all, without a lock that others wait for."""
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS usage_ranks_by_used")


def downgrade() -> None:
    """Refuse: as with the others."""
    message = "migrations are not undone; restore a backup instead"
    raise RuntimeError(message)
