"""Usage: fewer rows for each entry. Only the leaders of rankings are kept in order; accounts' own sums wait for more.

A server of before would add an entry to sums that a server of now takes for absent. So it finds no rollup any more:
until it is replaced it answers what is asked of usage with USAGE_BEHIND, and adds nothing up.
"""

from alembic import op

revision = "0030"
down_revision = "0029"

TABLES = """
CREATE TABLE usage_editions (
    edition INTEGER NOT NULL,
    state SMALLINT NOT NULL,
    label TEXT,
    after_account TEXT COLLATE "C" NOT NULL,
    after_credit_type TEXT COLLATE "C" NOT NULL,
    pass_time TIMESTAMP WITH TIME ZONE NOT NULL,
    complete_time TIMESTAMP WITH TIME ZONE,
    CONSTRAINT usage_editions_pkey PRIMARY KEY (edition),
    CONSTRAINT usage_editions_state CHECK (state BETWEEN 1 AND 3)
);

COMMENT ON COLUMN usage_editions.label IS 'the key of metadata that it adds up by; null until it begins';

COMMENT ON COLUMN usage_editions.complete_time IS 'entries made before are in it; null until it has seen every wallet';

CREATE UNIQUE INDEX usage_editions_at_work ON usage_editions (state) WHERE state IN (1, 2);

WITH moved AS (DELETE FROM usage_rollups RETURNING *) INSERT INTO usage_editions SELECT * FROM moved;

ALTER TABLE usage_positions ADD COLUMN summed BIGINT NOT NULL DEFAULT 0;

COMMENT ON COLUMN usage_positions.summed IS 'entries of the wallet up to this one are in the sums of its account';

UPDATE usage_positions SET summed = version;

ALTER TABLE usage_positions SET (fillfactor = 60);

ALTER TABLE usage_ranks SET (fillfactor = 60);

CREATE TABLE usage_leaders (
    edition INTEGER NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    dimension SMALLINT NOT NULL,
    span SMALLINT NOT NULL,
    span_time TIMESTAMP WITH TIME ZONE NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    used NUMERIC NOT NULL,
    covered NUMERIC NOT NULL,
    CONSTRAINT usage_leaders_pkey PRIMARY KEY (edition, credit_type, dimension, span, span_time, value)
);

CREATE INDEX usage_leaders_by_used
    ON usage_leaders (edition, credit_type, dimension, span, span_time, (used + covered) DESC, value);

CREATE TABLE usage_floors (
    edition INTEGER NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    dimension SMALLINT NOT NULL,
    span SMALLINT NOT NULL,
    span_time TIMESTAMP WITH TIME ZONE NOT NULL,
    floor NUMERIC NOT NULL,
    floor_value TEXT COLLATE "C" NOT NULL,
    CONSTRAINT usage_floors_pkey PRIMARY KEY (edition, credit_type, dimension, span, span_time)
);

COMMENT ON COLUMN usage_floors.floor IS 'what the last of the leaders had used when there were too many';

COMMENT ON COLUMN usage_floors.floor_value IS 'who that was; of those that used as much, who comes before leads';

INSERT INTO usage_leaders
SELECT k.*, r.value, r.used, r.covered
FROM (SELECT DISTINCT edition, credit_type, dimension, span, span_time FROM usage_ranks) AS k
CROSS JOIN LATERAL (
    SELECT value, used, covered FROM usage_ranks
    WHERE edition = k.edition AND credit_type = k.credit_type AND dimension = k.dimension AND span = k.span
      AND span_time = k.span_time
    ORDER BY used + covered DESC, value LIMIT 300
) AS r;

INSERT INTO usage_floors
SELECT k.*, l.used + l.covered, l.value
FROM (SELECT DISTINCT edition, credit_type, dimension, span, span_time FROM usage_leaders) AS k
CROSS JOIN LATERAL (
    SELECT value, used, covered FROM usage_leaders
    WHERE edition = k.edition AND credit_type = k.credit_type AND dimension = k.dimension AND span = k.span
      AND span_time = k.span_time
    ORDER BY used + covered DESC, value OFFSET 299 LIMIT 1
) AS l;
"""


def upgrade() -> None:
    """Take the rollup over, with the first of each ranking as its leaders."""
    for statement in TABLES.strip().rstrip(";").split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: as with the others."""
    message = "migrations are not undone; restore a backup instead"
    raise RuntimeError(message)
