"""Request ids of what is no entry, where the save of an entry and every other change see them (decision 0020)."""

from alembic import op

revision = "0008"
down_revision = "0007"

CLAIMS = """
CREATE TABLE request_claims (
    account_id TEXT COLLATE "C" NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    kind SMALLINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT request_claims_pkey PRIMARY KEY (account_id, request_id),
    CONSTRAINT request_claims_kind CHECK (kind BETWEEN 1 AND 4)
);

ALTER TABLE request_claims ALTER COLUMN account_id SET STATISTICS 0;
"""

# What is there keeps its ids: where one was used twice, it is claimed by one of the two. Whether a change was one of
# the status or of the plan its row does not tell; it is shown as one of the plan. 6 is an outside refund.
KNOWN = """
INSERT INTO request_claims (account_id, request_id, kind, create_time)
SELECT account_id, request_id, 2, create_time FROM account_changes
ON CONFLICT (account_id, request_id) DO NOTHING;

INSERT INTO request_claims (account_id, request_id, kind, create_time)
SELECT account_id, request_id, 3, create_time FROM purchases
ON CONFLICT (account_id, request_id) DO NOTHING;

INSERT INTO request_claims (account_id, request_id, kind, create_time)
SELECT account_id, subject, 4, now() FROM purchase_facts WHERE kind = 6
ON CONFLICT (account_id, request_id) DO NOTHING;
"""


def upgrade() -> None:
    """Make the table, and claim what was used so far."""
    for script in (CLAIMS, KNOWN):
        for statement in script.split(";\n\n"):
            op.execute(statement)


def downgrade() -> None:
    """Refuse: a request id that was forgotten could be used again."""
    message = "request ids are not forgotten; restore a backup instead"
    raise RuntimeError(message)
