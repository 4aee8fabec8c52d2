"""Security events kept for 400 days: what is older may be removed, by one function, and nothing else may."""

from alembic import op

revision = "0006"
down_revision = "0005"

REFUSAL = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF NOT EXISTS (SELECT FROM removed WHERE create_time > now() - interval '400 days') THEN
            RETURN NULL;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

DROP TRIGGER security_events_append_only ON security_events;

CREATE TRIGGER security_events_append_only BEFORE UPDATE OR TRUNCATE ON security_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER security_events_kept AFTER DELETE ON security_events
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# By its owner's right, so that the role that serves may delete nothing by itself. The oldest have the lowest ids: it
# looks at so many rows, however many there are.
REMOVAL = """
CREATE FUNCTION remove_old_security_events(looked_at integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
    WITH oldest AS (
        SELECT event_id, create_time FROM security_events ORDER BY event_id LIMIT looked_at
    ), removed AS (
        DELETE FROM security_events WHERE event_id IN (
            SELECT event_id FROM oldest WHERE create_time <= now() - interval '400 days'
        ) RETURNING event_id
    )
    SELECT count(*) FROM removed
$$
"""


def upgrade() -> None:
    """Let what is old go, and make the function that removes it."""
    for script in (REFUSAL, REMOVAL):
        for statement in script.split(";\n\n"):
            op.execute(statement)


def downgrade() -> None:
    """Refuse: what was removed does not come back."""
    message = "what was removed does not come back; restore a backup instead"
    raise RuntimeError(message)
