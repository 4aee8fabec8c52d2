"""Notes that staff leave for staff, beside the reason that the owner of an account reads (requirement J6)."""

from alembic import op

revision = "0036"
down_revision = "0035"

NOTES = """
CREATE TABLE staff_notes (
    account_id TEXT COLLATE "C" NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    note TEXT NOT NULL,
    actor TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT staff_notes_pkey PRIMARY KEY (account_id, request_id)
);

COMMENT ON COLUMN staff_notes.request_id IS 'of the act that it was left with';

ALTER TABLE staff_notes ALTER COLUMN account_id SET STATISTICS 0;

CREATE TRIGGER staff_notes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON staff_notes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Make the table."""
    for statement in NOTES.strip().rstrip(";").split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: as with the others."""
    message = "migrations are not undone; restore a backup instead"
    raise RuntimeError(message)
