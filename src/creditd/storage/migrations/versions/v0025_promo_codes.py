"""Promo codes, their claims, and what a purchase has of one (requirements F1 and F2, decision 0054)."""

from alembic import op

revision = "0025"
down_revision = "0024"

CODES = """
CREATE TABLE promo_codes (
    code TEXT COLLATE "C" NOT NULL,
    display_code TEXT NOT NULL,
    series_id UUID NOT NULL,
    kind SMALLINT NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    credits BIGINT NOT NULL,
    credits_lifetime BIGINT,
    percent INTEGER NOT NULL,
    most_per_use BIGINT NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    minimum_amount BIGINT NOT NULL,
    first_purchase_only BOOLEAN NOT NULL,
    start_time TIMESTAMP WITH TIME ZONE,
    expire_time TIMESTAMP WITH TIME ZONE,
    total_limit BIGINT NOT NULL,
    account_limit BIGINT NOT NULL,
    used BIGINT NOT NULL,
    given BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    end_time TIMESTAMP WITH TIME ZONE,
    CONSTRAINT promo_codes_pkey PRIMARY KEY (code),
    CONSTRAINT promo_codes_kind CHECK (kind BETWEEN 1 AND 3),
    CONSTRAINT promo_codes_used CHECK (used BETWEEN 0 AND total_limit AND given >= 0)
);

COMMENT ON COLUMN promo_codes.used IS 'how many claims of it there are';

COMMENT ON COLUMN promo_codes.given IS 'what they give: credits, or money off prices';

CREATE INDEX promo_codes_by_time ON promo_codes (create_time, code);

CREATE INDEX promo_codes_by_series ON promo_codes (series_id, code);

CREATE TABLE promo_claims (
    code TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    ordinal BIGINT NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    fingerprint BIGINT NOT NULL,
    actor TEXT NOT NULL,
    value BIGINT NOT NULL,
    credit_type TEXT COLLATE "C" NOT NULL,
    grant_id UUID,
    grant_expire_time TIMESTAMP WITH TIME ZONE,
    purchase_id UUID,
    claim_time TIMESTAMP WITH TIME ZONE NOT NULL,
    tries INTEGER NOT NULL,
    next_try_time TIMESTAMP WITH TIME ZONE,
    CONSTRAINT promo_claims_pkey PRIMARY KEY (code, account_id, ordinal),
    CONSTRAINT promo_claims_request UNIQUE (code, account_id, request_id),
    CONSTRAINT promo_claims_value CHECK (value > 0),
    CONSTRAINT promo_claims_subject CHECK ((grant_id IS NULL) <> (purchase_id IS NULL))
);

COMMENT ON COLUMN promo_claims.ordinal IS 'which of the account''s uses: the key keeps to its limit';

COMMENT ON COLUMN promo_claims.next_try_time IS 'null once it is finished';

ALTER TABLE promo_claims ALTER COLUMN account_id SET STATISTICS 0, ALTER COLUMN code SET STATISTICS 0;

CREATE INDEX promo_claims_next ON promo_claims (next_try_time) WHERE next_try_time IS NOT NULL;

CREATE TABLE first_purchase_promos (
    account_id TEXT COLLATE "C" NOT NULL,
    purchase_id UUID NOT NULL,
    CONSTRAINT first_purchase_promos_pkey PRIMARY KEY (account_id)
);

ALTER TABLE first_purchase_promos ALTER COLUMN account_id SET STATISTICS 0;
"""

PURCHASES = """
ALTER TABLE purchases ADD COLUMN promo_code TEXT COLLATE "C" NOT NULL DEFAULT '';

ALTER TABLE purchases ADD COLUMN promo_discount BIGINT NOT NULL DEFAULT 0;

ALTER TABLE purchases ADD COLUMN promo_bonus BIGINT NOT NULL DEFAULT 0;

ALTER TABLE purchases ADD COLUMN promo_given_back BOOLEAN NOT NULL DEFAULT false;

COMMENT ON COLUMN purchases.promo_discount IS 'how much less than the package the amount is';

COMMENT ON COLUMN purchases.promo_bonus IS 'how much of the bonus is the code''s';
"""


def upgrade() -> None:
    """Make the tables, and room in purchases, which servers of before leave empty."""
    for script in (CODES, PURCHASES):
        for statement in script.split(";\n\n"):
            op.execute(statement)


def downgrade() -> None:
    """Refuse: who has used which code is not forgotten."""
    message = "promo codes are not undone; restore a backup instead"
    raise RuntimeError(message)
