"""Events: the outbox is read, and what has left it has a position; balance alerts with the account (decision 0055).

Rows that are in the outbox were announced at -infinity, and come first.
"""

from alembic import op

revision = "0027"
down_revision = "0026"

EVENTS = """
ALTER TABLE accounts ADD COLUMN alerts JSONB;

COMMENT ON COLUMN accounts.alerts IS 'as limits';

ALTER TABLE account_changes ADD COLUMN alerts JSONB;

COMMENT ON COLUMN account_changes.alerts IS 'as in accounts';

ALTER TABLE outbox_events ADD COLUMN credit_type TEXT COLLATE "C";

COMMENT ON COLUMN outbox_events.credit_type IS 'null where it is about the account as a whole';

ALTER TABLE outbox_events ADD COLUMN schema_version SMALLINT NOT NULL DEFAULT 0;

COMMENT ON COLUMN outbox_events.schema_version IS 'of what it says; 0 for rows of a release before there were schemas';

ALTER TABLE outbox_events ADD COLUMN announce_time TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT '-infinity';

ALTER TABLE outbox_events ALTER COLUMN announce_time SET DEFAULT clock_timestamp();

COMMENT ON COLUMN outbox_events.announce_time IS
    'when it was put in, by the database''s clock; -infinity for rows of a release before';

-- Another takes its place at once, which lets more through.
-- squawk-ignore ban-drop-constraint
ALTER TABLE outbox_events DROP CONSTRAINT outbox_events_kind;

ALTER TABLE outbox_events ADD CONSTRAINT outbox_events_kind CHECK (kind BETWEEN 1 AND 100) NOT VALID;

CREATE TABLE published_events (
    position BIGINT NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    event_id UUID NOT NULL,
    kind SMALLINT NOT NULL,
    schema_version SMALLINT NOT NULL,
    credit_type TEXT COLLATE "C",
    payload JSONB NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    publish_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT published_events_pkey PRIMARY KEY (position),
    CONSTRAINT published_events_event UNIQUE (account, event_id),
    CONSTRAINT published_events_position CHECK (position > 0)
);

COMMENT ON COLUMN published_events.position IS 'in the order of publishing, from 1';

COMMENT ON COLUMN published_events.account IS 'the account that it is about';

COMMENT ON COLUMN published_events.credit_type IS 'null where it is about the account as a whole';

ALTER TABLE published_events ALTER COLUMN account SET STATISTICS 0;

CREATE INDEX published_events_of_account ON published_events (account, position);

CREATE TABLE event_publishing (
    name TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    removed_position BIGINT NOT NULL,
    CONSTRAINT event_publishing_pkey PRIMARY KEY (name),
    CONSTRAINT event_publishing_positions CHECK (removed_position BETWEEN 0 AND position)
);

COMMENT ON COLUMN event_publishing.position IS 'of the last event that was published';

COMMENT ON COLUMN event_publishing.removed_position IS 'of the last one that is kept no more';

INSERT INTO event_publishing (name, position, removed_position) VALUES ('events', 0, 0);

CREATE TABLE expiry_notices (
    name TEXT COLLATE "C" NOT NULL,
    expire_time TIMESTAMP WITH TIME ZONE NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    grant_id UUID NOT NULL,
    CONSTRAINT expiry_notices_pkey PRIMARY KEY (name)
);

COMMENT ON COLUMN expiry_notices.expire_time IS 'of the grant that notices have come to';

COMMENT ON COLUMN expiry_notices.account IS 'whose it is';

INSERT INTO expiry_notices (name, expire_time, account, credit_type, grant_id)
VALUES ('grants', now(), '', '', '00000000-0000-0000-0000-000000000000');
"""


def upgrade() -> None:
    """Add the columns and the tables."""
    for statement in EVENTS.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: positions that others have noted would be given a second time."""
    message = "published events are not undone; restore a backup instead"
    raise RuntimeError(message)
