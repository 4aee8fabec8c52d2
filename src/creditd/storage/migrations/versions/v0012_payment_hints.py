"""Hints that anybody may have sent, until the provider has said whether there is what they are about."""

from alembic import op

revision = "0012"
down_revision = "0011"

HINTS = """
CREATE TABLE payment_hints (
    provider SMALLINT NOT NULL,
    live BOOLEAN NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    event_type TEXT NOT NULL,
    body TEXT NOT NULL,
    tries INTEGER NOT NULL,
    next_try_time TIMESTAMP WITH TIME ZONE NOT NULL,
    receive_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT payment_hints_pkey PRIMARY KEY (provider, live, subject)
);

COMMENT ON COLUMN payment_hints.subject IS 'what it is about, by the provider''s id';
"""


def upgrade() -> None:
    """Make the table; there are so few rows in it at any time that its key is all the index it needs."""
    op.execute(HINTS)


def downgrade() -> None:
    """Refuse: what is known of payments is not thrown away by a migration."""
    message = "payments are not undone; restore a backup instead"
    raise RuntimeError(message)
