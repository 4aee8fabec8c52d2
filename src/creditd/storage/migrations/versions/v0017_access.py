"""Access: roles that were granted and revoked, service accounts, and how often any of it was changed."""

from alembic import op

revision = "0017"
down_revision = "0016"

ACCESS = """
CREATE TABLE access_versions (
    one SMALLINT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT access_versions_pkey PRIMARY KEY (one),
    CONSTRAINT access_versions_one CHECK (one = 1)
);

COMMENT ON COLUMN access_versions.version IS 'how often anybody''s access was changed';

INSERT INTO access_versions (one, version) VALUES (1, 0);

CREATE TABLE role_grants (
    grant_id UUID NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    granted_by TEXT NOT NULL,
    granted_by_person TEXT NOT NULL,
    reason TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    expire_time TIMESTAMP WITH TIME ZONE,
    CONSTRAINT role_grants_pkey PRIMARY KEY (grant_id),
    CONSTRAINT role_grants_role CHECK (role IN ('USER', 'PREMIUM', 'SUPPORT', 'FINANCE', 'ADMIN', 'SUPER_ADMIN')),
    CONSTRAINT role_grants_expire_time CHECK (expire_time > create_time)
);

CREATE INDEX role_grants_subject ON role_grants (subject, grant_id);

CREATE TRIGGER role_grants_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON role_grants
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE role_revocations (
    grant_id UUID NOT NULL,
    revoked_by TEXT NOT NULL,
    revoke_reason TEXT NOT NULL,
    revoke_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT role_revocations_pkey PRIMARY KEY (grant_id)
);

CREATE TRIGGER role_revocations_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON role_revocations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE service_accounts (
    service_account_id TEXT COLLATE "C" NOT NULL,
    person TEXT NOT NULL,
    scopes TEXT[] NOT NULL,
    accounts TEXT[] NOT NULL,
    certificate_names TEXT[] NOT NULL,
    disabled BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    update_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT service_accounts_pkey PRIMARY KEY (service_account_id),
    CONSTRAINT service_accounts_version CHECK (version > 0)
);

COMMENT ON COLUMN service_accounts.accounts IS 'allow list: ids, or prefixes that end with *';

-- squawk-ignore ban-drop-constraint
ALTER TABLE request_claims DROP CONSTRAINT request_claims_kind;

ALTER TABLE request_claims ADD CONSTRAINT request_claims_kind CHECK (kind BETWEEN 1 AND 100) NOT VALID;
"""


def upgrade() -> None:
    """Make the tables, and let new kinds of claims in: more than there are, so that not each needs a migration."""
    for statement in ACCESS.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: who was given what is not forgotten."""
    message = "roles are not undone; restore a backup instead"
    raise RuntimeError(message)
