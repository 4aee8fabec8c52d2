"""Which servers may use the schema: written by migrations, and read by each server at its health checks (I5)."""

from alembic import op

from creditd.storage.migrations.phases import EXPAND

revision = "0007"
down_revision = "0006"
phase = EXPAND

COMPATIBILITY = """
CREATE TABLE identity_compatibility (
    least_server TEXT COLLATE "C" NOT NULL,
    CONSTRAINT identity_compatibility_pkey PRIMARY KEY (least_server),
    CONSTRAINT identity_compatibility_least_server CHECK (least_server ~ '^[0-9]{4}$')
);

COMMENT ON COLUMN identity_compatibility.least_server IS 'the newest migration that the oldest server that fits brings';

INSERT INTO identity_compatibility VALUES ('0001');
"""


def upgrade() -> None:
    """Make the table: all servers fit, since all migrations so far only add."""
    for statement in COMPATIBILITY.strip().rstrip(";").split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: as with the others."""
    message = "migrations are not undone; restore a backup instead"
    raise RuntimeError(message)
