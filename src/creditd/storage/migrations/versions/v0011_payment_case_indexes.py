"""What finds the cases of payments, built without keeping anybody waiting."""

from alembic import op

revision = "0011"
down_revision = "0010"

INDEXES = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS purchases_overpaid ON purchases (account_id)
    WHERE extra_left > 0;

CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_events_turns ON payment_events (provider, is_ours, next_attempt_time)
    WHERE next_attempt_time IS NOT NULL;

CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_events_by_account ON payment_events (account, event_id);

CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_events_by_purchase ON payment_events (purchase, event_id);

CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_events_recorded ON payment_events (account, purchase) WHERE cause = 1;

CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_events_waiting ON payment_events USING gin (waits_for);

DROP INDEX CONCURRENTLY IF EXISTS payment_events_due;
"""


def upgrade() -> None:
    """Build each by itself; what was built before a failure is not built again."""
    with op.get_context().autocommit_block():
        for statement in INDEXES.split(";\n\n"):
            op.execute(statement)


def downgrade() -> None:
    """Refuse: what is known of payments is not thrown away by a migration."""
    message = "payments are not undone; restore a backup instead"
    raise RuntimeError(message)
