"""What a payment event tells of amounts says in which currency, so that who looks at it need not guess (J6)."""

from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    """Add what events that were read before do not say."""
    op.execute("ALTER TABLE payment_events ADD COLUMN currency TEXT COLLATE \"C\" NOT NULL DEFAULT ''")
    op.execute("COMMENT ON COLUMN payment_events.currency IS 'of the amounts in facts; empty if it was not said'")


def downgrade() -> None:
    """Refuse: as with the others."""
    message = "migrations are not undone; restore a backup instead"
    raise RuntimeError(message)
