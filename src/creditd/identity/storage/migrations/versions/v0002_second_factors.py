"""Second factors: authenticators, and codes for when they are lost."""

from alembic import op

revision = "0002"
down_revision = "0001"

AUTHENTICATORS = """
CREATE TABLE authenticators (
    user_id UUID NOT NULL,
    secret BYTEA,
    pending_secret BYTEA,
    encryption_key_id TEXT NOT NULL,
    last_step BIGINT NOT NULL,
    update_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT authenticators_pkey PRIMARY KEY (user_id),
    CONSTRAINT authenticators_user FOREIGN KEY (user_id) REFERENCES users (user_id)
);

COMMENT ON COLUMN authenticators.secret IS 'encrypted with AES-256-GCM; null until it was confirmed';

COMMENT ON COLUMN authenticators.last_step IS 'of the last code that was shown, so that none counts twice';
"""

RECOVERY_CODES = """
CREATE TABLE recovery_codes (
    user_id UUID NOT NULL,
    code_hash BYTEA NOT NULL,
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash),
    CONSTRAINT recovery_codes_user FOREIGN KEY (user_id) REFERENCES users (user_id)
);
"""


def upgrade() -> None:
    """Make the tables."""
    for script in (AUTHENTICATORS, RECOVERY_CODES):
        for statement in script.split(";\n\n"):
            op.execute(statement)


def downgrade() -> None:
    """Refuse: second factors are not thrown away by a migration."""
    message = "second factors are not undone; restore a backup instead"
    raise RuntimeError(message)
