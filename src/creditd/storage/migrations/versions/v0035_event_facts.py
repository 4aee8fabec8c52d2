"""What was read in a payment event is kept with it, so that who looks at it need not know the provider (J6)."""

from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    """Add what events of a server of before do not have."""
    op.execute("ALTER TABLE payment_events ADD COLUMN facts JSONB")
    op.execute(
        "COMMENT ON COLUMN payment_events.facts IS 'what was read in it: each a list of its parts; null for nothing'"
    )


def downgrade() -> None:
    """Refuse: as with the others."""
    message = "migrations are not undone; restore a backup instead"
    raise RuntimeError(message)
