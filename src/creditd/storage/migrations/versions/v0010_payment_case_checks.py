"""The checks of the new columns of payments, held against the rows that are there without a lock that stops them."""

from alembic import op

revision = "0010"
down_revision = "0009"

CHECKS = """
ALTER TABLE purchases VALIDATE CONSTRAINT purchases_extra;

ALTER TABLE payment_events VALIDATE CONSTRAINT payment_events_cause;

ALTER TABLE payment_events VALIDATE CONSTRAINT payment_events_state;

ALTER TABLE payment_events VALIDATE CONSTRAINT payment_events_next_attempt;
"""


def upgrade() -> None:
    """Validate them."""
    for statement in CHECKS.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what is known of payments is not thrown away by a migration."""
    message = "payments are not undone; restore a backup instead"
    raise RuntimeError(message)
