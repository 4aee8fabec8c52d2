"""When facts about purchases were so, and kinds of facts that refunds and disputes going to and fro are told by."""

from alembic import op

revision = "0003"
down_revision = "0002"

FACTS = """
ALTER TABLE purchase_facts ADD COLUMN said_time TIMESTAMP WITH TIME ZONE;

ALTER TABLE purchase_facts ADD COLUMN receive_time TIMESTAMP WITH TIME ZONE;

ALTER TABLE purchase_facts ADD CONSTRAINT purchase_facts_kinds CHECK (kind BETWEEN 1 AND 10 AND amount >= 0) NOT VALID;

-- The one before forbids more than the new one does: nobody relied on that.
-- squawk-ignore ban-drop-constraint
ALTER TABLE purchase_facts DROP CONSTRAINT purchase_facts_kind;
"""


def upgrade() -> None:
    """Add what is new."""
    for statement in FACTS.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what is known of payments is not thrown away by a migration."""
    message = "payments are not undone; restore a backup instead"
    raise RuntimeError(message)
