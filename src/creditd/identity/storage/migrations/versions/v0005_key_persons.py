"""Who stands behind whoever created an API key, and so behind whoever shows it."""

from alembic import op

revision = "0005"
down_revision = "0004"

KEY_PERSONS = """
ALTER TABLE api_keys ADD COLUMN created_by_person TEXT;

COMMENT ON COLUMN api_keys.created_by_person IS 'null where it is who created the key';
"""


def upgrade() -> None:
    """Add the column, empty for the keys that there are."""
    for statement in KEY_PERSONS.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: older servers do not mind the column."""
    message = "the column is not undone; restore a backup instead"
    raise RuntimeError(message)
