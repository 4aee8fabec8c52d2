"""Roles that are held now, apart from what was ever granted: so that nothing costs more as that grows."""

from alembic import op

revision = "0021"
down_revision = "0020"

# Triggers keep the table, whichever version of the servers writes: a revocation by one that does not know the table
# has to be seen by those that read nothing else.
HELD_ROLES = """
CREATE TABLE held_roles (
    subject TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    grant_id UUID NOT NULL,
    granted_by TEXT NOT NULL,
    granted_by_person TEXT NOT NULL,
    reason TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    expire_time TIMESTAMP WITH TIME ZONE,
    person TEXT NOT NULL,
    CONSTRAINT held_roles_pkey PRIMARY KEY (subject, role),
    CONSTRAINT held_roles_grant_id UNIQUE (grant_id)
);

COMMENT ON COLUMN held_roles.person IS 'who has shown to stand behind the subject; empty for nobody';

CREATE FUNCTION hold_role() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO held_roles AS held (
        subject, role, grant_id, granted_by, granted_by_person, reason, create_time, expire_time, person
    ) VALUES (
        NEW.subject, NEW.role, NEW.grant_id, NEW.granted_by, NEW.granted_by_person, NEW.reason, NEW.create_time,
        NEW.expire_time, ''
    ) ON CONFLICT (subject, role) DO UPDATE SET
        grant_id = excluded.grant_id, granted_by = excluded.granted_by,
        granted_by_person = excluded.granted_by_person, reason = excluded.reason, create_time = excluded.create_time,
        expire_time = excluded.expire_time;
    RETURN NULL;
END
$$;

CREATE FUNCTION let_role_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM held_roles WHERE grant_id = NEW.grant_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER role_grants_hold AFTER INSERT ON role_grants FOR EACH ROW EXECUTE FUNCTION hold_role();

CREATE TRIGGER role_revocations_let_go AFTER INSERT ON role_revocations FOR EACH ROW EXECUTE FUNCTION let_role_go();

INSERT INTO held_roles
SELECT DISTINCT ON (g.subject, g.role)
    g.subject, g.role, g.grant_id, g.granted_by, g.granted_by_person, g.reason, g.create_time, g.expire_time, ''
FROM role_grants g
WHERE (g.expire_time IS NULL OR g.expire_time > now())
    AND NOT EXISTS (SELECT FROM role_revocations r WHERE r.grant_id = g.grant_id)
ORDER BY g.subject, g.role, g.grant_id DESC;

INSERT INTO role_revocations (grant_id, revoked_by, revoke_reason, revoke_time)
SELECT g.grant_id, h.granted_by, 'replaced by another grant', h.create_time
FROM held_roles h JOIN role_grants g ON g.subject = h.subject AND g.role = h.role AND g.grant_id <> h.grant_id
WHERE (g.expire_time IS NULL OR g.expire_time > now())
    AND NOT EXISTS (SELECT FROM role_revocations r WHERE r.grant_id = g.grant_id);
"""


def upgrade() -> None:
    """Make the table, have it kept, and fill it: of two grants of one role to one subject the newer one counts."""
    for statement in HELD_ROLES.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: older servers do not mind the table."""
    message = "the table of held roles is not undone; restore a backup instead"
    raise RuntimeError(message)
