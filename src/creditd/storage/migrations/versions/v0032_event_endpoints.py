"""Event endpoints: where events are delivered to, what is to be delivered, and the attempts (decision 0058)."""

from alembic import op

revision = "0032"
down_revision = "0031"

ENDPOINTS = """
CREATE TABLE event_endpoints (
    endpoint_key UUID NOT NULL,
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
    active_time TIMESTAMP WITH TIME ZONE NOT NULL,
    rotation_end TIMESTAMP WITH TIME ZONE,
    delete_time TIMESTAMP WITH TIME ZONE,
    encrypted_secret BYTEA NOT NULL,
    former_encrypted_secret BYTEA,
    CONSTRAINT event_endpoints_pkey PRIMARY KEY (endpoint_key)
);

COMMENT ON COLUMN event_endpoints.kinds IS 'none for all';

COMMENT ON COLUMN event_endpoints.account IS 'empty for all';

COMMENT ON COLUMN event_endpoints.credit_type IS 'empty for all';

COMMENT ON COLUMN event_endpoints.position IS 'up to which events were taken over for delivery';

COMMENT ON COLUMN event_endpoints.active_time IS 'since when it has not been paused';

COMMENT ON COLUMN event_endpoints.rotation_end IS 'until when events are signed with the former secret too';

COMMENT ON COLUMN event_endpoints.delete_time IS 'the row goes once what belongs to it has gone';

CREATE UNIQUE INDEX event_endpoints_name ON event_endpoints (endpoint_id) WHERE delete_time IS NULL;

CREATE TABLE event_deliveries (
    endpoint_key UUID NOT NULL,
    position BIGINT NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    state SMALLINT NOT NULL,
    attempts INTEGER NOT NULL,
    begin_time TIMESTAMP WITH TIME ZONE NOT NULL,
    next_attempt_time TIMESTAMP WITH TIME ZONE,
    problem TEXT NOT NULL,
    CONSTRAINT event_deliveries_pkey PRIMARY KEY (endpoint_key, position),
    CONSTRAINT event_deliveries_endpoint FOREIGN KEY (endpoint_key) REFERENCES event_endpoints (endpoint_key),
    CONSTRAINT event_deliveries_state CHECK (state BETWEEN 1 AND 2)
);

COMMENT ON COLUMN event_deliveries.state IS '1 to be delivered, 2 a dead letter';

COMMENT ON COLUMN event_deliveries.begin_time IS 'since when it is to be delivered';

COMMENT ON COLUMN event_deliveries.next_attempt_time IS
    'null while an earlier one of the account is not through';

ALTER TABLE event_deliveries ALTER COLUMN endpoint_key SET STATISTICS 0;

ALTER TABLE event_deliveries ALTER COLUMN account SET STATISTICS 0;

CREATE INDEX event_deliveries_waiting ON event_deliveries (endpoint_key, begin_time, position) WHERE state = 1;

CREATE INDEX event_deliveries_of_account ON event_deliveries (endpoint_key, account, position) WHERE state = 1;

CREATE INDEX event_deliveries_dead ON event_deliveries (endpoint_key, position) WHERE state = 2;

CREATE INDEX event_deliveries_next ON event_deliveries (endpoint_key, next_attempt_time)
    WHERE next_attempt_time IS NOT NULL;

CREATE TABLE event_delivery_attempts (
    endpoint_key UUID NOT NULL,
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
    CONSTRAINT event_delivery_attempts_pkey PRIMARY KEY (endpoint_key, attempt_id),
    CONSTRAINT event_delivery_attempts_endpoint FOREIGN KEY (endpoint_key) REFERENCES event_endpoints (endpoint_key)
);

COMMENT ON COLUMN event_delivery_attempts.number IS 'of the attempts of its delivery';

COMMENT ON COLUMN event_delivery_attempts.status IS 'of the answer; 0 without one';

COMMENT ON COLUMN event_delivery_attempts.problem IS 'empty if it was delivered';

ALTER TABLE event_delivery_attempts ALTER COLUMN endpoint_key SET STATISTICS 0;
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in ENDPOINTS.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what is still to be delivered would be forgotten."""
    message = "endpoints are not undone; restore a backup instead"
    raise RuntimeError(message)
