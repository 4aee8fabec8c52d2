"""What an act of staff was answered with, so that its repeat is answered the same (decision 0031)."""

from alembic import op

revision = "0013"
down_revision = "0012"

ANSWERS = """
ALTER TABLE request_claims ADD COLUMN fingerprint BIGINT, ADD COLUMN answer JSONB;

COMMENT ON COLUMN request_claims.account_id IS 'empty for what is about no account';

COMMENT ON COLUMN request_claims.answer IS 'for what is about no account: as it was right after the request';

-- squawk-ignore ban-drop-constraint
ALTER TABLE request_claims DROP CONSTRAINT request_claims_kind;

ALTER TABLE request_claims ADD CONSTRAINT request_claims_kind CHECK (kind BETWEEN 1 AND 10) NOT VALID;
"""


def upgrade() -> None:
    """Add the columns, and let the new kinds in."""
    for statement in ANSWERS.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: a request id that was forgotten could be used again."""
    message = "request ids are not forgotten; restore a backup instead"
    raise RuntimeError(message)
