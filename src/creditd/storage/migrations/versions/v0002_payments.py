"""Payments: packages, purchases with their facts and history, the inbox of webhooks, subscriptions, the outbox."""

from alembic import op

revision = "0002"
down_revision = "0001"

PACKAGES = """
CREATE TABLE packages (
    package_id TEXT COLLATE "C" NOT NULL,
    display_name TEXT NOT NULL,
    amount BIGINT NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    credits BIGINT NOT NULL,
    bonus BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    retire_time TIMESTAMP WITH TIME ZONE,
    CONSTRAINT packages_pkey PRIMARY KEY (package_id),
    CONSTRAINT packages_credit_type FOREIGN KEY(credit_type) REFERENCES credit_types (code),
    CONSTRAINT packages_amounts CHECK (amount > 0 AND credits > 0 AND bonus >= 0)
);
"""

PURCHASES = """
CREATE TABLE purchases (
    account_id TEXT COLLATE "C" NOT NULL,
    purchase_id UUID NOT NULL,
    version BIGINT NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    fingerprint BIGINT NOT NULL,
    provider SMALLINT NOT NULL,
    live BOOLEAN NOT NULL,
    method SMALLINT NOT NULL,
    return_url TEXT NOT NULL,
    package_id TEXT COLLATE "C" NOT NULL,
    display_name TEXT NOT NULL,
    amount BIGINT NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    credits BIGINT NOT NULL,
    bonus BIGINT NOT NULL,
    state SMALLINT NOT NULL,
    reference TEXT NOT NULL,
    redirect_url TEXT NOT NULL,
    qr_image_url TEXT NOT NULL,
    payment_expire_time TIMESTAMP WITH TIME ZONE,
    payment_id TEXT NOT NULL,
    granted BIGINT NOT NULL,
    reversed BIGINT NOT NULL,
    grant_ids UUID[] NOT NULL,
    paid BIGINT NOT NULL,
    refunded BIGINT NOT NULL,
    disputed BIGINT NOT NULL,
    open_disputes INTEGER NOT NULL,
    failure_code TEXT NOT NULL,
    failure_message TEXT NOT NULL,
    ask_end_time TIMESTAMP WITH TIME ZONE,
    polls INTEGER NOT NULL,
    next_poll_time TIMESTAMP WITH TIME ZONE,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    update_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT purchases_pkey PRIMARY KEY (account_id, purchase_id),
    CONSTRAINT purchases_request UNIQUE (account_id, request_id),
    CONSTRAINT purchases_provider CHECK (provider BETWEEN 1 AND 3),
    CONSTRAINT purchases_state CHECK (state BETWEEN 1 AND 7),
    CONSTRAINT purchases_amounts CHECK (amount > 0 AND credits > 0 AND bonus >= 0),
    CONSTRAINT purchases_granted CHECK (granted IN (0, credits + bonus) AND reversed BETWEEN 0 AND granted),
    CONSTRAINT purchases_returned CHECK (refunded BETWEEN 0 AND paid AND disputed >= 0),
    CONSTRAINT purchases_payment CHECK ((granted > 0) = (payment_id <> ''))
);

CREATE INDEX purchases_polls ON purchases (provider, next_poll_time) WHERE next_poll_time IS NOT NULL;
"""

PURCHASE_FACTS = """
CREATE TABLE purchase_facts (
    account_id TEXT COLLATE "C" NOT NULL,
    purchase_id UUID NOT NULL,
    kind SMALLINT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    stage SMALLINT NOT NULL,
    amount BIGINT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    CONSTRAINT purchase_facts_pkey PRIMARY KEY (account_id, purchase_id, kind, subject),
    CONSTRAINT purchase_facts_purchase FOREIGN KEY(account_id, purchase_id)
        REFERENCES purchases (account_id, purchase_id),
    CONSTRAINT purchase_facts_kind CHECK (kind BETWEEN 1 AND 6 AND amount >= 0)
);
"""

PURCHASE_CHANGES = """
CREATE TABLE purchase_changes (
    account_id TEXT COLLATE "C" NOT NULL,
    purchase_id UUID NOT NULL,
    version BIGINT NOT NULL,
    state SMALLINT NOT NULL,
    granted BIGINT NOT NULL,
    reversed BIGINT NOT NULL,
    refunded BIGINT NOT NULL,
    disputed BIGINT NOT NULL,
    failure_code TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT purchase_changes_pkey PRIMARY KEY (account_id, purchase_id, version),
    CONSTRAINT purchase_changes_purchase FOREIGN KEY(account_id, purchase_id)
        REFERENCES purchases (account_id, purchase_id)
);
"""

PAYMENT_REFERENCES = """
CREATE TABLE payment_references (
    provider SMALLINT NOT NULL,
    live BOOLEAN NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    CONSTRAINT payment_references_pkey PRIMARY KEY (provider, live, reference)
);
"""

PAYMENT_EVENTS = """
CREATE TABLE payment_events (
    provider SMALLINT NOT NULL,
    delivery_key TEXT COLLATE "C" NOT NULL,
    event_id UUID NOT NULL,
    event_type TEXT NOT NULL,
    live BOOLEAN NOT NULL,
    body TEXT NOT NULL,
    state SMALLINT NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_time TIMESTAMP WITH TIME ZONE,
    waits_for TEXT[] NOT NULL,
    problem TEXT NOT NULL,
    purchase TEXT COLLATE "C" NOT NULL,
    receive_time TIMESTAMP WITH TIME ZONE NOT NULL,
    update_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT payment_events_pkey PRIMARY KEY (provider, delivery_key),
    CONSTRAINT payment_events_id UNIQUE (event_id),
    CONSTRAINT payment_events_state CHECK (state BETWEEN 1 AND 5),
    CONSTRAINT payment_events_next_attempt CHECK ((state = 1) = (next_attempt_time IS NOT NULL))
);

CREATE INDEX payment_events_by_state ON payment_events (state, event_id);

CREATE INDEX payment_events_due ON payment_events (provider, next_attempt_time) WHERE state = 1;
"""

PAYMENT_EVENT_ACTS = """
CREATE TABLE payment_event_acts (
    event_id UUID NOT NULL,
    act_id UUID NOT NULL,
    act TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT payment_event_acts_pkey PRIMARY KEY (event_id, act_id),
    CONSTRAINT payment_event_acts_event FOREIGN KEY(event_id) REFERENCES payment_events (event_id)
);
"""

REJECTED_WEBHOOKS = """
CREATE TABLE rejected_webhooks (
    provider SMALLINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    hour TIMESTAMP WITH TIME ZONE NOT NULL,
    rejections BIGINT NOT NULL,
    last_time TIMESTAMP WITH TIME ZONE NOT NULL,
    last_remote_address TEXT NOT NULL,
    CONSTRAINT rejected_webhooks_pkey PRIMARY KEY (provider, reason, hour)
);
"""

RECONCILIATIONS = """
CREATE TABLE reconciliations (
    provider SMALLINT NOT NULL,
    live BOOLEAN NOT NULL,
    day TIMESTAMP WITH TIME ZONE NOT NULL,
    start_time TIMESTAMP WITH TIME ZONE NOT NULL,
    end_time TIMESTAMP WITH TIME ZONE,
    CONSTRAINT reconciliations_pkey PRIMARY KEY (provider, live, day)
);
"""

SUBSCRIPTIONS = """
CREATE TABLE subscriptions (
    account_id TEXT COLLATE "C" NOT NULL,
    provider SMALLINT NOT NULL,
    live BOOLEAN NOT NULL,
    subscription_id TEXT COLLATE "C" NOT NULL,
    status SMALLINT NOT NULL,
    keeps_service BOOLEAN NOT NULL,
    end_time TIMESTAMP WITH TIME ZONE,
    provider_update_time TIMESTAMP WITH TIME ZONE NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    update_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT subscriptions_pkey PRIMARY KEY (account_id, provider, live, subscription_id),
    CONSTRAINT subscriptions_status CHECK (status BETWEEN 1 AND 7)
);
"""

OUTBOX_EVENTS = """
CREATE TABLE outbox_events (
    account_id TEXT COLLATE "C" NOT NULL,
    event_id UUID NOT NULL,
    kind SMALLINT NOT NULL,
    payload JSONB NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT outbox_events_pkey PRIMARY KEY (account_id, event_id),
    CONSTRAINT outbox_events_kind CHECK (kind BETWEEN 1 AND 5)
);
"""


# What happened to a purchase and what staff did to an event is only ever added to.
APPEND_ONLY = """
CREATE TRIGGER purchase_changes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON purchase_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER payment_event_acts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_event_acts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

APPLICATION_ROLE = """
GRANT SELECT, INSERT, UPDATE
    ON packages, purchases, purchase_facts, payment_references, payment_events, rejected_webhooks, reconciliations,
        subscriptions
    TO creditd_app;

GRANT SELECT, INSERT ON purchase_changes, payment_event_acts, outbox_events TO creditd_app;
"""


def upgrade() -> None:
    """Make everything."""
    for script in (
        PACKAGES,
        PURCHASES,
        PURCHASE_FACTS,
        PURCHASE_CHANGES,
        PAYMENT_REFERENCES,
        PAYMENT_EVENTS,
        PAYMENT_EVENT_ACTS,
        REJECTED_WEBHOOKS,
        RECONCILIATIONS,
        SUBSCRIPTIONS,
        OUTBOX_EVENTS,
        APPEND_ONLY,
        APPLICATION_ROLE,
    ):
        for statement in script.split(";\n\n"):
            op.execute(statement)


def downgrade() -> None:
    """Refuse: what was paid is not thrown away by a migration."""
    message = "payments are not undone; restore a backup instead"
    raise RuntimeError(message)
