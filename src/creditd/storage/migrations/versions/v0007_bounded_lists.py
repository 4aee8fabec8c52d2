"""Indexes for every filter of a list, so that a page costs what it holds and not what its account has."""

from alembic import op

revision = "0007"
down_revision = "0006"

# Kinds 6 to 9 and 11, those of each use, are left out: an index of theirs would be written with every movement.
INDEXES = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS entries_rare_kinds ON entries (account_id, credit_type, kind, version)
    WHERE kind NOT IN (6, 7, 8, 9, 11);

CREATE INDEX CONCURRENTLY IF NOT EXISTS entries_of_reservation ON entries (account_id, reservation_id, version)
    WHERE reservation_id IS NOT NULL;

DROP INDEX CONCURRENTLY IF EXISTS entries_reservation;

CREATE INDEX CONCURRENTLY IF NOT EXISTS accounts_by_status ON accounts (status, account_id);

CREATE INDEX CONCURRENTLY IF NOT EXISTS purchases_by_state ON purchases (account_id, state, purchase_id);

CREATE INDEX CONCURRENTLY IF NOT EXISTS purchases_disputed ON purchases (account_id) WHERE open_disputes > 0;

CREATE INDEX CONCURRENTLY IF NOT EXISTS purchase_facts_subject ON purchase_facts (account_id, kind, subject);

CREATE INDEX CONCURRENTLY IF NOT EXISTS rejected_webhooks_hour ON rejected_webhooks (hour);

CREATE INDEX CONCURRENTLY IF NOT EXISTS reconciliations_made ON reconciliations (provider, live, start_time)
    WHERE end_time IS NOT NULL;
"""


def upgrade() -> None:
    """Build each by itself; what was built before a failure is not built again."""
    with op.get_context().autocommit_block():
        for statement in INDEXES.split(";\n\n"):
            op.execute(statement)


def downgrade() -> None:
    """Refuse: the first migrations are not undone either."""
    message = "indexes are dropped by hand"
    raise RuntimeError(message)
