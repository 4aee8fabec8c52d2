"""Cases of payments: whose an event is and whose turn is first, what paid a purchase twice, what is still due."""

from alembic import op

revision = "0009"
down_revision = "0008"

FACTS = """
ALTER TABLE purchase_facts ADD COLUMN payment TEXT COLLATE "C" NOT NULL DEFAULT '';
"""

PURCHASES = """
ALTER TABLE purchases ADD COLUMN extra_payment_ids TEXT[] NOT NULL DEFAULT '{}';

ALTER TABLE purchases ADD COLUMN extra_left BIGINT NOT NULL DEFAULT 0;

ALTER TABLE purchases ADD CONSTRAINT purchases_extra CHECK (extra_left >= 0) NOT VALID;
"""

EVENTS = """
ALTER TABLE payment_events ADD COLUMN account TEXT COLLATE "C" NOT NULL DEFAULT '';

ALTER TABLE payment_events ADD COLUMN is_ours BOOLEAN NOT NULL DEFAULT true;

ALTER TABLE payment_events ADD COLUMN cause SMALLINT NOT NULL DEFAULT 0;

ALTER TABLE payment_events ADD CONSTRAINT payment_events_cause CHECK (cause BETWEEN 0 AND 2) NOT VALID;

ALTER TABLE payment_events ALTER COLUMN account SET STATISTICS 0, ALTER COLUMN purchase SET STATISTICS 0;

-- The two before forbid more than the new ones do: nobody relied on that.
-- squawk-ignore ban-drop-constraint
ALTER TABLE payment_events DROP CONSTRAINT payment_events_state;

ALTER TABLE payment_events ADD CONSTRAINT payment_events_state CHECK (state BETWEEN 1 AND 6) NOT VALID;

-- squawk-ignore ban-drop-constraint
ALTER TABLE payment_events DROP CONSTRAINT payment_events_next_attempt;

ALTER TABLE payment_events ADD CONSTRAINT payment_events_next_attempt
    CHECK ((state IN (1, 6)) = (next_attempt_time IS NOT NULL)) NOT VALID;
"""

DUES = """
CREATE TABLE payment_dues (
    account_id TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    live BOOLEAN NOT NULL,
    tries INTEGER NOT NULL,
    next_try_time TIMESTAMP WITH TIME ZONE NOT NULL,
    problem TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT payment_dues_pkey PRIMARY KEY (account_id, subject, live)
);

CREATE INDEX payment_dues_next ON payment_dues (next_try_time);

ALTER TABLE payment_dues ALTER COLUMN account_id SET STATISTICS 0;
"""


def upgrade() -> None:
    """Add what is new."""
    for script in (FACTS, PURCHASES, EVENTS, DUES):
        for statement in script.split(";\n\n"):
            op.execute(statement)


def downgrade() -> None:
    """Refuse: what is known of payments is not thrown away by a migration."""
    message = "payments are not undone; restore a backup instead"
    raise RuntimeError(message)
