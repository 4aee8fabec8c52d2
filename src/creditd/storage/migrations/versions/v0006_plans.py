"""No statistics of whose a row is: the plan of a call must not depend on whether they know the account."""

from alembic import op

revision = "0006"
down_revision = "0005"

# With statistics that do not know an account, its million rows count as one, and any index that begins with the account
# is as good as the right one. Without them every account counts as a two-hundredth of the table. Likewise for states.
STATISTICS = """
ALTER TABLE accounts ALTER COLUMN account_id SET STATISTICS 0, ALTER COLUMN status SET STATISTICS 0;

ALTER TABLE account_changes ALTER COLUMN account_id SET STATISTICS 0;

ALTER TABLE wallets ALTER COLUMN account_id SET STATISTICS 0;

ALTER TABLE grants ALTER COLUMN account_id SET STATISTICS 0;

ALTER TABLE reservations ALTER COLUMN account_id SET STATISTICS 0, ALTER COLUMN state SET STATISTICS 0;

ALTER TABLE entries ALTER COLUMN account_id SET STATISTICS 0, ALTER COLUMN kind SET STATISTICS 0;

ALTER TABLE purchases ALTER COLUMN account_id SET STATISTICS 0, ALTER COLUMN state SET STATISTICS 0;

ALTER TABLE purchase_facts ALTER COLUMN account_id SET STATISTICS 0;

ALTER TABLE purchase_changes ALTER COLUMN account_id SET STATISTICS 0;

ALTER TABLE payment_events ALTER COLUMN state SET STATISTICS 0, ALTER COLUMN provider SET STATISTICS 0;

ALTER TABLE subscriptions ALTER COLUMN account_id SET STATISTICS 0;

ALTER TABLE outbox_events ALTER COLUMN account_id SET STATISTICS 0;
"""

# What ANALYZE has gathered before stays until it is cleared, for which versions before 18 have no function.
FORMER = """
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 180000 THEN
        PERFORM pg_clear_attribute_stats(current_schema()::text, c.relname::text, a.attname::text, false)
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE a.attstattarget = 0 AND c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace;
    END IF;
END
$$;
"""


def upgrade() -> None:
    """Gather none from now on, and forget what was gathered."""
    for script in (STATISTICS, FORMER):
        for statement in script.split(";\n\n"):
            op.execute(statement)


def downgrade() -> None:
    """Refuse: the first migrations are not undone either."""
    message = "statistics are gathered again by ALTER COLUMN ... SET STATISTICS -1"
    raise RuntimeError(message)
