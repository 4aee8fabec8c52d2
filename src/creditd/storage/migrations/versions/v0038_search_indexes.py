"""What finds movements and acts of staff by a correlation id, built without keeping anybody waiting (J6)."""

from alembic import op

revision = "0038"
down_revision = "0037"

# Of those that callers state alone: whoever states none writes nothing to it.
INDEXES = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS entries_by_correlation ON entries (correlation_id)
    WHERE correlation_id IS NOT NULL;

CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_events_by_correlation ON audit_events (correlation_id, event_id)
    WHERE correlation_id <> '';
"""


def upgrade() -> None:
    """Build each by itself; what was built before a failure is not built again."""
    with op.get_context().autocommit_block():
        for statement in INDEXES.strip().rstrip(";").split(";\n\n"):
            op.execute(statement)


def downgrade() -> None:
    """Refuse: as with the others."""
    message = "indexes are not undone; restore a backup instead"
    raise RuntimeError(message)
