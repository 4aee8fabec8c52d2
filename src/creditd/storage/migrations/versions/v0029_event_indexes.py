"""What finds the events to publish, and the grants that expire soon, built without keeping anybody waiting."""

from alembic import op

revision = "0029"
down_revision = "0028"

INDEXES = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS outbox_events_next ON outbox_events (announce_time, event_id);

CREATE INDEX CONCURRENTLY IF NOT EXISTS grants_expiring ON grants (expire_time, account_id, credit_type, grant_id)
    WHERE live AND expire_time IS NOT NULL;
"""


def upgrade() -> None:
    """Build each by itself; what was built before a failure is not built again."""
    with op.get_context().autocommit_block():
        for statement in INDEXES.split(";\n\n"):
            op.execute(statement)


def downgrade() -> None:
    """Do nothing: the tables are as they were."""
