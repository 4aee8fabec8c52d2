"""The kinds of facts held against the rows that are there, without a lock that stops anybody."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Validate the check."""
    op.execute("ALTER TABLE purchase_facts VALIDATE CONSTRAINT purchase_facts_kinds")


def downgrade() -> None:
    """Refuse: what is known of payments is not thrown away by a migration."""
    message = "payments are not undone; restore a backup instead"
    raise RuntimeError(message)
