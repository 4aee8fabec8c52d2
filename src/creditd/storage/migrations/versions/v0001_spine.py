"""The spine: credit types, accounts, wallets, grants, reservations and the append-only ledger."""

from alembic import op

revision = "0001"
down_revision = None

CREDIT_TYPES = """
CREATE TABLE credit_types (
    code TEXT COLLATE "C" NOT NULL,
    display_name TEXT NOT NULL,
    decimals SMALLINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT credit_types_pkey PRIMARY KEY (code),
    CONSTRAINT credit_types_decimals CHECK (decimals BETWEEN 0 AND 9)
);
"""

ACCOUNTS = """
CREATE TABLE accounts (
    account_id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    status SMALLINT NOT NULL,
    unlimited BOOLEAN NOT NULL,
    unlimited_until TIMESTAMP WITH TIME ZONE,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    update_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT accounts_pkey PRIMARY KEY (account_id),
    CONSTRAINT accounts_status CHECK (status BETWEEN 1 AND 3),
    CONSTRAINT accounts_version CHECK (version > 0),
    CONSTRAINT accounts_plan CHECK (unlimited OR unlimited_until IS NULL)
);
"""

ACCOUNT_CHANGES = """
CREATE TABLE account_changes (
    account_id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    fingerprint BIGINT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    status SMALLINT NOT NULL,
    unlimited BOOLEAN NOT NULL,
    unlimited_until TIMESTAMP WITH TIME ZONE,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT account_changes_pkey PRIMARY KEY (account_id, version),
    CONSTRAINT account_changes_request UNIQUE (account_id, request_id),
    CONSTRAINT account_changes_account FOREIGN KEY(account_id) REFERENCES accounts (account_id)
);
"""

WALLETS = """
CREATE TABLE wallets (
    account_id TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    base_version BIGINT NOT NULL,
    version BIGINT NOT NULL,
    available BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    debt BIGINT NOT NULL,
    next_expire_time TIMESTAMP WITH TIME ZONE,
    account_version BIGINT NOT NULL,
    update_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT wallets_pkey PRIMARY KEY (account_id, credit_type),
    CONSTRAINT wallets_account FOREIGN KEY(account_id) REFERENCES accounts (account_id),
    CONSTRAINT wallets_not_negative CHECK (available >= 0 AND reserved >= 0 AND debt >= 0),
    CONSTRAINT wallets_version CHECK (base_version >= 0 AND version > base_version)
);

CREATE INDEX wallets_next_expire_time ON wallets (next_expire_time) WHERE next_expire_time IS NOT NULL;
"""

GRANTS = """
CREATE TABLE grants (
    account_id TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    grant_id UUID NOT NULL,
    source SMALLINT NOT NULL,
    amount BIGINT NOT NULL,
    remaining BIGINT NOT NULL,
    live BOOLEAN NOT NULL,
    expire_time TIMESTAMP WITH TIME ZONE,
    CONSTRAINT grants_pkey PRIMARY KEY (account_id, credit_type, grant_id),
    CONSTRAINT grants_wallet FOREIGN KEY(account_id, credit_type) REFERENCES wallets (account_id, credit_type),
    CONSTRAINT grants_source CHECK (source BETWEEN 1 AND 4),
    CONSTRAINT grants_remaining CHECK (remaining BETWEEN 0 AND amount),
    CONSTRAINT grants_live CHECK (live = (remaining > 0))
);

CREATE INDEX grants_live ON grants (account_id, credit_type) WHERE live;
"""

RESERVATIONS = """
CREATE TABLE reservations (
    account_id TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    reservation_id UUID NOT NULL,
    state SMALLINT NOT NULL,
    amount BIGINT NOT NULL,
    captured BIGINT NOT NULL,
    refunded BIGINT NOT NULL,
    unlimited BOOLEAN NOT NULL,
    slices JSONB NOT NULL,
    expire_time TIMESTAMP WITH TIME ZONE,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    update_time TIMESTAMP WITH TIME ZONE NOT NULL,
    description TEXT NOT NULL,
    metadata JSONB,
    CONSTRAINT reservations_pkey PRIMARY KEY (account_id, reservation_id),
    CONSTRAINT reservations_state CHECK (state BETWEEN 1 AND 4),
    CONSTRAINT reservations_amount CHECK (amount > 0 AND captured >= 0),
    CONSTRAINT reservations_refunded CHECK (refunded BETWEEN 0 AND captured),
    CONSTRAINT reservations_captured CHECK (state = 2 OR captured = 0),
    CONSTRAINT reservations_expire_time CHECK (state <> 1 OR expire_time IS NOT NULL)
);

CREATE INDEX reservations_pending ON reservations (account_id, credit_type, expire_time) WHERE state = 1;
"""

ENTRIES = """
CREATE TABLE entries (
    account_id TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    amount BIGINT NOT NULL,
    available_delta BIGINT NOT NULL,
    reserved_delta BIGINT NOT NULL,
    debt_delta BIGINT NOT NULL,
    available_after BIGINT NOT NULL,
    reserved_after BIGINT NOT NULL,
    debt_after BIGINT NOT NULL,
    slices JSONB NOT NULL,
    reservation_id UUID,
    reservation_state SMALLINT,
    reservation_captured BIGINT,
    reservation_refunded BIGINT,
    reservation_expire_time TIMESTAMP WITH TIME ZONE,
    request_id TEXT COLLATE "C",
    ordinal INTEGER NOT NULL,
    fingerprint BIGINT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    metadata JSONB,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT entries_pkey PRIMARY KEY (account_id, credit_type, version),
    CONSTRAINT entries_request UNIQUE (account_id, request_id, ordinal),
    CONSTRAINT entries_amount CHECK (version > 0 AND amount > 0),
    CONSTRAINT entries_not_negative CHECK (available_after >= 0 AND reserved_after >= 0 AND debt_after >= 0)
);

CREATE INDEX entries_reservation ON entries (account_id, reservation_id) WHERE reservation_id IS NOT NULL;
"""

# Correctness rests on keys, versions, locks and CHECKs. The trigger and the refused privileges are a second belt,
# against hands that reach the tables by another way.
APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER account_changes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON account_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# The role belongs to the cluster, not to the database: another database's migration may make it at the same moment.
APPLICATION_ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'creditd_app') THEN
        CREATE ROLE creditd_app NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'creditd_app', 'MEMBER') THEN
        EXECUTE format('GRANT creditd_app TO %I', current_user);
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    NULL;  -- Another login serves.
END
$$;

GRANT SELECT, INSERT, UPDATE ON credit_types, accounts, wallets, grants, reservations TO creditd_app;

GRANT SELECT, INSERT ON account_changes, entries TO creditd_app;

GRANT SELECT ON alembic_version TO creditd_app;
"""


def upgrade() -> None:
    """Make everything."""
    for script in (
        CREDIT_TYPES,
        ACCOUNTS,
        ACCOUNT_CHANGES,
        WALLETS,
        GRANTS,
        RESERVATIONS,
        ENTRIES,
        APPEND_ONLY,
        APPLICATION_ROLE,
    ):
        for statement in script.split(";\n\n"):
            op.execute(statement)


def downgrade() -> None:
    """Refuse: a ledger is not thrown away by a migration."""
    message = "the first migration is not undone; drop the database instead"
    raise RuntimeError(message)
