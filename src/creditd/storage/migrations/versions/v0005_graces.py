"""One grace for each grant: its end beside the grant, and in the entry that it began with (decision 0017).

Both are empty in the rows that are there. A grant that is in its grace when this comes may get one more, and no third.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

GRACES = """
ALTER TABLE grants ADD COLUMN grace_end TIMESTAMP WITH TIME ZONE;

COMMENT ON COLUMN grants.grace_end IS 'when the one grace of the grant ends; null before it began';

ALTER TABLE entries ADD COLUMN graces JSONB;

COMMENT ON COLUMN entries.graces IS 'the graces that began with it: when each ends, by grant';
"""


def upgrade() -> None:
    """Add both columns."""
    for statement in GRACES.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: a grace that was forgotten would be given again."""
    message = "graces are not forgotten; restore a backup instead"
    raise RuntimeError(message)
