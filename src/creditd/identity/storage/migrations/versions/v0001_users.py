"""Users, their sessions, the keys that tokens are signed with, and what happened that concerns security."""

from alembic import op

revision = "0001"
down_revision = None

USERS = """
CREATE TABLE users (
    user_id UUID NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    password_hash TEXT NOT NULL,
    password_request_id TEXT COLLATE "C" NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    update_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (user_id),
    CONSTRAINT users_email UNIQUE (email)
);

COMMENT ON COLUMN users.password_request_id IS 'of the last change of the password, for its repeat';
"""

SESSIONS = """
CREATE TABLE sessions (
    session_id UUID NOT NULL,
    user_id UUID NOT NULL,
    uses BIGINT NOT NULL,
    token_hash BYTEA NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    refresh_time TIMESTAMP WITH TIME ZONE NOT NULL,
    sign_in_time TIMESTAMP WITH TIME ZONE NOT NULL,
    expire_time TIMESTAMP WITH TIME ZONE NOT NULL,
    revoke_time TIMESTAMP WITH TIME ZONE,
    address TEXT NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (session_id),
    CONSTRAINT sessions_user FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT sessions_uses CHECK (uses >= 0)
);

COMMENT ON COLUMN sessions.token_hash IS 'SHA-256 of the one refresh token that may be used next';

CREATE INDEX sessions_of_user ON sessions (user_id, address);

CREATE INDEX sessions_expire ON sessions (expire_time);
"""

KEYS = """
CREATE TABLE token_keys (
    kid TEXT COLLATE "C" NOT NULL,
    private_key BYTEA NOT NULL,
    encryption_key_id TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    sign_time TIMESTAMP WITH TIME ZONE NOT NULL,
    expire_time TIMESTAMP WITH TIME ZONE,
    CONSTRAINT token_keys_pkey PRIMARY KEY (kid)
);

COMMENT ON COLUMN token_keys.private_key IS 'Ed25519, encrypted with AES-256-GCM';

COMMENT ON COLUMN token_keys.encryption_key_id IS 'tells which key of the configuration it is encrypted with';
"""

SECURITY_EVENTS = """
CREATE TABLE security_events (
    event_id UUID NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    user_id UUID,
    address TEXT NOT NULL,
    left_out BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT security_events_pkey PRIMARY KEY (event_id)
);

COMMENT ON COLUMN security_events.left_out IS 'events of this kind before it that were too many to be stored';

CREATE INDEX security_events_of_user ON security_events (user_id, event_id) WHERE user_id IS NOT NULL;
"""

# The trigger is a second belt beside the refused privileges.
APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER security_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON security_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Make the tables."""
    for script in (USERS, SESSIONS, KEYS, SECURITY_EVENTS, APPEND_ONLY):
        for statement in script.split(";\n\n"):
            op.execute(statement)


def downgrade() -> None:
    """Refuse: users are not thrown away by a migration."""
    message = "users are not undone; restore a backup instead"
    raise RuntimeError(message)
