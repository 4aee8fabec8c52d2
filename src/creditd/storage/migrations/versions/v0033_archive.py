"""Archived entries: where each wallet's oldest are, and what they add up to; only those may leave the ledger."""

from alembic import op

revision = "0033"
down_revision = "0032"

ARCHIVE = """
CREATE TABLE entry_archives (
    account_id TEXT COLLATE "C" NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    first_version BIGINT NOT NULL,
    last_version BIGINT NOT NULL,
    removed BIGINT NOT NULL,
    last_time TIMESTAMP WITH TIME ZONE NOT NULL,
    file TEXT NOT NULL,
    file_hash BYTEA NOT NULL,
    state JSONB NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT entry_archives_pkey PRIMARY KEY (account_id, credit_type, first_version),
    CONSTRAINT entry_archives_versions CHECK (first_version > 0 AND last_version >= first_version)
);

ALTER TABLE entry_archives ALTER COLUMN account_id SET STATISTICS 0;

COMMENT ON COLUMN entry_archives.removed IS 'how many of the entries were deleted';

COMMENT ON COLUMN entry_archives.file IS 'where they are, within the folder of the archive';

COMMENT ON COLUMN entry_archives.state IS 'what the entries up to the last one add up to';

CREATE TRIGGER entry_archives_append_only BEFORE UPDATE OR TRUNCATE ON entry_archives
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION refuse_unrestored() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (
        SELECT FROM removed AS r
        WHERE (
            SELECT count(*) FROM entries AS e WHERE e.account_id = r.account_id AND e.credit_type = r.credit_type
              AND e.version BETWEEN r.first_version AND r.last_version
        ) <> r.last_version - r.first_version + 1
    ) THEN
        RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER entry_archives_restored AFTER DELETE ON entry_archives
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION refuse_unrestored();

CREATE FUNCTION refuse_unarchived() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM removed) OR EXISTS (
        SELECT FROM removed AS r
        WHERE r.kind NOT IN (6, 7, 8, 9, 11) OR coalesce((
            SELECT a.last_version FROM entry_archives AS a
            WHERE a.account_id = r.account_id AND a.credit_type = r.credit_type AND a.first_version <= r.version
            ORDER BY a.first_version DESC LIMIT 1
        ), 0) <= r.version
    ) THEN
        RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER entries_archived AFTER DELETE ON entries
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION refuse_unarchived();

CREATE OR REPLACE TRIGGER entries_append_only BEFORE UPDATE OR TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Make the table, and let what it covers go: the guard against other deletions is there before the old one goes."""
    for statement in ARCHIVE.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what is in the archive does not come back by itself."""
    message = "archived entries are not brought back; restore a backup instead"
    raise RuntimeError(message)
