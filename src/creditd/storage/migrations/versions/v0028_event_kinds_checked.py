"""The kinds of events that were there before are looked at, without a lock that others wait for."""

from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Validate the check of the version before."""
    op.execute("ALTER TABLE outbox_events VALIDATE CONSTRAINT outbox_events_kind")


def downgrade() -> None:
    """Do nothing: what was validated stays so."""
