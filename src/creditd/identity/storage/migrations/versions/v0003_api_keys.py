"""API keys of service accounts."""

from alembic import op

revision = "0003"
down_revision = "0002"

API_KEYS = """
CREATE TABLE api_keys (
    api_key_id UUID NOT NULL,
    service_account_id TEXT COLLATE "C" NOT NULL,
    secret_hash BYTEA NOT NULL,
    prefix TEXT COLLATE "C" NOT NULL,
    predecessor_id UUID,
    created_by TEXT COLLATE "C" NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    lifetime_seconds BIGINT NOT NULL,
    expire_time TIMESTAMP WITH TIME ZONE NOT NULL,
    last_use_time TIMESTAMP WITH TIME ZONE,
    revoke_time TIMESTAMP WITH TIME ZONE,
    revoked_by TEXT NOT NULL,
    revoke_reason TEXT NOT NULL,
    CONSTRAINT api_keys_pkey PRIMARY KEY (api_key_id),
    CONSTRAINT api_keys_secret UNIQUE (secret_hash),
    CONSTRAINT api_keys_request UNIQUE (created_by, request_id)
);

COMMENT ON COLUMN api_keys.secret_hash IS 'SHA-256 of 256 bits at random';

COMMENT ON COLUMN api_keys.last_use_time IS 'to the hour';

COMMENT ON COLUMN api_keys.predecessor_id IS 'of the key that this one was made in place of';

CREATE INDEX api_keys_of_account ON api_keys (service_account_id, api_key_id DESC);
"""


def upgrade() -> None:
    """Make the table."""
    for statement in API_KEYS.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: keys are not thrown away by a migration."""
    message = "API keys are not undone; restore a backup instead"
    raise RuntimeError(message)
