"""Event endpoints: where events are delivered to, what is to be delivered, and the attempts (decision 0055)."""

from alembic import op

revision = "0027"
down_revision = "0026"

ENDPOINTS = """
CREATE TABLE event_endpoints (
    endpoint_id TEXT COLLATE "C" NOT NULL,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    kinds SMALLINT[] NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    paused BOOLEAN NOT NULL,
    position BIGINT NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    update_time TIMESTAMP WITH TIME ZONE NOT NULL,
    rotation_end TIMESTAMP WITH TIME ZONE,
    encrypted_secret BYTEA NOT NULL,
    former_encrypted_secret BYTEA,
    CONSTRAINT event_endpoints_pkey PRIMARY KEY (endpoint_id)
);

COMMENT ON COLUMN event_endpoints.kinds IS 'none for all';

COMMENT ON COLUMN event_endpoints.account IS 'empty for all';

COMMENT ON COLUMN event_endpoints.credit_type IS 'empty for all';

COMMENT ON COLUMN event_endpoints.position IS 'up to which events were taken over for delivery';

COMMENT ON COLUMN event_endpoints.rotation_end IS 'until when events are signed with the former secret too';

CREATE TABLE event_deliveries (
    endpoint_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    state SMALLINT NOT NULL,
    attempts INTEGER NOT NULL,
    begin_time TIMESTAMP WITH TIME ZONE NOT NULL,
    next_attempt_time TIMESTAMP WITH TIME ZONE,
    problem TEXT NOT NULL,
    CONSTRAINT event_deliveries_pkey PRIMARY KEY (endpoint_id, position),
    CONSTRAINT event_deliveries_endpoint FOREIGN KEY (endpoint_id) REFERENCES event_endpoints (endpoint_id),
    CONSTRAINT event_deliveries_state CHECK (state BETWEEN 1 AND 2)
);

COMMENT ON COLUMN event_deliveries.state IS '1 to be delivered, 2 given up';

COMMENT ON COLUMN event_deliveries.next_attempt_time IS
    'null while an earlier one of the account is not through';

ALTER TABLE event_deliveries ALTER COLUMN endpoint_id SET STATISTICS 0;

ALTER TABLE event_deliveries ALTER COLUMN account SET STATISTICS 0;

CREATE INDEX event_deliveries_pending ON event_deliveries (endpoint_id, position) WHERE state = 1;

CREATE INDEX event_deliveries_of_account ON event_deliveries (endpoint_id, account, position) WHERE state = 1;

CREATE INDEX event_deliveries_next ON event_deliveries (endpoint_id, next_attempt_time)
    WHERE next_attempt_time IS NOT NULL;

CREATE TABLE event_delivery_attempts (
    endpoint_id TEXT COLLATE "C" NOT NULL,
    attempt_id UUID NOT NULL,
    position BIGINT NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    event_id UUID NOT NULL,
    kind SMALLINT NOT NULL,
    number INTEGER NOT NULL,
    status INTEGER NOT NULL,
    problem TEXT NOT NULL,
    begin_time TIMESTAMP WITH TIME ZONE NOT NULL,
    milliseconds INTEGER NOT NULL,
    CONSTRAINT event_delivery_attempts_pkey PRIMARY KEY (endpoint_id, attempt_id),
    CONSTRAINT event_delivery_attempts_endpoint FOREIGN KEY (endpoint_id) REFERENCES event_endpoints (endpoint_id)
);

COMMENT ON COLUMN event_delivery_attempts.number IS 'of the attempts of its delivery';

COMMENT ON COLUMN event_delivery_attempts.status IS 'of the answer; 0 without one';

COMMENT ON COLUMN event_delivery_attempts.problem IS 'empty if it was delivered';

ALTER TABLE event_delivery_attempts ALTER COLUMN endpoint_id SET STATISTICS 0;
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in ENDPOINTS.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what is still to be delivered would be forgotten."""
    message = "endpoints are not undone; restore a backup instead"
    raise RuntimeError(message)
