"""An index of the sessions that go on, so that to end all of a user's, or the oldest, costs what there are."""

from alembic import op

revision = "0004"
down_revision = "0003"

INDEX = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS sessions_live ON sessions (user_id, session_id) WHERE revoke_time IS NULL
"""


def upgrade() -> None:
    """Build it beside sign-ins that go on."""
    with op.get_context().autocommit_block():
        op.execute(INDEX)


def downgrade() -> None:
    """Refuse: the first migrations are not undone either."""
    message = "indexes are dropped by hand"
    raise RuntimeError(message)
